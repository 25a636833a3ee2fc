// What Google's refusals mean, on the Gemini API and on Vertex AI alike. Reference: google.rpc.Status and the errors that
// Google's SDKs and those who use them have met.
import { z } from "zod"
import type { VendorFailure } from "../provider.ts"
import { promptRefused } from "./geminiAnswer.ts"

const Detail = z.object({
  reason: z.string().nullish().catch(null),
  retryDelay: z.string().nullish().catch(null),
  violations: z
    .array(z.object({ quotaId: z.string().nullish() }))
    .nullish()
    .catch(null),
})

const Refusal = z.object({
  error: z.object({
    message: z.string().catch(""),
    status: z.string().catch(""),
    details: z.array(Detail.catch({})).catch([]),
  }),
})

type Details = z.infer<typeof Detail>[]

const unserved = (detail: string): VendorFailure => ({ code: "provider_unavailable", detail, untouched: true })

const byStatus: Record<string, VendorFailure> = {
  NOT_FOUND: unserved("The vendor no longer serves this model, or not at this address."),
  // UNVERIFIED: what else than billing and the region it may stand for.
  FAILED_PRECONDITION: unserved("The vendor's account may not use this: its billing, or the region it is called from."),
}

/** Undefined where the status alone says it. */
export function readFailure(_status: number, body: unknown): VendorFailure | undefined {
  // Calls that stream wrap the error in a list.
  const parsed = Refusal.safeParse(Array.isArray(body) ? body[0] : body)
  if (!parsed.success) return undefined
  const { message, status, details } = parsed.data.error
  // A wrong key comes with 400, as if the request were wrong.
  if (details.some(({ reason }) => reason === "API_KEY_INVALID"))
    return unserved("The vendor did not accept this server's key.")
  if (status === "RESOURCE_EXHAUSTED") return exhausted(details)
  if (status === "INVALID_ARGUMENT") return policy.test(message) ? promptRefused : wrongField(message)
  return byStatus[status]
}

/** Waiting helps, but for what is counted by the day, and for models that free accounts have none of. */
function exhausted(details: Details): VendorFailure {
  const quotas = details.flatMap(({ violations }) => violations ?? [])
  if (quotas.some(({ quotaId }) => /PerDay|FreeTier/i.test(quotaId ?? "")))
    return unserved("The vendor's account has used up its quota.")
  const seconds = secondsIn(details.find(({ retryDelay }) => retryDelay)?.retryDelay)
  return { code: "provider_busy", untouched: true, ...(seconds === undefined ? {} : { retryAfterSeconds: seconds }) }
}

/** "34.4s"; a minute at the most. */
function secondsIn(duration: string | null | undefined): number | undefined {
  const seconds = Number(/^(\d+(?:\.\d+)?)s$/.exec(duration ?? "")?.[1])
  return seconds > 0 ? Math.min(seconds, 60) : undefined
}

// Imagen looks at the prompt before it draws, and refuses it as if it were malformed.
const policy =
  /could not be submitted|sensitive words|safety filter|violates? (?:our|google)|responsible ai|usage guidelines/i

// The vendor's own names of fields, in both of its spellings, as they come in its messages.
const fields: [RegExp, string][] = [
  [/input image|inline_?data|MIME type/i, "image"],
  [/aspect_?ratio/i, "aspect_ratio"],
  [/image_?size/i, "size"],
  [/thinking[_ ]?(?:level|config)/i, "thinking_level"],
  [/person_?generation/i, "person_generation"],
  [/prominent_?people/i, "prominent_people"],
  [/output_?options|mime_?type/i, "output_format"],
  [/negative_?prompt/i, "negative_prompt"],
  [/safety_?settings?/i, "safety_setting"],
  [/google_?search/i, "google_search"],
  [/\bseed\b/i, "seed"],
  [/\blanguage\b/i, "language"],
]

function wrongField(message: string): VendorFailure | undefined {
  const param = fields.find(([pattern]) => pattern.test(message))?.[1]
  if (param === undefined) return undefined
  const detail = `The vendor did not accept ${param}.`
  return { code: "invalid_request", detail, problems: [{ param, message: detail }] }
}
