// Black Forest Labs: submit, poll, download. Reference: https://api.bfl.ai/openapi.json of 2026-08-22
import { z } from "zod"
import { defineProvider } from "./provider.ts"
import type { Outcome, ProviderRequest, VendorFailure, VendorInput } from "./provider.ts"
import { fluxFields, readProblems } from "./wires/flux.ts"
import type { FluxParameters } from "./wires/flux.ts"

const checkAfterMs = 750

function writeRequest(model: string, input: VendorInput<FluxParameters>): ProviderRequest {
  const { raw, image_prompt_strength } = input
  const ultra = model === "flux-pro-1.1-ultra" ? { raw, image_prompt_strength } : {}
  return {
    method: "POST",
    path: `/${model}`,
    json: { ...fluxFields(model, input), ...upsampling(model, input), ...ultra },
  }
}

/** Two models enrich every prompt until they are told not to; klein cannot. */
function upsampling(model: string, { prompt_upsampling }: FluxParameters) {
  if (model.startsWith("flux-2-klein")) return {}
  return model === "flux-2-pro" || model === "flux-2-max"
    ? { disable_pup: prompt_upsampling === false }
    : { prompt_upsampling }
}

const Submitted = z.object({ id: z.string(), polling_url: z.url() })

const Result = z.object({
  status: z.string(),
  // The picture is paid for: it must not be lost to something beside it that cannot be read.
  progress: z.number().nullish().catch(null),
  cost: z.number().nullish().catch(null),
  result: z.object({ sample: z.string().nullish(), seed: z.int().nullish().catch(null) }).nullish(),
})

const endings: Record<string, VendorFailure> = {
  "Request Moderated": {
    code: "content_refused",
    refused: "prompt",
    detail: "The vendor's filter refused the prompt or a reference picture.",
  },
  "Content Moderated": {
    code: "content_refused",
    refused: "picture",
    detail: "The vendor's filter refused the picture that was made.",
  },
  "Task not found": { code: "outcome_unknown", detail: "The vendor no longer knows this task." },
  // A task that failed is not billed.
  Error: { code: "provider_error", untouched: true, ofTask: true },
  Failed: { code: "provider_error", untouched: true, ofTask: true },
}

function readResponse(body: unknown): Outcome {
  const task = Submitted.safeParse(body)
  // Clusters do not know each other's tasks: the address must be used as it came.
  if (task.success) return { state: "pending", check: { method: "GET", path: task.data.polling_url }, checkAfterMs }
  const { status, progress, cost, result } = Result.parse(body)
  // The settled price is in the last answer, and may differ from the one given at submission.
  const bill = typeof cost === "number" ? { bill: { costCredits: cost } } : {}
  const failure = endings[status]
  if (failure) return { state: "failed", failure, ...bill }
  // A status nobody has heard of means that the vendor is still at work.
  if (status !== "Ready")
    return { state: "pending", checkAfterMs, ...(progress ? { progress: percent(progress) } : {}) }
  const notes = typeof result?.seed === "number" ? { notes: { seed: result.seed } } : {}
  return { state: "done", pictures: result?.sample ? [{ url: result.sample, ...notes }] : [], ...bill }
}

// The description does not say whether progress is a share or a percentage; both have been seen in clients.
const percent = (progress: number) => Math.min(99, progress <= 1 ? progress * 100 : progress)

const Missing = z.object({ status: z.literal("Task not found") })
const Unserved = z.object({ detail: z.literal("Not Found") })
// UNVERIFIED: only the vendor's skill file names it.
const Busy = z.object({ retry_after: z.number().positive().max(60) })

function readFailure(status: number, body: unknown): VendorFailure | undefined {
  if (status === 402)
    return { code: "provider_unavailable", detail: "The vendor's account has no credit left.", untouched: true }
  if (status === 404 && Missing.safeParse(body).success) return endings["Task not found"]
  if (status === 404 && Unserved.safeParse(body).success)
    return { code: "provider_unavailable", detail: "The vendor does not serve this model.", untouched: true }
  const busy = Busy.safeParse(body)
  if (status === 429 && busy.success)
    return { code: "provider_busy", untouched: true, retryAfterSeconds: busy.data.retry_after }
  return status === 422 ? readProblems(body) : undefined
}

export const bfl = defineProvider<FluxParameters>({
  id: "bfl",
  title: "Black Forest Labs",
  probe: "/credits",
  baseUrl: "https://api.bfl.ai/v1",
  notes: [
    "BFL_BASE_URL=https://api.eu.bfl.ai/v1 or https://api.us.bfl.ai/v1 keeps the work in one part of the world.",
    "An account has at most 24 tasks at work, and 6 of FLUX.1 Kontext max; more are tried again a little later.",
    "What FLUX.1 dev costs is no longer in the vendor's list; the charge follows what the vendor says of each picture.",
  ],
  linkHosts: [".bfl.ai"],
  authorize: (key) => ({ "x-key": key }),
  pictureKeys: [],
  limits: { imagesPerCall: () => 1, references: 8, inFlight: 24, deadlineMs: 600_000 },
  writeRequest,
  readResponse,
  readFailure,
})
