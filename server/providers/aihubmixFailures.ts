// What AIHubMix's refusals mean. Reference: its documents, the base code of its gateway (one-api), and answers that its
// clients have met. It passes on what the vendors behind it say, so that their words are read as well.
import { z } from "zod"
import type { Problem } from "../errors.ts"
import type { VendorFailure } from "./provider.ts"
import { readFailure as readOpenAiFailure } from "./wires/openaiFailures.ts"

const word = z.string().catch("").default("")

const Refusal = z.object({
  error: z.object({
    ...{ message: word, type: word, code: word, param: z.string().nullish().catch(null) },
    problems: z
      .array(z.object({ param: z.string() }))
      .catch([])
      .default([]),
  }),
})

const unpaid: VendorFailure = {
  code: "provider_unavailable",
  detail: "The vendor's account has no credit left.",
  untouched: true,
}
const notServed: VendorFailure = {
  code: "provider_unavailable",
  detail: "The vendor does not serve this model.",
  untouched: true,
}

// Of the gateway itself, and of an Atelier in its place.
const unpaidCodes = ["insufficient_user_quota", "insufficient_credits"]
const notServedCodes = ["unknown_model", "model_retired", "provider_unavailable", "api_not_implemented"]

// The gateway found nobody to pass the request on to, or could not begin to.
const notSent = /no_available_accounts|failed to retrieve token|new request failed/i
const noChannel = /no available channel|无可用渠道|^invalid url \(/i

// UNVERIFIED which of them a vendor's refusal keeps on its way through.
const refused =
  /safety system|safety_violations|content[_ ]policy|moderation_blocked|risk control|sensitive (?:content|words?|information)/i

/** Faults in a request that the gateway finds by itself. */
const faults: Record<string, string> = {
  prompt_missing: "prompt",
  prompt_too_long: "prompt",
  size_not_supported: "size",
  n_not_within_range: "n",
}

const Forgotten = z.object({ status: z.literal("Task not found") })

export function readFailure(status: number, body: unknown): VendorFailure | undefined {
  if (status === 404 && Forgotten.safeParse(body).success)
    return { code: "outcome_unknown", detail: "The vendor no longer knows this task." }
  const parsed = Refusal.safeParse(body)
  if (!parsed.success) return undefined
  const { message, type, code, param, problems } = parsed.data.error
  if (unpaidCodes.includes(code) || /balance is insufficient|insufficient (?:account )?balance/i.test(message))
    return unpaid
  if (code === "content_refused" || (status < 500 && refused.test(`${code} ${message}`)))
    return { code: "content_refused" }
  if (notServedCodes.includes(code) || param === "model" || noChannel.test(message)) return notServed
  if (notSent.test(`${code} ${message}`)) return { code: "provider_busy", untouched: true }
  // Something went wrong behind the gateway, where work may have been done.
  if (status >= 500 && (type === "upstream_error" || code === "bad_response_status_code"))
    return { code: "provider_error" }
  if (status === 400 || status === 422) {
    const params = [...problems.map((problem) => problem.param), param || (faults[code] ?? "")]
      .map(ownName)
      .filter(Boolean)
    if (params.length > 0) return wrong([...new Set(params)])
  }
  return readOpenAiFailure(status, body)
}

/** As the caller knows it: "input.size" is his size, and FLUX has its own word for a picture. */
function ownName(param: string): string {
  const name = param.replace(/^input\./, "").replace(/^(?:input|refer)_image.*|^images?\b.*/, "image")
  return name === "numberOfImages" ? "n" : name.replaceAll(/[^\w.]/g, "").slice(0, 64)
}

function wrong(params: string[]): VendorFailure {
  const problems = params.map((param): Problem => ({ param, message: `The vendor did not accept ${param}.` }))
  return { code: "invalid_request", detail: problems.map(({ message }) => message).join(" "), problems }
}
