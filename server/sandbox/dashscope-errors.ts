// How Alibaba's DashScope says no: a code, a sentence and the id of the request, side by side.
import { randomUUID } from "node:crypto"
import type { z } from "zod"
import { jsonAnswer } from "./bodies.ts"
import type { Answer } from "./imitation.ts"
import type { Mishap } from "./mishaps.ts"

export type Fault = { code: string; message: string }
export type Refusal = Fault & { status: number; headers?: Record<string, string> }

export const isRefusal = (value: object): value is Refusal => "status" in value && "code" in value

export const refusalAnswer = ({ status, code, message, headers }: Refusal): Answer =>
  jsonAnswer(status, { code, message, request_id: randomUUID() }, headers)

export const invalid = (message: string): Refusal => ({ status: 400, code: "InvalidParameter", message })

/** The first thing that is wrong. */
export function refuseIssue(issue: z.core.$ZodIssue): Refusal {
  const field = issue.path.join(".")
  return invalid(issue.input === undefined ? `Required field missing: ${field}` : `${field}: ${issue.message}`)
}

export const unauthenticated = (given: boolean): Refusal => ({
  status: 401,
  code: "InvalidApiKey",
  message: given ? "Invalid API-key provided." : "No API-key provided.",
})

export const unknownModel: Refusal = { status: 404, code: "ModelNotFound", message: "Model not exist." }

/** Said where a call waits at an address for tasks, or the reverse. */
export const wrongManner = (manner: "synchronous" | "asynchronous"): Refusal => ({
  status: 403,
  code: "AccessDenied",
  message: `current user api does not support ${manner} calls.`,
})

export const unreachable: Refusal = {
  status: 400,
  code: "InvalidURL",
  message: "The request URL is invalid, please check the request URL is available.",
}

export const tooSmall: Refusal = {
  status: 400,
  code: "InternalError.Algo.InvalidParameter",
  message: "The image length and width do not meet the model restrictions. height and width must be larger than 10",
}

export const notPending: Refusal = {
  status: 400,
  code: "UnsupportedOperation",
  message: "Failed to cancel the task, please confirm if the task is in PENDING status.",
}

export const inputRefused: Refusal = {
  status: 400,
  code: "DataInspectionFailed",
  message: "Input data may contain inappropriate content.",
}

export const outputRefused: Refusal = { ...inputRefused, message: "Output data may contain inappropriate content." }

export const failed: Refusal = { status: 500, code: "InternalError.Algo", message: "inference internal error" }

/** The mishaps that refuse a request, whether it waits for its pictures or not. */
export function refuseMishap(mishap: Mishap | undefined): Refusal | undefined {
  if (mishap === "sandbox:rate-limit") {
    const message = "Requests rate limit exceeded, please try again later."
    // UNVERIFIED: the header.
    return { status: 429, code: "Throttling.RateQuota", message, headers: { "retry-after": "1" } }
  }
  if (mishap === "sandbox:no-credit") {
    const message = "Access denied, please make sure your account is in good standing."
    return { status: 400, code: "Arrearage", message }
  }
  if (mishap === "sandbox:error")
    return { status: 500, code: "InternalError", message: "An internal error has occured, please try again later." }
  // UNVERIFIED for pictures.
  if (mishap === "sandbox:overloaded")
    return { status: 503, code: "ModelServingError", message: "Too many requests. The system is at its capacity." }
  return undefined
}
