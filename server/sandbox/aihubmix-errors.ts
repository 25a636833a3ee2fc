// How AIHubMix says no: always an object, with an id of the request in the message. Seen in logs of its clients; the
// codes are those of the gateway that it is built on (one-api).
import { randomUUID } from "node:crypto"
import { jsonAnswer } from "./bodies.ts"
import type { Answer } from "./imitation.ts"
import type { Mishap } from "./mishaps.ts"

type Details = { type?: string; code?: string; param?: string; headers?: Record<string, string> }

export function refuse(status: number, message: string, details: Details = {}): Answer {
  const { type = "Aihubmix_api_error", code, param, headers } = details
  const tid = randomUUID().replaceAll("-", "").slice(0, 24)
  const error = { message: `${message} (tid: ${tid})`, type, ...(code && { code }), ...(param && { param }) }
  return jsonAnswer(status, { error }, headers)
}

const request = "invalid_request_error"

export const refuseField = (param: string, code: string, message: string): Answer =>
  refuse(400, message, { type: request, code, param })

export const unknownModel = (path: string): Answer =>
  refuseField("model", "model_not_found", `The model ${path} does not exist`)

export const unknownAddress = (method: string, path: string): Answer =>
  refuse(404, `Invalid URL (${method} ${path})`, { type: request })

/** Nothing is said of the vendor whose account it really is. */
export function refuseKey(authorization = ""): Answer | undefined {
  const key = authorization.replace(/^Bearer\s*/i, "")
  if (key === "") return refuse(401, "no key provided")
  return key.includes("invalid") ? refuse(401, "Invalid token") : undefined
}

/** The mishaps that refuse a request at once; those of a task show when it is asked for. */
export function refuseMishap(mishap: Mishap | undefined, isTask: boolean): Answer | undefined {
  if (mishap === "sandbox:rate-limit")
    return refuse(429, "The upstream load is saturated, please try again later", { headers: { "retry-after": "1" } })
  if (mishap === "sandbox:no-credit")
    return refuse(403, "Your account balance is insufficient. Please recharge and try again.")
  if (mishap === "sandbox:error") return refuse(500, "The request could not be processed")
  if (mishap === "sandbox:overloaded") return refuse(503, "no_available_accounts")
  if (isTask) return undefined
  if (mishap === "sandbox:moderation" || mishap === "sandbox:moderation-output")
    // UNVERIFIED: how much of a vendor's own refusal goes through.
    return refuse(400, "Your request was rejected by the safety system. safety_violations=[violence].", {
      type: "image_generation_user_error",
      code: "moderation_blocked",
    })
  if (mishap === "sandbox:task-error")
    return refuse(500, "bad response status code 500", { type: "upstream_error", code: "bad_response_status_code" })
  return undefined
}
