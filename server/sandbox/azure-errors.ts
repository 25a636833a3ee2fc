// How Microsoft Foundry says no: one error with a code and a message. UNVERIFIED: the bodies of FLUX were never seen;
// these are what other models of Foundry and Azure OpenAI answer.
import type { z } from "zod"
import { jsonAnswer } from "./bodies.ts"
import type { Answer } from "./imitation.ts"
import type { Mishap } from "./mishaps.ts"

export const refuse = (status: number, code: string, message: string, more: object = {}): Answer =>
  jsonAnswer(status, { error: { code, message, ...more } })

export const badRequest = (message: string): Answer => refuse(400, "BadRequest", message)

export const unauthenticated = (): Answer =>
  refuse(
    401,
    "401",
    "Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for an " +
      "active subscription and use a correct regional API endpoint for your resource.",
  )

/** A wrong path, a wrong version or none. */
export const notFound = (): Answer => refuse(404, "404", "Resource not found")

export const noDeployment = (): Answer =>
  refuse(
    404,
    "DeploymentNotFound",
    "The API deployment for this resource does not exist. If you created the deployment within the last 5 minutes, " +
      "please wait a moment and try again.",
  )

const fault = (): Answer => refuse(500, "InternalServerError", "The server had an error while processing your request.")

/** One who wrote about it met this where `model` was missing. */
export const noModel = fault

/** The first thing that is wrong. */
export function refuseIssue({ path, message, input }: z.core.$ZodIssue): Answer {
  const name = path.join(".") || "body"
  return badRequest(input === undefined ? `Missing required parameter: '${name}'.` : `Invalid '${name}': ${message}.`)
}

const busy = (): Answer => {
  const message = "Requests have exceeded the rate limit of your current pricing tier. Please retry after 1 second."
  return jsonAnswer(429, { error: { code: "429", message } }, { "retry-after": "1" })
}

const results = { hate: "safe", self_harm: "safe", sexual: "safe", violence: "high" }

const moderated = (): Answer =>
  refuse(400, "content_filter", "The prompt was filtered due to triggering the content management policy.", {
    innererror: {
      code: "ResponsibleAIPolicyViolation",
      content_filter_result: Object.fromEntries(
        Object.entries(results).map(([name, severity]) => [name, { filtered: severity !== "safe", severity }]),
      ),
    },
  })

export function refuseMishap(mishap: Mishap | undefined): Answer | undefined {
  if (mishap === "sandbox:moderation") return moderated()
  if (mishap === "sandbox:moderation-output")
    return refuse(400, "contentFilter", "The generated image was filtered as a result of the safety system.")
  if (mishap === "sandbox:rate-limit") return busy()
  // The only word against an account that anyone has met: the block of a whole resource.
  if (mishap === "sandbox:no-credit")
    return refuse(403, "Forbidden", "Your resource has been temporarily blocked. Please contact support.")
  if (mishap === "sandbox:error" || mishap === "sandbox:task-error") return fault()
  if (mishap === "sandbox:overloaded")
    return refuse(503, "ServiceUnavailable", "The service is temporarily overloaded.")
  return undefined
}
