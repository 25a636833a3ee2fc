// The Images API of OpenAI, spoken by several vendors. Reference: OpenAI's OpenAPI description of 2026-08-21.
import { z } from "zod"
import type { FormPart } from "../../bodies/write.ts"
import { readFailure } from "./openaiFailures.ts"
import type {
  AnsweredPicture,
  Outcome,
  Provider,
  ProviderRequest,
  ReferencePicture,
  StreamStep,
  VendorBill,
  VendorInput,
} from "../provider.ts"

export type OpenAiParameters = {
  prompt: string
  n: number
  size?: string
  quality?: string
  background?: string
  moderation?: string
  style?: string
  input_fidelity?: string
  output_format?: string
  output_compression?: number
  partial_images?: number
}

// DALL·E has two qualities, and knows no automatic size.
const dalleQualities: Record<string, string> = { low: "standard", medium: "standard", high: "hd", auto: "standard" }
const sizes: Record<string, string> = { "1K": "1024x1024", "2K": "2048x2048", "4K": "3840x2160" }

function writeRequest(model: string, input: VendorInput<OpenAiParameters>): ProviderRequest {
  const { images, mask, partial_images, size, ...same } = input
  const stream = partial_images ? { stream: true, partial_images } : {}
  const fields = { model, ...same, ...(size === undefined ? {} : { size: sizes[size] ?? size }), ...stream }
  // GPT models always answer with bytes, and refuse to be asked for them.
  const asBytes = model.startsWith("dall-e") ? dalle(fields) : {}
  if (images.length === 0) return { method: "POST", path: "/images/generations", json: { ...fields, ...asBytes } }
  const values = Object.entries(fields).map(([name, value]): FormPart => ({ name, value: String(value) }))
  const files = images.map((image, index) => filePart("image[]", `image-${index + 1}`, image))
  const masks = mask ? [filePart("mask", "mask", mask)] : []
  return { method: "POST", path: "/images/edits", form: [...values, ...files, ...masks] }
}

const dalle = ({ quality, size }: Pick<OpenAiParameters, "quality" | "size">) => ({
  response_format: "b64_json",
  ...(quality === undefined ? {} : { quality: dalleQualities[quality] ?? quality }),
  ...(size === "auto" ? { size: "1024x1024" } : {}),
})

/** OpenAI refuses parts without the media type of a picture. */
function filePart(name: string, label: string, file: ReferencePicture): FormPart {
  return { name, fileName: `${label}.${file.mediaType.slice("image/".length)}`, type: file.mediaType, file }
}

const details = z.object({ image_tokens: z.int().default(0), text_tokens: z.int().default(0) }).nullish()

const Usage = z.object({
  input_tokens: z.int(),
  output_tokens: z.int(),
  total_tokens: z.int(),
  input_tokens_details: details,
  output_tokens_details: details,
})

const Picture = z.object({
  b64_json: z.string().nullish(),
  url: z.string().nullish(),
  revised_prompt: z.string().nullish().catch(null),
})

// The picture is paid for: it must not be lost to something beside it that cannot be read.
const beside = {
  usage: z.unknown().optional(),
  quality: z.string().nullish().catch(null),
  background: z.string().nullish().catch(null),
}

const Answer = z.object({ data: z.array(Picture).nullish(), ...beside })

function readResponse(body: unknown): Outcome {
  const { data, usage, quality, background } = Answer.parse(body)
  const shared = { ...(quality ? { quality } : {}), ...(background ? { background } : {}) }
  const pictures = (data ?? []).flatMap(({ b64_json, url, revised_prompt }): AnsweredPicture[] => {
    const notes = { ...shared, ...(revised_prompt ? { revised_prompt } : {}) }
    if (b64_json) return [{ mark: b64_json, notes }]
    return url ? [{ url, notes }] : []
  })
  return { state: "done", pictures, ...readUsage(usage) }
}

export function readUsage(given: unknown): { bill?: VendorBill } {
  const { data } = Usage.safeParse(given)
  return data ? { bill: { usage: withDetails(data) } } : {}
}

// Seen missing in June 2026; on this API every token that comes out is a picture's.
function withDetails({ input_tokens_details: given, output_tokens_details: made, ...usage }: z.infer<typeof Usage>) {
  const output_tokens_details = made ?? { image_tokens: usage.output_tokens, text_tokens: 0 }
  return { ...usage, output_tokens_details, ...(given ? { input_tokens_details: given } : {}) }
}

const StreamEvent = z.object({
  type: z.string().nullish(),
  b64_json: z.string().nullish(),
  partial_image_index: z.int().nullish(),
  ...beside,
  error: z.unknown().optional(),
})

function readEvent(event: string, data: unknown): StreamStep | undefined {
  const step = StreamEvent.parse(data)
  const type = step.type ?? event
  if (event === "error" || (step.error !== undefined && step.error !== null))
    return { outcome: { state: "failed", failure: readFailure(400, data) ?? { code: "provider_error" } } }
  if (type.endsWith(".partial_image") && step.b64_json)
    return { partial: { mark: step.b64_json, index: step.partial_image_index ?? 0 } }
  if (type.endsWith(".completed")) return { outcome: readResponse({ ...step, data: [{ b64_json: step.b64_json }] }) }
  return undefined
}

export const openaiImages = {
  linkHosts: [],
  authorize: (key: string) => ({ authorization: `Bearer ${key}` }),
  pictureKeys: ["b64_json"],
  limits: {
    // DALL·E 3 makes one; streamed pictures come one by one, so that each has its own early states.
    imagesPerCall: (model: string, input: OpenAiParameters) =>
      model.startsWith("dall-e") || input.partial_images ? 1 : 10,
    references: 16,
    deadlineMs: 600_000,
  },
  writeRequest,
  readResponse,
  readEvent,
  readFailure,
} satisfies Partial<Provider<OpenAiParameters>>
