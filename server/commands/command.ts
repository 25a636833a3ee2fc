// What a command of the shell is: its words, what it takes, and what it prints, for people or as JSON.
import { parseArgs } from "node:util"
import { defaultProject, findProject } from "../accounts/projects.ts"
import { openData } from "../data.ts"
import { readConfig } from "../config.ts"
import { allProviders } from "../providers/all.ts"

/** `value` is what `--json` prints. */
export type Printed = { text: string; value: unknown }

export type Command = {
  /** As it is typed, without `atelier`. */
  words: string
  /** What must stand after its words, such as ["NAME"]. */
  needs?: readonly string[]
  /** Its options, as a reader is shown them. */
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
  /** As many as it needs. */
  rest: string[]
}

/** Throws an Error that says what is wrong with what was typed. */
export function readGiven(command: Command, args: string[]): Given & { json: boolean } {
  const { words, needs = [], options, flags = [] } = command
  const { values, positionals } = parse(words, args, [
    ...options.map((name) => [name, { type: "string" }] as const),
    ...[...flags, "json"].map((name) => [name, { type: "boolean" }] as const),
  ])
  const missing = needs[positionals.length]
  if (missing !== undefined) throw new Error(`${words} needs ${missing}: atelier ${writeCall(command)}`)
  // What it is, is not said again: it may be a password that was typed in the wrong place.
  if (positionals.length > needs.length)
    throw new Error(`${words} takes ${needs.join(" and ") || "only options"}; what has spaces in it needs quotes.`)
  const given = Object.entries(values)
  return {
    options: Object.fromEntries(given.filter(([name]) => options.includes(name))) as Given["options"],
    flags: new Set(given.flatMap(([name, value]) => (flags.includes(name) && value === true ? [name] : []))),
    rest: positionals,
    json: values["json"] === true,
  }
}

function parse(words: string, args: string[], known: (readonly [string, { type: "string" | "boolean" }])[]) {
  try {
    return parseArgs({ args, options: Object.fromEntries(known), allowPositionals: true })
  } catch (error) {
    throw new Error(`${words}: ${(error as Error).message}`, { cause: error })
  }
}

/** How it is typed: "keys rotate ID [--project ID]". */
export const writeCall = ({ words, needs = [], takes }: Command): string =>
  [words, ...needs, takes].filter((part) => part !== "").join(" ")

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

/** The project that `--project` names, or the one that every installation has. */
export const projectOf = (data: Data, { options }: Given): Promise<string> =>
  checkProject(data, options["project"] ?? defaultProject)

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

/** A name of a project, a key or a person: the databases keep so much. */
export function readName(text: string): string {
  if (text.length <= 200) return text
  throw new Error("A name has at most 200 characters.")
}

/** Words with commas between. */
export const wordsIn = (list: string): string[] => list.split(",").map((word) => word.trim())

/** The same, all of them known. */
export function knownWordsIn<Word extends string>(option: string, list: string, known: readonly Word[]): Word[] {
  const named = wordsIn(list)
  const wrong = named.find((word) => !(known as readonly string[]).includes(word))
  if (wrong === undefined) return [...new Set(named as Word[])]
  throw new Error(`--${option}: there is no ${wrong || "empty one"}; there are ${known.join(", ")}`)
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
