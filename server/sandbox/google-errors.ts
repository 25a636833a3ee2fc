// How Google says no: google.rpc.Status, with details of several kinds.
import type { z } from "zod"
import { jsonAnswer } from "./bodies.ts"
import type { Surface } from "./google-models.ts"
import type { Answer } from "./imitation.ts"
import type { Mishap } from "./mishaps.ts"

type Detail = { "@type": string; [name: string]: unknown }

export type Refusal = { error: { code: number; message: string; status: string; details?: Detail[] } }

const codes = {
  INVALID_ARGUMENT: 400,
  UNAUTHENTICATED: 401,
  PERMISSION_DENIED: 403,
  NOT_FOUND: 404,
  RESOURCE_EXHAUSTED: 429,
  INTERNAL: 500,
  UNAVAILABLE: 503,
} as const

export const refuse = (status: keyof typeof codes, message: string, details: Detail[] = []): Refusal => ({
  error: { code: codes[status], message, status, ...(details.length > 0 && { details }) },
})

export const isRefusal = (value: object): value is Refusal => "error" in value

/** `inList`: a stream that is one list holds its error in it. */
export const refusalAnswer = (refusal: Refusal, inList = false): Answer =>
  jsonAnswer(refusal.error.code, inList ? [refusal] : refusal)

const detail = (type: string, fields: object): Detail => ({
  "@type": `type.googleapis.com/google.rpc.${type}`,
  ...fields,
})

const services = { gemini: "generativelanguage.googleapis.com", vertex: "aiplatform.googleapis.com" }

const errorInfo = (surface: Surface, reason: string): Detail =>
  detail("ErrorInfo", { reason, domain: "googleapis.com", metadata: { service: services[surface] } })

export function refuseKey(surface: Surface, key: string, inProject: boolean): Refusal | undefined {
  const isToken = key.startsWith("Bearer ")
  if (key === "" && surface === "gemini")
    return refuse(
      "PERMISSION_DENIED",
      "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or other form of API consumer identity to call this API.",
    )
  if (key === "" || (isToken && key.includes("invalid")))
    return refuse(
      "UNAUTHENTICATED",
      "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project.",
      [errorInfo(surface, key === "" ? "CREDENTIALS_MISSING" : "ACCESS_TOKEN_TYPE_UNSUPPORTED")],
    )
  if (key.includes("invalid"))
    return refuse("INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.", [
      errorInfo(surface, "API_KEY_INVALID"),
    ])
  if (inProject && !isToken)
    return refuse(
      "UNAUTHENTICATED",
      "API keys are not supported by this API. Expected OAuth2 access token or other authentication credentials that assert a principal. See https://cloud.google.com/docs/authentication",
      [errorInfo(surface, "CREDENTIALS_MISSING")],
    )
  return undefined
}

export const unknownModel = (surface: Surface, model: string, method: string): Refusal =>
  refuse(
    "NOT_FOUND",
    surface === "gemini"
      ? `models/${model} is not found for API version v1beta, or is not supported for ${method}. Call ModelService.ListModels to see the list of available models and their supported methods.`
      : `Publisher Model \`publishers/google/models/${model}\` was not found or your project does not have access to it. Please ensure you are using a valid model version.`,
  )

/** "generation_config.image_config", "contents[0].parts[1]" */
const placeOf = (path: PropertyKey[]): string =>
  path
    .map((step) => (typeof step === "number" ? `[${step}]` : `.${snake(String(step))}`))
    .join("")
    .replace(/^\./, "")

const snake = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

/** The first thing that does not fit the API's own description. */
export function refuseIssue(issue: z.core.$ZodIssue): Refusal {
  const place = placeOf(issue.path)
  if (issue.code === "unrecognized_keys") {
    const at = place === "" ? "" : ` at '${place}'`
    return refuseField(place, `Invalid JSON payload received. Unknown name "${issue.keys[0]}"${at}: Cannot find field.`)
  }
  if (issue.input === undefined) return refuseField(place, `${place} is not specified`)
  return refuseField(place, `Invalid value at '${place}', ${JSON.stringify(issue.input)?.slice(0, 64)}`)
}

const refuseField = (field: string, description: string): Refusal =>
  refuse("INVALID_ARGUMENT", description, [
    detail("BadRequest", { fieldViolations: [{ ...(field !== "" && { field }), description }] }),
  ])

/** What the model refuses, as opposed to the API in front of it. UNVERIFIED: the words. */
export const refuseByModel = (message: string): Refusal => refuse("INVALID_ARGUMENT", message)

export const refusePrompt = (): Refusal =>
  refuseByModel(
    "Image generation failed with the following error: The prompt could not be submitted. This prompt contains sensitive words that violate Google's Responsible AI practices. Try rephrasing the prompt. If you think this was an error, send feedback. Support codes: 58061214",
  )

const quota = (model: string, quotaId: string): Detail =>
  detail("QuotaFailure", {
    violations: [
      {
        quotaMetric: "generativelanguage.googleapis.com/generate_requests_per_model",
        quotaId,
        quotaDimensions: { location: "global", model },
      },
    ],
  })

/** The mishaps that are an error body at Google. */
export function refuseMishap(mishap: Mishap | undefined, model: string): Refusal | undefined {
  const spent = "You exceeded your current quota, please check your plan and billing details."
  if (mishap === "sandbox:rate-limit")
    return refuse("RESOURCE_EXHAUSTED", `${spent} Please retry in 1s.`, [
      quota(model, "GenerateRequestsPerMinutePerProjectPerModel"),
      detail("RetryInfo", { retryDelay: "1s" }),
    ])
  // Models that draw have no free tier: an account without billing has a quota of none.
  if (mishap === "sandbox:no-credit")
    return refuse("RESOURCE_EXHAUSTED", `${spent} Quota exceeded, limit: 0.`, [
      quota(model, "GenerateRequestsPerDayPerProjectPerModel-FreeTier"),
      detail("RetryInfo", { retryDelay: "34.4s" }),
    ])
  if (mishap === "sandbox:error" || mishap === "sandbox:task-error")
    return refuse(
      "INTERNAL",
      "An internal error has occurred. Please retry or report in https://developers.generativeai.google/guide/troubleshooting",
    )
  if (mishap === "sandbox:overloaded") return refuse("UNAVAILABLE", "The model is overloaded. Please try again later.")
  return undefined
}
