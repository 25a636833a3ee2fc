// Black Forest Labs: submit, poll, download. Reference: https://api.bfl.ai/openapi.json of 2026-08-22
import { z } from "zod"
import { base64Of } from "../bodies/write.ts"
import { pixelsOf } from "./pixels.ts"
import { defineProvider } from "./provider.ts"
import type { Outcome, ProviderRequest, VendorFailure, VendorInput } from "./provider.ts"

type BflParameters = {
  prompt: string
  n: number
  aspect_ratio?: string
  size?: string
  width?: number
  height?: number
  raw?: boolean
  seed?: number
  safety_tolerance?: number
  output_format?: string
  prompt_upsampling?: boolean
  guidance?: number
  steps?: number
}

const megapixel = 1024 * 1024
const checkAfterMs = 750

function writeRequest(model: string, input: VendorInput<BflParameters>): ProviderRequest {
  const { prompt, seed, safety_tolerance, output_format, prompt_upsampling, guidance, steps, images } = input
  const same = { prompt, seed, safety_tolerance, output_format, prompt_upsampling, guidance, steps }
  const pictures = images.map((image, index) => [
    index === 0 ? "input_image" : `input_image_${index + 1}`,
    base64Of(image),
  ])
  const shape = model.startsWith("flux-2") ? pixels(input) : ratio(input)
  return { method: "POST", path: `/${model}`, json: { ...same, ...shape, ...Object.fromEntries(pictures) } }
}

/** FLUX.2 takes pixels only; without any it follows the first reference picture. */
function pixels({ images, size, aspect_ratio, width, height }: VendorInput<BflParameters>) {
  if (width !== undefined && height !== undefined) return { width, height }
  if (size?.includes("x")) {
    const [across, down] = size.split("x").map(Number)
    return { width: across, height: down }
  }
  if (images.length > 0 && aspect_ratio === undefined) return {}
  return pixelsOf(aspect_ratio ?? "16:9", size === "2K" ? 4 * megapixel : megapixel, 16)
}

function ratio({ images, aspect_ratio }: VendorInput<BflParameters>) {
  if (aspect_ratio !== undefined) return { aspect_ratio }
  return images.length > 0 ? {} : { aspect_ratio: "16:9" }
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
const Rejected = z.object({ detail: z.array(z.object({ loc: z.array(z.union([z.string(), z.int()])) })) })

function readFailure(status: number, body: unknown): VendorFailure | undefined {
  if (status === 402)
    return { code: "provider_unavailable", detail: "The vendor's account has no credit left.", untouched: true }
  if (status === 404 && Missing.safeParse(body).success) return endings["Task not found"]
  const rejected = Rejected.safeParse(body)
  if (status !== 422 || !rejected.success) return undefined
  const problems = rejected.data.detail.map(({ loc }) => {
    // A vendor's own name for a reference picture means nothing to the caller.
    const name = String(loc.at(-1) ?? "").replace(/^input_image.*/, "image")
    const param = name.replaceAll(/[^\w.]/g, "").slice(0, 64)
    return { param, message: `The vendor did not accept ${param}.` }
  })
  return { code: "invalid_request", detail: problems.map(({ message }) => message).join(" "), problems }
}

export const bfl = defineProvider<BflParameters>({
  id: "bfl",
  title: "Black Forest Labs",
  baseUrl: "https://api.bfl.ai/v1",
  linkHosts: [".bfl.ai"],
  authorize: (key) => ({ "x-key": key }),
  pictureKeys: [],
  limits: { imagesPerCall: () => 1, references: 8, deadlineMs: 600_000 },
  writeRequest,
  readResponse,
  readFailure,
})
