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
  /** What comes after its words. */
  takes: string
  about: string
  /** Names of options with a value. */
  options: readonly string[]
  run: (given: Given) => Promise<Printed>
}

export type Given = { options: Record<string, string | undefined>; rest: string[] }

/** Throws an Error that says what is wrong with what was typed. */
export function readGiven({ words, options }: Command, args: string[]): Given & { json: boolean } {
  const known = Object.fromEntries(options.map((name) => [name, { type: "string" as const }]))
  try {
    const { values, positionals } = parseArgs({
      args,
      options: { ...known, json: { type: "boolean" } },
      allowPositionals: true,
    })
    const { json, ...given } = values as Record<string, string | undefined> & { json?: boolean }
    return { options: given, rest: positionals, json: json === true }
  } catch (error) {
    throw new Error(`${words}: ${(error as Error).message}`, { cause: error })
  }
}

type Data = Awaited<ReturnType<typeof openData>>

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

/** How many rows of a list, newest first. */
export function readLimit(text: string | undefined): number {
  if (text === undefined) return 100
  if (/^[1-9]\d{0,4}$/.test(text)) return Number(text)
  throw new Error("--limit must be a whole number from 1 to 99999")
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
