// FLUX in Microsoft Foundry, on a resource of the operator's own. It answers at once, with the picture. Reference:
// Microsoft's page on FLUX models, learn.microsoft.com, "use-foundry-models-flux", of 2026-03-23
import { z } from "zod"
import { defineProvider } from "./provider.ts"
import type { Outcome, ProviderRequest, VendorFailure, VendorInput } from "./provider.ts"
import { fluxFields, readProblems } from "./wires/flux.ts"
import type { FluxParameters } from "./wires/flux.ts"
import { openaiImages } from "./wires/openaiImages.ts"

// The id in the body is not the name in the path; the wrong one of either is answered with 404.
const paths: Record<string, string> = {
  "FLUX.2-pro": "flux-2-pro",
  "FLUX.2-flex": "flux-2-flex",
  "FLUX.1-Kontext-pro": "flux-kontext-pro",
  "FLUX-1.1-pro": "flux-pro-1.1",
}

function writeRequest(model: string, input: VendorInput<FluxParameters>): ProviderRequest {
  const path = paths[model] ?? model
  // Only the page's part on the second generation names it.
  const count = path.startsWith("flux-2") ? { num_images: 1 } : {}
  return {
    method: "POST",
    // The API has this one version, and refuses calls without any.
    path: `/providers/blackforestlabs/v1/${path}?api-version=preview`,
    json: { model, ...fluxFields(path, input), ...count },
  }
}

const Filtered = z.object({
  data: z.array(z.object({ content_filter_results: z.record(z.string(), z.unknown()) })).min(1),
})
const filter = z.object({ filtered: z.literal(true) })

/** UNVERIFIED: that a picture can be held back in an answer that is a success; its filters are told there. */
function isHeldBack(body: unknown): boolean {
  const { data } = Filtered.safeParse(body)
  const results = data?.data.flatMap(({ content_filter_results }) => Object.values(content_filter_results)) ?? []
  return results.some((result) => filter.safeParse(result).success)
}

const heldBack: VendorFailure = {
  code: "content_refused",
  refused: "picture",
  detail: "The vendor's filter refused the picture that was made.",
}

/** The page says that a link comes, and those who use it read base64: either is taken. */
function readResponse(body: unknown): Outcome {
  const outcome = openaiImages.readResponse(body)
  if (outcome.state !== "done" || outcome.pictures.length > 0 || !isHeldBack(body)) return outcome
  return { ...outcome, missing: [heldBack] }
}

// UNVERIFIED: which of them FLUX uses; each was met on a model of Foundry or Azure OpenAI.
const moderated = [
  "content_filter",
  "contentFilter",
  "ResponsibleAIPolicyViolation",
  "moderation_blocked",
  "content_safety_violation",
  "content_policy_violation",
]

const Refusal = z.object({
  error: z.object({
    code: z.union([z.string(), z.int()]),
    type: z.string().nullish().catch(null),
    innererror: z.object({ code: z.string() }).nullish().catch(null),
  }),
})

function readFailure(status: number, body: unknown): VendorFailure | undefined {
  const refusal = Refusal.safeParse(body)
  const { code, type, innererror } = refusal.success ? refusal.data.error : {}
  if ([code, type, innererror?.code].some((word) => moderated.includes(String(word))))
    return { code: "content_refused" }
  if (status === 403 && code === "Forbidden")
    return { code: "provider_unavailable", detail: "The vendor has blocked this server's account.", untouched: true }
  // A wrong id or path, or a deployment that is gone: nothing was there to do any work.
  if (status === 404 && code !== undefined)
    return { code: "provider_unavailable", detail: "The vendor does not serve this model.", untouched: true }
  // Something on the way gave up waiting.
  if (status === 499) return { code: "provider_timeout" }
  return status === 400 || status === 422 ? readProblems(body) : undefined
}

export const azure = defineProvider<FluxParameters>({
  id: "azure",
  title: "Microsoft Azure AI Foundry",
  baseUrl: "https://atelier.services.ai.azure.com",
  ownAddress: true,
  notes: [
    "The address is that of your resource: AZURE_BASE_URL=https://RESOURCE.services.ai.azure.com. The models have to be deployed there under their own ids: FLUX.2-pro, FLUX.2-flex (after a registration with Microsoft), FLUX.1-Kontext-pro, FLUX-1.1-pro.",
    "The quotas are small: 6 requests a minute for the first generation, 5 to 15 for the second at the lowest tier.",
    "Never seen live: the bodies of refusals, and whether an edit without a size has the size of its picture, as it has at Black Forest Labs, or Microsoft's 1024x1024.",
  ],
  linkHosts: [],
  // What Microsoft's page shows for this API; the `api-key` header that others send is shown for another one.
  authorize: (key) => ({ authorization: `Bearer ${key}` }),
  pictureKeys: ["b64_json"],
  limits: { imagesPerCall: () => 1, references: 10, deadlineMs: 600_000 },
  writeRequest,
  readResponse,
  readFailure,
})
