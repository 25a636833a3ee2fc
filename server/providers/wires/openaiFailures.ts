// What OpenAI's refusals mean. Reference: OpenAI's guide to error codes, and threads of those who met them.
import { z } from "zod"
import type { VendorFailure } from "../provider.ts"

const Refusal = z.object({
  error: z.object({
    // Some servers that speak this wire repeat the status here, as a number.
    code: z.string().nullish().catch(null),
    type: z.string().nullish().catch(null),
    param: z.string().nullish().catch(null),
    message: z.string().nullish().catch(null),
  }),
})

const moderated = ["moderation_blocked", "content_policy_violation"]
// Answered as 429, but waiting does not help: the operator must pay or raise a limit.
const unpaid = [
  // Comes with 400, as if the request were wrong.
  "billing_hard_limit_reached",
  "insufficient_quota",
  "credit_balance_exhausted",
  "organization_spend_limit_exceeded",
  "project_spend_limit_exceeded",
  "organization_usage_limit_exceeded",
]

/** Undefined where the status alone says it. */
export function readFailure(status: number, body: unknown): VendorFailure | undefined {
  const parsed = Refusal.safeParse(body)
  const { code, type, param, message } = parsed.success ? parsed.data.error : {}
  const words = [code ?? "", type ?? ""]
  if (words.some((word) => moderated.includes(word))) return { code: "content_refused" }
  if (words.some((word) => unpaid.includes(word)))
    return { code: "provider_unavailable", detail: "The vendor's account has no credit left.", untouched: true }
  if (code === "model_not_found")
    return { code: "provider_unavailable", detail: "The vendor no longer serves this model.", untouched: true }
  const seconds = status === 429 ? secondsIn(message ?? "") : undefined
  if (seconds !== undefined) return { code: "provider_busy", untouched: true, retryAfterSeconds: seconds }
  const name = param?.replace(/^images?\b.*/, "image")
  if (status === 400 && name && /^[\w.[\]]{1,64}$/.test(name))
    return {
      code: "invalid_request",
      detail: `The vendor did not accept ${name}.`,
      problems: [{ param: name, message: `The vendor did not accept ${name}.` }],
    }
  return undefined
}

const unitsMs: Record<string, number> = { ms: 1, s: 1000, m: 60_000 }

/** "Please try again in 12s", "in 1m3.5s", "in 20ms"; a minute at the most, as with the header. */
function secondsIn(message: string): number | undefined {
  const [, time = ""] = message.match(/\btry again in ((?:\d+(?:\.\d+)?(?:ms|s|m))+)/i) ?? []
  const parts = [...time.matchAll(/(\d+(?:\.\d+)?)(ms|s|m)/gi)]
  const ms = parts.reduce((sum, [, count, unit]) => sum + Number(count) * unitsMs[unit!.toLowerCase()]!, 0)
  return ms > 0 ? Math.min(ms / 1000, 60) : undefined
}
