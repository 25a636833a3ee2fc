// What a command of the shell is: its words, what it takes, and what it prints, for people or as JSON.
import { parseArgs } from "node:util"
import { findProject } from "../accounts/projects.ts"
import { openData } from "../compose.ts"
import { readConfig } from "../config.ts"
import { allProviders } from "../providers/all.ts"

/** `value` is what `--json` prints. */
export type Printed = { text: string; value: unknown }

export type Command = {
  /** As it is typed, without `atelier`. */
  words: string
  /** What must stand after its words, such as ["NAME"]. */
  needs?: readonly string[]
  /** What comes after that. */
  takes: string
  about: string
  /** Names of options with a value. */
  options: readonly string[]
  /** Names of options without one. */
  flags?: readonly string[]
  run: (given: Given) => Promise<Printed>
}

export type Given = {
  options: Record<string, string | undefined>
  /** The flags that were given. */
  flags: ReadonlySet<string>
  rest: string[]
}

/** Throws an Error that says what is wrong with what was typed. */
export function readGiven(command: Command, args: string[]): Given & { json: boolean } {
  const { words, needs = [], options, flags = [] } = command
  const known = Object.fromEntries([
    ...options.map((name) => [name, { type: "string" as const }]),
    ...flags.map((name) => [name, { type: "boolean" as const }]),
  ])
  try {
    const { values, positionals } = parseArgs({
      args,
      options: { ...known, json: { type: "boolean" } },
      allowPositionals: true,
    })
    const { json, ...given } = values as Record<string, string | undefined> & { json?: boolean }
    const missing = needs[positionals.length]
    if (missing !== undefined) throw new Error(`it needs ${missing}`)
    const set = new Set(flags.filter((name) => name in given))
    return { options: given, flags: set, rest: positionals, json: json === true }
  } catch (error) {
    throw new Error(`${words}: ${(error as Error).message}`, { cause: error })
  }
}

export type Data = Awaited<ReturnType<typeof openData>>

/** Opens the data folder for as long as the work takes, whether a server runs on it or not. */
export async function withData<T>(work: (data: Data) => Promise<T>): Promise<T> {
  const data = await openData(readConfig(process.env, allProviders))
  try {
    return await work(data)
  } finally {
    await data.database.close()
  }
}

export async function checkProject(data: Data, id: string): Promise<string> {
  if (await findProject(data, id)) return id
  throw new Error(`There is no project ${id}: atelier projects list shows which there are.`)
}

export function readMode(mode: string | undefined, command: string): "live" | "test" {
  if (mode === "live" || mode === "test") return mode
  throw new Error(`${command} needs --mode live or --mode test`)
}

/** A positive or negative amount, in credits with at most six decimals, as micro-credits. */
export function readCredits(text: string | undefined, option: string): number {
  const [, sign = "", whole = "", parts = ""] = /^(-?)(\d{1,9})(?:\.(\d{1,6}))?$/.exec(text ?? "") ?? []
  if (whole === "") throw new Error(`--${option} must be a number of credits, such as 20 or 0.5`)
  const micros = Number(whole) * 1_000_000 + Number(parts.padEnd(6, "0"))
  return sign === "-" ? -micros : micros
}

export const time = (milliseconds: number | null): string | null =>
  milliseconds === null ? null : new Date(milliseconds).toISOString()

/** Lines with their columns below each other. */
export function writeColumns(rows: string[][]): string {
  const widths = rows.reduce<number[]>((most, row) => row.map((cell, at) => Math.max(most[at] ?? 0, cell.length)), [])
  return rows
    .map((row) =>
      row
        .map((cell, at) => cell.padEnd(widths[at] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n")
}
