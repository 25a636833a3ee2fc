// Stability AI: a form in, base64 out. Reference: its OpenAPI description of the v2beta API, https://platform.stability.ai
import { z } from "zod"
import type { FormPart } from "../bodies/write.ts"
import { defineProvider } from "./provider.ts"
import type { Outcome, ProviderRequest, ReferencePicture, VendorFailure, VendorInput } from "./provider.ts"

type StabilityParameters = {
  prompt: string
  n: number
  aspect_ratio?: string
  size?: string
  seed?: number
  negative_prompt?: string
  style_preset?: string
  strength?: number
  guidance?: number
  output_format?: string
}

type Input = VendorInput<StabilityParameters>

function writeRequest(model: string, input: Input): ProviderRequest {
  const { prompt, seed, negative_prompt, style_preset, guidance, output_format, images } = input
  const [image] = images
  const isDiffusion = model.startsWith("sd3")
  const values = {
    prompt,
    // Stable Diffusion's models share an address, which has to be told when it is to start from a picture.
    ...(isDiffusion ? { model, mode: image ? "image-to-image" : "text-to-image" } : {}),
    aspect_ratio: input.aspect_ratio ?? (input.size === "1024x1024" ? "1:1" : undefined),
    strength: image ? (input.strength ?? 0.5) : undefined,
    // An empty one has been seen refused.
    negative_prompt: negative_prompt === "" ? undefined : negative_prompt,
    ...{ seed, cfg_scale: guidance, style_preset, output_format },
  }
  const given = Object.entries(values).filter(([, value]) => value !== undefined)
  const parts = given.map(([name, value]): FormPart => ({ name, value: String(value) }))
  const path = `/v2beta/stable-image/generate/${isDiffusion ? "sd3" : model}`
  return { method: "POST", path, form: [...parts, ...(image ? [filePart(image)] : [])] }
}

function filePart(file: ReferencePicture): FormPart {
  return { name: "image", fileName: `image.${file.mediaType.slice("image/".length)}`, type: file.mediaType, file }
}

const Answer = z.object({
  image: z.string().nullish(),
  // The picture is paid for: it must not be lost to something beside it that cannot be read.
  finish_reason: z.string().nullish().catch(null),
  seed: z.int().nullish().catch(null),
})

const filtered: VendorFailure = {
  code: "content_refused",
  refused: "picture",
  detail: "The vendor's filter refused the picture that was made.",
}

function readResponse(body: unknown): Outcome {
  const { image, finish_reason, seed } = Answer.parse(body)
  // It comes with a blurred picture, which nobody asked for.
  if (finish_reason === "CONTENT_FILTERED") return { state: "failed", failure: filtered }
  // Not in the description; a published client knows it.
  if (finish_reason === "ERROR") return { state: "failed", failure: { code: "provider_error" } }
  const notes = typeof seed === "number" ? { notes: { seed } } : {}
  return { state: "done", pictures: image ? [{ mark: image, ...notes }] : [] }
}

const Refusal = z.object({ name: z.string(), errors: z.array(z.string()).catch([]) })

// What the caller can have got wrong, by the vendor's names and by ours. All else in a request is this adapter's.
const callers = ["prompt", "negative_prompt", "aspect_ratio", "seed", "style_preset", "strength", "output_format"]
const ours: Record<string, string> = {
  ...Object.fromEntries([...callers, "image"].map((name) => [name, name])),
  cfg_scale: "guidance",
}

function readFailure(status: number, body: unknown): VendorFailure | undefined {
  const refusal = Refusal.safeParse(body).data
  // The same status as a wrong key has elsewhere.
  if (status === 403 && refusal?.name === "content_moderation")
    return {
      code: "content_refused",
      refused: "prompt",
      detail: "The vendor's filter refused the prompt or the picture given with it.",
    }
  if (status === 413) return { code: "too_large", detail: "The vendor takes at most 10 MiB, the picture included." }
  // Whoever asks too often is shut out for a minute.
  if (status === 429) return { code: "provider_busy", untouched: true, retryAfterSeconds: 60 }
  if (!refusal || ![400, 404, 422].includes(status)) return undefined
  const named = new Set(refusal.errors.flatMap((error) => /^([a-z_]{1,32}): /.exec(error)?.[1] ?? []))
  // Neither the model nor the address is the caller's fault. The texts were not seen live.
  if (status === 404 || named.has("model"))
    return { code: "provider_unavailable", detail: "The vendor does not serve this model.", untouched: true }
  const params = Object.keys(ours).filter((name) => named.has(name))
  const problems = params.map((name) => ({ param: ours[name]!, message: `The vendor did not accept ${ours[name]}.` }))
  if (problems.length === 0) return undefined
  return { code: "invalid_request", detail: problems.map(({ message }) => message).join(" "), problems }
}

export const stability = defineProvider<StabilityParameters>({
  id: "stability",
  title: "Stability AI",
  probe: "/v1/user/balance",
  notes: [
    "More than 150 requests in ten seconds lock the key out for a minute.",
    "A call makes one picture of about one megapixel; Stable Image Core about one and a half.",
  ],
  baseUrl: "https://api.stability.ai",
  linkHosts: [],
  // Exactly one of the two types that its description lists for this header: a list of several was never seen taken.
  authorize: (key) => ({ authorization: `Bearer ${key}`, accept: "application/json" }),
  pictureKeys: ["image"],
  limits: { imagesPerCall: () => 1, references: 1, deadlineMs: 300_000 },
  writeRequest,
  readResponse,
  readFailure,
})
