// What Ark's refusals mean. Reference: https://www.volcengine.com/docs/82379/1299023
import { z } from "zod"
import type { VendorFailure } from "./provider.ts"

const word = z.string().nullish().catch(null)

/** Of a whole request, or of one of its pictures. */
export const Fault = z.object({ code: word, param: word })

const unavailable = (detail: string): VendorFailure => ({ code: "provider_unavailable", detail, untouched: true })
const wrong = (param: string, message: string): VendorFailure => ({
  code: "invalid_request",
  detail: message,
  problems: [{ param, message }],
})

const busy: VendorFailure = { code: "provider_busy", untouched: true }
const unserved = unavailable("The vendor does not serve this model to this server's account.")
const unpaid = unavailable("The vendor's account has no credit left.")
const usedUp = unavailable("The vendor's account has used up its quota.")

/** By what stands before the first dot of a code. */
const meanings: Record<string, VendorFailure> = {
  InvalidImageURL: wrong("image", "The vendor could not read a reference picture."),
  OutofContextError: wrong("prompt", "The prompt is too long for the model."),
  InvalidEndpoint: unserved,
  InvalidEndpointOrModel: unserved,
  ModelNotOpen: unserved,
  ServiceNotOpen: unserved,
  UnsupportedModel: unserved,
  AccountOverdueError: unpaid,
  ServiceOverdue: unpaid,
  // Answered as 429, but waiting does not help soon.
  QuotaExceeded: usedUp,
  SetLimitExceeded: usedUp,
  RateLimitExceeded: busy,
  RequestBurstTooFast: busy,
  ServerOverloaded: busy,
  InflightBatchsizeExceeded: busy,
  // Only pictures that were made are billed.
  InternalServiceError: { code: "provider_error", untouched: true },
}

/** Undefined where the code says nothing that is known. */
function meaningOf(code: string): VendorFailure | undefined {
  if (/Sensitive|Risk/.test(code)) return refusalOf(code)
  const [name = ""] = code.split(".")
  return Object.hasOwn(meanings, name) ? meanings[name] : undefined
}

function refusalOf(code: string): VendorFailure {
  if (code.startsWith("Input"))
    return {
      code: "content_refused",
      refused: "prompt",
      detail: `The vendor's filter refused ${code.startsWith("InputImage") ? "a reference picture" : "the prompt"}.`,
    }
  if (code.startsWith("Output"))
    return {
      code: "content_refused",
      refused: "picture",
      detail: "The vendor's filter refused a picture that was made.",
    }
  return { code: "content_refused" }
}

/** Why a picture did not come, in an answer that is a success as a whole. */
export const failureOf = ({ code }: z.input<typeof Fault>): VendorFailure =>
  meaningOf(code ?? "") ?? { code: "provider_error" }

const Refusal = z.object({ error: Fault })

export function readFailure(status: number, body: unknown): VendorFailure | undefined {
  const parsed = Refusal.safeParse(body)
  if (!parsed.success) return undefined
  const { code, param } = parsed.data.error
  const meaning = meaningOf(code ?? "")
  if (meaning) return meaning
  const name = param?.replace(/^image\b.*/, "image")
  return status === 400 && name && /^[\w.]{1,64}$/.test(name)
    ? wrong(name, `The vendor did not accept ${name}.`)
    : undefined
}
