// Logs that outlive whoever is killed: one JSON line each, with the system before anything else happens.
import { openSync, readFileSync, writeSync } from "node:fs"

/** Milliseconds since 1970. */
type Timed = { at: number }

type Untimed<Entry> = Entry extends Timed ? Omit<Entry, "at"> : never

export function openLog<Entry extends Timed>(path: string): (entry: Untimed<Entry>) => void {
  const file = openSync(path, "a")
  return (entry) => void writeSync(file, `${JSON.stringify({ at: Date.now(), ...entry })}\n`)
}

export const readLog = <Entry>(path: string): Entry[] =>
  readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Entry)
