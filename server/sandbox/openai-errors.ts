// How OpenAI says no: the error body with its four keys, and the refusals it is known for.
import { randomUUID } from "node:crypto"
import type { z } from "zod"
import { jsonAnswer } from "./bodies.ts"
import type { Answer } from "./imitation.ts"
import type { Mishap } from "./mishaps.ts"

export type Refusal = {
  status: number
  error: { message: string; type: string; param: string | null; code: string | null }
  headers?: Record<string, string>
}

type Details = { type?: string; param?: string; code?: string; headers?: Record<string, string> }

export const refuse = (status: number, message: string, details: Details = {}): Refusal => {
  const { type = "invalid_request_error", param = null, code = null, headers } = details
  return { status, error: { message, type, param, code }, ...(headers && { headers }) }
}

export const isRefusal = (value: object): value is Refusal => "error" in value && "status" in value

export const refusalAnswer = ({ status, error, headers }: Refusal): Answer => jsonAnswer(status, { error }, headers)

/** What the image models themselves refuse, as opposed to the API in front of them. */
export const refuseByModel = (message: string, param: string | undefined, code: string): Refusal =>
  refuse(400, message, { type: "image_generation_user_error", code, ...(param !== undefined && { param }) })

export const unknownModel = (model: string): Refusal =>
  // UNVERIFIED: the status.
  refuse(404, `The model '${model}' does not exist or you do not have access to it.`, { code: "model_not_found" })

const quoted = (values: readonly unknown[]): string => {
  const words = values.map((value) => `'${String(value)}'`)
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")}, and ${words.at(-1)}`
}

const kindOf = (value: unknown): string => {
  if (value === null) return "null"
  if (Array.isArray(value)) return "an array"
  if (typeof value === "number") return Number.isInteger(value) ? "an integer" : "a decimal number"
  return `${typeof value === "object" ? "an" : "a"} ${typeof value}`
}

const wantedKinds: Record<string, string> = { int: "an integer", array: "an array", object: "an object" }

/** The first thing that is wrong, in the words of the API. */
export function refuseIssue(issue: z.core.$ZodIssue): Refusal {
  const param = issue.path.join(".")
  const say = (message: string, code: string) => refuse(400, message, { param, code })
  const given = issue.input
  if (issue.code === "unrecognized_keys") {
    const key = [...issue.path, issue.keys[0]].join(".")
    return refuse(400, `Unknown parameter: '${key}'.`, { param: key, code: "unknown_parameter" })
  }
  if (given === undefined) return say(`Missing required parameter: '${param}'.`, "missing_required_parameter")
  if (issue.code === "invalid_type") {
    const wanted = wantedKinds[issue.expected] ?? `a ${issue.expected}`
    return say(`Invalid type for '${param}': expected ${wanted}, but got ${kindOf(given)} instead.`, "invalid_type")
  }
  if (issue.code === "invalid_value") {
    return say(`Invalid value: '${String(given)}'. Supported values are: ${quoted(issue.values)}.`, "invalid_value")
  }
  return refuseBound(issue, param, given)
}

function refuseBound(issue: z.core.$ZodIssue, param: string, given: unknown): Refusal {
  const say = (message: string, code: string) => refuse(400, `Invalid '${param}': ${message}`, { param, code })
  if (issue.code === "too_small") {
    if (issue.origin === "string") return say("empty string. Expected a longer string.", "empty_string")
    if (issue.origin === "array") return say(`array too short. Expected at least ${issue.minimum}.`, "empty_array")
    const message = `integer below minimum value. Expected a value >= ${issue.minimum}, but got ${given} instead.`
    return say(message, "integer_below_min_value")
  }
  if (issue.code === "too_big") {
    if (issue.origin === "string")
      return say(
        `string too long. Expected a string with maximum length ${issue.maximum}, but got a string with length ${String(given).length} instead.`,
        "string_above_max_length",
      )
    if (issue.origin === "array")
      return say(`array too long. Expected at most ${issue.maximum}.`, "array_above_max_length")
    const message = `integer above maximum value. Expected a value <= ${issue.maximum}, but got ${given} instead.`
    return say(message, "integer_above_max_value")
  }
  return say(issue.message, "invalid_value")
}

export function refuseModeration(requestId: string, dalle: boolean): Refusal {
  const message =
    "Your request was rejected by the safety system. If you believe this is an error, contact us at help.openai.com " +
    `and include the request ID ${requestId}. safety_violations=[violence].`
  // UNVERIFIED for DALL·E: the code is known from handlers of third parties only.
  return dalle
    ? refuse(400, "Your request was rejected as a result of our safety system.", { code: "content_policy_violation" })
    : refuseByModel(message, undefined, "moderation_blocked")
}

const soon = {
  "retry-after": "1",
  "retry-after-ms": "1000",
  "x-ratelimit-remaining-requests": "0",
  "x-ratelimit-reset-requests": "1s",
}

/** The mishaps that are an error body at OpenAI; moderation is told apart by its callers. */
export function refuseMishap(mishap: Mishap | undefined, model: string): Refusal | undefined {
  if (mishap === "sandbox:rate-limit")
    return refuse(
      429,
      `Rate limit reached for ${model} on images per min: Limit 5, Used 5, Requested 1. Please try again in 1s.`,
      { type: "requests", code: "rate_limit_exceeded", headers: soon },
    )
  if (mishap === "sandbox:no-credit")
    return refuse(429, "You exceeded your current quota, please check your plan and billing details.", {
      type: "insufficient_quota",
      code: "insufficient_quota",
    })
  if (mishap === "sandbox:error" || mishap === "sandbox:task-error")
    return refuse(500, "The server had an error while processing your request. Sorry about that!", {
      type: "server_error",
    })
  if (mishap === "sandbox:overloaded")
    return refuse(503, "The server is currently overloaded with other requests. Please try again later.", {
      type: "service_unavailable_error",
      code: "server_is_overloaded",
    })
  return undefined
}

export const newRequestId = (): string => `req_${randomUUID().replaceAll("-", "")}`
