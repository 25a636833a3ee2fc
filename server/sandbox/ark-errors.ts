// How Volcengine Ark says no: a code with dots in it, and the id of the request at the end of every sentence.
import { randomBytes } from "node:crypto"
import type { z } from "zod"
import { jsonAnswer } from "./bodies.ts"
import type { Answer } from "./imitation.ts"
import type { Mishap } from "./mishaps.ts"

export type Refusal = {
  status: number
  code: string
  message: string
  param?: string
  headers?: Record<string, string>
}

export const isRefusal = (value: object): value is Refusal => "status" in value && "code" in value

// UNVERIFIED: the types beside "BadRequest".
const types: Record<number, string> = {
  400: "BadRequest",
  401: "Unauthorized",
  403: "Forbidden",
  404: "NotFound",
  405: "MethodNotAllowed",
  413: "BadRequest",
  429: "TooManyRequests",
  500: "InternalServerError",
}

/** As it stands in the list of a group, where a single picture failed. */
export const faultOf = ({ code, message }: Refusal, requestId: string) => ({
  code,
  message: `${message} Request id: ${requestId}`,
})

export function refusalAnswer(refusal: Refusal, requestId: string): Answer {
  const { status, param = "", headers } = refusal
  const error = { ...faultOf(refusal, requestId), param, type: types[status] ?? "BadRequest" }
  return jsonAnswer(status, { error }, headers)
}

export const newRequestId = (now: number): string => `02${now}${randomBytes(19).toString("hex")}`

export const invalid = (param: string, reason: string): Refusal => ({
  status: 400,
  code: "InvalidParameter",
  message: `The parameter \`${param}\` specified in the request is not valid: ${reason}.`,
  param,
})

/** The first thing that is wrong. */
export function refuseIssue(issue: z.core.$ZodIssue): Refusal {
  const param = issue.path.join(".")
  if (issue.input === undefined) {
    const message = `The request failed because it is missing \`${param}\` parameter.`
    return { status: 400, code: "MissingParameter", message, param }
  }
  if (issue.code === "invalid_type") return invalid(param, `expected ${issue.expected}`)
  if (issue.code === "invalid_value") return invalid(param, `value must be one of ${issue.values.join(", ")}`)
  return invalid(param, issue.message.toLowerCase())
}

export const unauthenticated: Refusal = {
  status: 401,
  code: "AuthenticationError",
  message: "The API key in the request is missing or invalid.",
}

export const unknownModel = (model: string): Refusal => ({
  status: 404,
  code: "InvalidEndpointOrModel.NotFound",
  message: `The model or endpoint ${model} does not exist or you do not have access to it.`,
})

export const inputRefused: Refusal = {
  status: 400,
  code: "InputTextSensitiveContentDetected",
  message: "The request failed because the input text may contain sensitive information.",
}

export const outputRefused: Refusal = {
  status: 400,
  code: "OutputImageSensitiveContentDetected",
  message: "The request failed because the output image may contain sensitive information.",
}

export const serviceError: Refusal = {
  status: 500,
  code: "InternalServiceError",
  message: "The service encountered an unexpected internal error.",
}

/** The mishaps that refuse a whole request; overloaded is a 429 at this vendor. */
export function refuseMishap(mishap: Mishap | undefined): Refusal | undefined {
  if (mishap === "sandbox:moderation") return inputRefused
  if (mishap === "sandbox:rate-limit") {
    const message = "The requests per minute (RPM) limit of the associated model has been exceeded."
    // UNVERIFIED: the header.
    return { status: 429, code: "RateLimitExceeded", message, headers: { "retry-after": "1" } }
  }
  if (mishap === "sandbox:no-credit") {
    const message = "The request failed because your account has an overdue balance."
    return { status: 403, code: "AccountOverdueError", message }
  }
  if (mishap === "sandbox:overloaded") {
    const message = "The service is currently unable to handle the request due to a temporary overloading."
    return { status: 429, code: "ServerOverloaded", message }
  }
  return mishap === "sandbox:error" ? serviceError : undefined
}
