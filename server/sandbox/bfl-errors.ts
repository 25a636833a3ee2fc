// How Black Forest Labs says no: details in the manner of FastAPI.
import type { z } from "zod"
import { jsonAnswer } from "./bodies.ts"
import type { Answer } from "./imitation.ts"
import type { Mishap } from "./mishaps.ts"

export type Detail = { loc: (string | number)[]; msg: string; type: string }

export const invalid = (detail: Detail[]): Answer => jsonAnswer(422, { detail })

export const plainError = (status: number, detail: string, headers?: Record<string, string>): Answer =>
  jsonAnswer(status, { detail }, headers)

export const unauthenticated = (): Answer => plainError(401, "Not authenticated - Invalid Authentication")

/** UNVERIFIED: both the body and the header, which only BFL's skill file names. */
export const tooManyTasks = (): Answer => plainError(429, "Too many active tasks", { "retry-after": "1" })

const kinds: Record<string, { msg: string; type: string }> = {
  string: { msg: "Input should be a valid string", type: "string_type" },
  int: { msg: "Input should be a valid integer, got a number with a fractional part", type: "int_from_float" },
  number: { msg: "Input should be a valid number", type: "float_type" },
  boolean: { msg: "Input should be a valid boolean", type: "bool_type" },
  object: { msg: "Input should be a valid dictionary or object", type: "model_attributes_type" },
}

export function detailOf(issue: z.core.$ZodIssue): Detail {
  const loc = ["body", ...issue.path.map((step) => (typeof step === "symbol" ? String(step) : step))]
  return { loc, ...reasonOf(issue) }
}

function reasonOf(issue: z.core.$ZodIssue): Omit<Detail, "loc"> {
  if (issue.input === undefined) return { msg: "Field required", type: "missing" }
  if (issue.code === "invalid_type")
    return kinds[issue.expected] ?? { msg: `Input should be a valid ${issue.expected}`, type: `${issue.expected}_type` }
  if (issue.code === "invalid_value") {
    const values = issue.values.map((value) => `'${String(value)}'`)
    return { msg: `Input should be ${values.slice(0, -1).join(", ")} or ${values.at(-1)}`, type: "enum" }
  }
  if (issue.code === "too_small") {
    if (issue.origin === "string") return { msg: "String should have at least 1 character", type: "string_too_short" }
    return { msg: `Input should be greater than or equal to ${issue.minimum}`, type: "greater_than_equal" }
  }
  if (issue.code === "too_big") {
    if (issue.origin === "string")
      return { msg: `String should have at most ${issue.maximum} characters`, type: "string_too_long" }
    return { msg: `Input should be less than or equal to ${issue.maximum}`, type: "less_than_equal" }
  }
  if (issue.code === "not_multiple_of")
    return { msg: `Input should be a multiple of ${issue.divisor}`, type: "multiple_of" }
  if (issue.code === "invalid_format") return { msg: "Input should be a valid URL", type: "url_parsing" }
  return { msg: issue.message, type: "value_error" }
}

/** The mishaps that refuse a submission; the bodies are UNVERIFIED, the statuses are documented. */
export function refuseMishap(mishap: Mishap | undefined): Answer | undefined {
  if (mishap === "sandbox:rate-limit") return tooManyTasks()
  if (mishap === "sandbox:no-credit") return plainError(402, "Insufficient credits")
  if (mishap === "sandbox:error") return plainError(500, "Internal Server Error")
  if (mishap === "sandbox:overloaded") return plainError(503, "Service Unavailable")
  return undefined
}
