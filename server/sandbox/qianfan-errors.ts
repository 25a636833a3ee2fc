// How Baidu Qianfan says no: codes in small letters, some of them misspelt, and the id of the request beside the error.
import { randomBytes } from "node:crypto"
import type { z } from "zod"
import { jsonAnswer } from "./bodies.ts"
import type { Answer } from "./imitation.ts"
import type { Mishap } from "./mishaps.ts"

export type Refusal = {
  status: number
  code: string
  message: string
  type?: string
  headers?: Record<string, string>
}

export const isRefusal = (value: object): value is Refusal => "status" in value && "code" in value

export const newId = (): string => `as-${randomBytes(5).toString("hex")}`

export const refusalAnswer = ({ status, code, message, type = "invalid_request_error", headers }: Refusal): Answer =>
  jsonAnswer(status, { error: { code, message, type }, id: newId() }, headers)

export const invalid = (message: string): Refusal => ({ status: 400, code: "invalid_argument", message })

export const malformed: Refusal = { status: 400, code: "malformed_json", message: "Invalid Argument" }

export const unauthenticated: Refusal = {
  status: 401,
  code: "invalid_iam_token",
  message: "IAM Certification failed",
}

export const wrongMethod: Refusal = {
  status: 405,
  code: "method_not_supported",
  message: "Only POST requests are accepted",
}

export const unknownModel = (model: string): Refusal =>
  model === ""
    ? { status: 400, code: "invalid_model", message: "model is empty" }
    : { status: 401, code: "invalid_model", message: "No permission to use the model" }

export const tooLong = (max: number): Refusal => ({
  status: 400,
  code: "characters_too_long",
  message: `the max input characters is ${max}`,
})

export const unreadableImage = (message: string): Refusal => ({ status: 400, code: "invalid_image_url", message })

/** The first thing that is wrong. */
export function refuseIssue(issue: z.core.$ZodIssue): Refusal {
  const field = issue.path.join(".")
  return invalid(issue.input === undefined ? `${field} is required` : `${field} is invalid: ${issue.message}`)
}

const promptRefused: Refusal = {
  status: 400,
  code: "invalid_image_genration_prompt",
  message: "prompt is invalid, please check parameter",
}

/** The mishaps that refuse a request; overloaded is a 429 at this vendor. */
export function refuseMishap(mishap: Mishap | undefined): Refusal | undefined {
  if (mishap === "sandbox:moderation") return promptRefused
  if (mishap === "sandbox:moderation-output")
    // UNVERIFIED: the name; only that codes of the filter end so.
    return { status: 403, code: "output_unsafe", message: "the content is unsafe", type: "unsafe_request" }
  if (mishap === "sandbox:rate-limit") {
    const message = "Rate limit reached for RPM"
    // UNVERIFIED: the header.
    const headers = { "retry-after": "1" }
    return { status: 429, code: "rpm_rate_limit_exceeded", message, type: "rate_limit_exceeded", headers }
  }
  if (mishap === "sandbox:no-credit")
    // UNVERIFIED: listed for the vendor's search on the same host; nothing is listed for pictures.
    return { status: 429, code: "BILLING_INSUFFICIENT_BALANCE", message: "Your account has insufficient balance" }
  if (mishap === "sandbox:overloaded") {
    const message = "Rate limit reached for cluster"
    return { status: 429, code: "cluster_rate_limit_exceeded", message, type: "rate_limit_exceeded" }
  }
  if (mishap === "sandbox:error")
    return { status: 500, code: "internal_error", message: "Internal error", type: "internal_error" }
  if (mishap === "sandbox:task-error")
    return {
      status: 500,
      code: "image_genration_interal_error",
      message: "image generation failed",
      type: "internal_error",
    }
  return undefined
}
