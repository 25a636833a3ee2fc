// What may be written down. Only the fields named here are, and of errors and vendors' words only what cannot hold a
// secret, a prompt or a whole URL: what is not on the list stays out, whoever hands it over.
import { pino } from "pino"
import type { DestinationStream } from "pino"
import { GatewayError } from "./errors.ts"

/** Ids and plain words are written as they are. */
type Words = "advice" | "attempt" | "code" | "delivery" | "endpoint" | "generation" | "job" | "path"
type MoreWords = "project" | "provider" | "request" | "subject" | "what" | "why"

type StoryWords = "dialect" | "key" | "mode" | "model" | "status"

export type Fields = { [Name in Words | MoreWords | StoryWords]?: string } & {
  images?: number
  bytes?: number
  credits?: number
  queued_ms?: number
  ran_ms?: number
  /** The calls that were made for a generation, as ids, codes and numbers. */
  calls?: Record<string, string | number>[]
  /** Only of a project that agreed. */
  prompt?: string
  tries?: number
  faults?: string[]
  /** Whatever was thrown. */
  err?: unknown
  /** What went wrong at a vendor: an error, or what it said. */
  cause?: unknown
}

type Write = (fields: Fields, message?: string) => void
export type Log = Record<"debug" | "info" | "warn" | "error", Write>

const asItIs = (value: unknown): unknown => value

const fields: Required<Record<keyof Fields, (value: unknown) => unknown>> = {
  ...{ advice: asItIs, attempt: asItIs, code: asItIs, delivery: asItIs, endpoint: asItIs, generation: asItIs },
  ...{ job: asItIs, path: asItIs, project: asItIs, provider: asItIs, request: asItIs, subject: asItIs, what: asItIs },
  ...{ why: asItIs, tries: asItIs, faults: asItIs },
  ...{ dialect: asItIs, key: asItIs, mode: asItIs, model: asItIs, status: asItIs, images: asItIs, bytes: asItIs },
  ...{ credits: asItIs, queued_ms: asItIs, ran_ms: asItIs, calls: asItIs, prompt: asItIs },
  ...{ err: describeCause, cause: describeCause },
}

export const createLog = (level: string, destination: DestinationStream = pino.destination(2)): Log =>
  pino({ level, formatters: { log: onlyKnown }, serializers: { err: asItIs } }, destination)

function onlyKnown(given: Record<string, unknown>): Record<string, unknown> {
  const names = Object.keys(given)
  const written = names.filter((name) => Object.hasOwn(fields, name))
  const leftOut = names.filter((name) => !Object.hasOwn(fields, name))
  return {
    ...Object.fromEntries(written.map((name) => [name, fields[name as keyof Fields](given[name])])),
    ...(leftOut.length > 0 ? { left_out: leftOut } : {}),
  }
}

/** An error by its kind, its code, its place in the source and its causes; of anything else what a vendor's code says. */
export function describeCause(cause: unknown): unknown {
  if (cause instanceof Error) return describeError(cause, causesMax)
  return { said: codesIn(cause, depthMax) }
}

const causesMax = 4
const framesMax = 12

function describeError(error: Error, left: number): Record<string, unknown> {
  const { name, cause, errors } = error as Error & { errors?: unknown }
  const inner = [cause, ...(Array.isArray(errors) ? errors.slice(0, 3) : [])].filter((one) => one instanceof Error)
  return {
    ...{ type: name, ...codeOf(error) },
    message: messageOf(error),
    stack: framesOf(error),
    ...(inner.length > 0 && left > 0 ? { causes: inner.map((one) => describeError(one, left - 1)) } : {}),
  }
}

// Where a call was made. The message stands before it, and may have lines that begin alike.
const frame = /^\s+at ((?:[\w.<>[\]# ]+ \()?(?:file:\/\/|node:|\/|[A-Z]:\\)[^\s()"'?]+:\d+:\d+\)?)$/

function framesOf({ stack = "", message }: Error): string[] {
  const lines = stack.slice(stack.indexOf(message) + message.length).split("\n")
  return lines.flatMap((line) => frame.exec(line)?.[1] ?? []).slice(0, framesMax)
}

function codeOf(error: Error): Record<string, unknown> {
  if (error instanceof GatewayError) return { code: error.failure.code }
  const { code, errcode } = error as { code?: unknown; errcode?: unknown }
  return {
    ...(typeof code === "string" && /^[A-Z0-9_]{2,48}$/.test(code) ? { code } : {}),
    ...(typeof errcode === "number" ? { errcode } : {}),
  }
}

/** Messages of these kinds are made of what came in: the caller's words, a vendor's body, a value of a row. */
function messageOf(error: Error): string {
  if (error instanceof GatewayError || error instanceof SyntaxError) return ""
  const { issues, severity, constraint, table } = error as unknown as Record<string, unknown>
  // What a schema found in somebody's answer.
  if (Array.isArray(issues)) return issues.slice(0, 10).map(describeIssue).join("; ")
  // PostgreSQL's own.
  if (typeof severity === "string") return [table, constraint].filter((one) => typeof one === "string").join(" ")
  return withoutSecrets(error.message)
}

const describeIssue = ({ code, path }: { code?: unknown; path?: unknown }): string =>
  `${Array.isArray(path) ? path.filter((step) => typeof step === "number" || isWord(step)).join(".") : ""}: ${String(code)}`

const messageMax = 300

/** Without what stands in quotes and is not one short word, without all of a URL but its origin, without long tokens. */
export const withoutSecrets = (text: string): string =>
  text
    .replaceAll(/\b([a-z][a-z0-9+.-]*:\/\/)(?:[^\s/@]*@)?([^\s/?#"'<>)]*)[^\s"'<>)]*/gi, "$1$2/…")
    .replaceAll(/(["'`])(?:(?!\1).)*\1/gs, (quoted) => (/^.[\w./-]{1,40}.$/.test(quoted) ? quoted : "…"))
    .replaceAll(/Received .*/gs, "Received …")
    .replaceAll(/[\w+/=~-]{20,}/g, (token) => (/\d/.test(token) ? "…" : token))
    .slice(0, messageMax)

const depthMax = 5
// Where vendors put the code of what went wrong.
const codeNames =
  /^(code|type|status|state|reason|error|error_?code|error_?type|http_?code|finish_?reason|block_?reason|task_status)$/i
const codesMax = 8

const isWord = (value: unknown): value is string =>
  typeof value === "string" && /^[A-Za-z][A-Za-z_.-]{0,47}$/.test(value)

/** Codes have no digits but where they are numbers, and no spaces: keys have the one, prompts the other. */
const isCode = (value: unknown): boolean =>
  isWord(value) || (typeof value === "number" && Number.isInteger(value) && Math.abs(value) < 1_000_000)

function codesIn(value: unknown, left: number): unknown[] {
  if (typeof value !== "object" || value === null || left === 0) return []
  const found = Object.entries(value).flatMap(([name, inner]) =>
    codeNames.test(name) && isCode(inner) ? [inner] : codesIn(inner, left - 1),
  )
  return found.slice(0, codesMax)
}
