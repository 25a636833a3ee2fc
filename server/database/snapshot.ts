// A copy of the embedded database as it is at one moment, made while a server works on it.
import { DatabaseSync } from "node:sqlite"

/** Writes it to a file that must not be there yet. The server goes on reading and writing meanwhile. */
export function writeSnapshot(path: string, to: string): void {
  const file = new DatabaseSync(path)
  try {
    file.exec("pragma busy_timeout = 10000")
    file.prepare("vacuum into ?").run(to)
  } finally {
    file.close()
  }
}

/** The SHA-256 of every picture that a snapshot knows, without doubles. */
export function picturesIn(snapshot: string): string[] {
  const file = new DatabaseSync(snapshot, { readOnly: true })
  try {
    const rows = file.prepare("select distinct sha256 from images").all() as { sha256: string }[]
    return rows.map(({ sha256 }) => sha256)
  } finally {
    file.close()
  }
}
