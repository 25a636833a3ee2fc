// What DashScope's refusals mean, of a whole request or of one of its pictures.
// Reference: https://help.aliyun.com/en/model-studio/error-code-start
import { z } from "zod"
import type { VendorFailure } from "./provider.ts"

const unavailable = (detail: string): VendorFailure => ({ code: "provider_unavailable", detail, untouched: true })
const wrong = (param: string, message: string): VendorFailure => ({
  code: "invalid_request",
  detail: message,
  problems: [{ param, message }],
})

const unreadable = wrong("image", "The vendor could not read a reference picture.")
// Only pictures that were made are billed.
const fault: VendorFailure = { code: "provider_error", untouched: true }
const busy: VendorFailure = { code: "provider_busy", untouched: true }
const unserved = unavailable("The vendor does not serve this model to this server's account.")

const meanings: Record<string, VendorFailure> = {
  InvalidURL: unreadable,
  "InvalidParameter.DataInspection": unreadable,
  Arrearage: unavailable("The vendor's account has no credit left."),
  AccessDenied: unserved,
  "Model.AccessDenied": unserved,
  ModelNotFound: unserved,
  Throttling: busy,
  "Throttling.RateQuota": busy,
  // Answered as 429, but waiting does not help soon.
  "Throttling.AllocationQuota": unavailable("The vendor's account has used up its quota."),
  InternalError: fault,
  "InternalError.Algo": fault,
  "InternalError.Timeout": fault,
}

/** Undefined where the code says nothing that is known. */
function meaningOf(code: string, message: string): VendorFailure | undefined {
  if (code === "DataInspectionFailed") return refusalOf(message)
  // The vendor says with the same code that a picture has sides that it does not take.
  if (code === "InternalError.Algo" && /\bimage\b.*\b(size|width|height|resolution)/i.test(message)) return unreadable
  return Object.hasOwn(meanings, code) ? meanings[code] : undefined
}

/** The sentence begins with which of the two it was: "Input data may …", "Output data may …". */
function refusalOf(message: string): VendorFailure {
  if (/^output\b/i.test(message))
    return {
      code: "content_refused",
      refused: "picture",
      detail: "The vendor's filter refused the picture that was made.",
    }
  const detail = "The vendor's filter refused the prompt or a reference picture."
  return { code: "content_refused", refused: "prompt", detail }
}

/** Why a picture did not come, in an answer that is a success as a whole. */
export const failureOf = (code: string, message?: string | null): VendorFailure =>
  meaningOf(code, message ?? "") ?? fault

const Refusal = z.object({ code: z.string(), message: z.string().nullish().catch(null) })
const ours: Record<string, string> = { text: "prompt", prompt_extend: "prompt_upsampling" }

export function readFailure(_status: number, body: unknown): VendorFailure | undefined {
  const parsed = Refusal.safeParse(body)
  if (!parsed.success) return undefined
  const { code } = parsed.data
  const message = parsed.data.message ?? ""
  // A layer further down says so in its own manner.
  if (!/^(InternalError\.Algo\.)?InvalidParameter$/.test(code)) return meaningOf(code, message)
  // The sentence names the field.
  const [field] = message.match(/\b(?:size|seed|negative_prompt|prompt_extend|prompt|text|image)\b/) ?? []
  const param = field === undefined ? undefined : (ours[field] ?? field)
  return param === undefined ? undefined : wrong(param, `The vendor did not accept ${param}.`)
}
