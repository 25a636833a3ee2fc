// Servers that speak OpenAI's Images API. Reference: the sources and documents of LocalAI, vLLM-Omni, SGLang-Diffusion
// and stable-diffusion.cpp, which differ in what else they read and in how they say no.
import { z } from "zod"
import { pixelsOf } from "./pixels.ts"
import { defineProvider } from "./provider.ts"
import type { Outcome, ProviderRequest, VendorFailure, VendorInput } from "./provider.ts"
import { readFailure as readOpenAiFailure } from "./wires/openaiFailures.ts"
import { openaiImages } from "./wires/openaiImages.ts"
import type { OpenAiParameters } from "./wires/openaiImages.ts"

type CompatibleParameters = OpenAiParameters & {
  width?: number
  height?: number
  aspect_ratio?: string
  complexity?: string
  negative_prompt?: string
  seed?: number
  guidance?: number
  steps?: number
}

function writeRequest(model: string, input: VendorInput<CompatibleParameters>): ProviderRequest {
  const { images, mask, prompt, n, guidance, steps, seed, negative_prompt, ...given } = input
  const { output_format, output_compression, partial_images, ...words } = given
  const fields = {
    ...{ prompt, n, size: sizeOf(input), negative_prompt, output_format, output_compression, partial_images },
    ...{ quality: said(words.quality), background: said(words.background), moderation: said(words.moderation) },
    ...{ style: words.style, input_fidelity: words.input_fidelity, complexity: words.complexity },
    // A negative seed means any.
    seed: seed !== undefined && seed >= 0 ? seed : undefined,
    guidance_scale: guidance,
    // LocalAI has another word for it, and like the others passes over words that it does not know.
    ...{ num_inference_steps: steps, step: steps },
    // LocalAI and older SGLang otherwise answer with links, to which a key would be needed.
    response_format: "b64_json",
  }
  const present = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
  const pictures = { images, ...(mask ? { mask } : {}) }
  return withPlainPart(openaiImages.writeRequest(model, { ...(present as OpenAiParameters), ...pictures }))
}

/** What is left to the server is not said: vLLM-Omni refuses a size that is no size. */
const said = (word: string | undefined) => (word === "auto" ? undefined : word)

const megapixel = 1024 * 1024
const megapixelsOf: Record<string, number> = { "2K": 4, "4K": 8 }

function sizeOf({ size, width, height, aspect_ratio }: CompatibleParameters): string | undefined {
  if (width !== undefined && height !== undefined) return `${width}x${height}`
  if (size?.includes("x")) return size
  if (aspect_ratio === undefined || aspect_ratio === "auto") return said(size)
  const pixels = pixelsOf(aspect_ratio, (megapixelsOf[size ?? ""] ?? 1) * megapixel, 16)
  return `${pixels.width}x${pixels.height}`
}

/** One picture goes under the name that all of them know; LocalAI does not know the one for several. */
function withPlainPart(request: ProviderRequest): ProviderRequest {
  const pictures = request.form?.filter(({ name }) => name === "image[]") ?? []
  if (!request.form || pictures.length !== 1) return request
  return { ...request, form: request.form.map((part) => (part === pictures[0] ? { ...part, name: "image" } : part)) }
}

/** LocalAI counts nothing, and says so with zeros. */
function readResponse(body: unknown): Outcome {
  const outcome = openaiImages.readResponse(body)
  if (outcome.state !== "done" || outcome.bill?.usage?.total_tokens !== 0) return outcome
  return { state: "done", pictures: outcome.pictures }
}

const Complaint = z.object({ loc: z.array(z.union([z.string(), z.int()])).min(1) })

/** FastAPI's form, in which vLLM-Omni and SGLang complain, and the plain text of stable-diffusion.cpp. */
const Refusal = z.object({
  detail: z
    .union([z.string(), z.array(Complaint)])
    .nullish()
    .catch(null),
  error: z
    .union([z.string(), z.object({ message: z.string() })])
    .nullish()
    .catch(null),
  message: z.string().nullish().catch(null),
})

const otherModel =
  /model mismatch|\bmodel\b[^.]{0,200}\b(?:not found|does not exist|not loaded)|(?:unknown|no such) model/i

const names: Record<string, string> = { num_inference_steps: "steps", step: "steps", guidance_scale: "guidance" }

function readFailure(status: number, body: unknown): VendorFailure | undefined {
  const parsed = Refusal.safeParse(body)
  const { detail, error, message } = parsed.success ? parsed.data : {}
  const text = [detail, error, typeof error === "object" ? error?.message : message].find(
    (one) => typeof one === "string",
  )
  if (status < 500 && otherModel.test(text ?? ""))
    return { code: "provider_unavailable", detail: "The server draws with another model.", untouched: true }
  // FastAPI's words for an address that is not there: such a server makes pictures and does not edit any.
  if (status === 404 && detail === "Not Found")
    return { code: "provider_unavailable", detail: "The server does not do this kind of work.", untouched: true }
  if (Array.isArray(detail) && (status === 400 || status === 422)) return wrongFields(detail)
  return readOpenAiFailure(status, body)
}

function wrongFields(complaints: z.infer<typeof Complaint>[]): VendorFailure {
  const problems = complaints.map(({ loc }) => {
    const field = String(loc.at(-1))
      .replace(/^(image|url)(\[\])?$/, "image")
      .replaceAll(/[^\w.]/g, "")
    const param = names[field] ?? field.slice(0, 64)
    return { param, message: `The server did not accept ${param}.` }
  })
  return { code: "invalid_request", detail: problems.map(({ message }) => message).join(" "), problems }
}

export const compatible = defineProvider<CompatibleParameters>({
  ...openaiImages,
  id: "compatible",
  title: "OpenAI-compatible server",
  probe: "/models",
  baseUrl: "https://compatible.sandbox.example/v1",
  ownAddress: true,
  keyless: true,
  notes: [
    "For LocalAI, vLLM-Omni, SGLang-Diffusion, stable-diffusion.cpp and any other server with OpenAI's Images API; `ATELIER_COMPATIBLE_MODELS` names its models.",
    "Such servers pass over fields that they do not know: stable-diffusion.cpp reads neither seed nor steps here, LocalAI no negative prompt but what follows a `|` in the prompt.",
    "Every picture is a call of its own, because some servers make one whatever the number, or several alike.",
    "An older SGLang draws with one fixed seed unless the request has one.",
    "LocalAI paints where a mask is white; masks here mark that place by transparency, and go out as they came.",
  ],
  authorize: (key): Record<string, string> => (key === "" ? {} : openaiImages.authorize(key)),
  limits: { ...openaiImages.limits, imagesPerCall: () => 1 },
  writeRequest,
  readResponse,
  readFailure,
})
