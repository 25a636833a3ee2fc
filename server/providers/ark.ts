// Volcengine Ark, which serves Seedream. Reference: https://www.volcengine.com/docs/82379/1541523, and 1824137 for streams
import { z } from "zod"
import { base64Of } from "../bodies/write.ts"
import { Fault, failureOf, readFailure } from "./arkFailures.ts"
import { sizeOf } from "./arkSizes.ts"
import { defineProvider } from "./provider.ts"
import type {
  AnsweredPicture,
  Outcome,
  ProviderRequest,
  StreamStep,
  Usage,
  VendorFailure,
  VendorInput,
} from "./provider.ts"

type ArkParameters = {
  prompt: string
  n: number
  size?: string
  aspect_ratio?: string
  seed?: number
  watermark?: boolean
  sequential_image_generation?: string
  sequential_image_generation_options?: { max_images?: number }
  optimize_prompt_options?: { mode?: string }
  output_format?: string
}

const sequenceMax = 15

/** "enabled" is what one plugin writes for "auto". */
const isSequence = ({ sequential_image_generation: wanted }: ArkParameters): boolean =>
  wanted === "auto" || wanted === "enabled"

function writeRequest(model: string, input: VendorInput<ArkParameters>): ProviderRequest {
  const { prompt, seed = -1, watermark, optimize_prompt_options, output_format } = input
  const pictures = input.images.map((image) => base64Of(image, `data:${image.mediaType};base64,`))
  const json = {
    model,
    prompt,
    ...(pictures.length === 0 ? {} : { image: pictures.length === 1 ? pictures[0] : pictures }),
    ...sizeOf(input),
    // Below zero any will do. The table of parameters has a seed for older models only, the vendor's own clients send
    // it for all; not seen live.
    ...(seed < 0 ? {} : { seed }),
    ...(isSequence(input) ? sequenceOf(input) : { sequential_image_generation: "disabled" }),
    optimize_prompt_options,
    // Before the fifth generation pictures are JPEG, and there is no such parameter.
    ...(/seedream-[1-4]-/.test(model) ? {} : { output_format }),
    watermark,
    // A link would have to be fetched in a second call, which may fail where the picture is already paid for.
    response_format: "b64_json",
  }
  return { method: "POST", path: "/images/generations", json }
}

/** Streamed, so that pictures are kept as they come. The vendor has no `n`. */
const sequenceOf = ({ n, sequential_image_generation_options: options }: ArkParameters) => ({
  sequential_image_generation: "auto",
  sequential_image_generation_options: { max_images: options?.max_images ?? (n > 1 ? n : sequenceMax) },
  stream: true,
})

// A picture is paid for: it must not be lost to something beside it that cannot be read.
const Item = z.object({
  b64_json: z.string().nullish().catch(null),
  url: z.string().nullish().catch(null),
  error: Fault.nullish().catch({}),
})

const beside = {
  usage: z
    .object({ output_tokens: z.int(), total_tokens: z.int().nullish().catch(null) })
    .nullish()
    .catch(null),
  error: Fault.nullish().catch({}),
}

const Answer = z.object({ data: z.array(Item).nullish(), ...beside })

function readResponse(body: unknown): Outcome {
  const { data, usage, error } = Answer.parse(body)
  const read = (data ?? []).map(readItem)
  const pictures = read.flatMap((item) => ("picture" in item ? item.picture : []))
  const missing = [
    ...read.flatMap((item) => ("missing" in item ? item.missing : [])),
    ...(error ? [failureOf(error)] : []),
  ]
  const [first] = missing
  if (pictures.length === 0 && first) return { state: "failed", failure: first }
  return { state: "done", pictures, ...(first ? { missing } : {}), ...billOf(usage) }
}

/** One of several pictures can fail by itself, and the answer is a success all the same. */
function readItem(item: z.infer<typeof Item>): { picture: AnsweredPicture } | { missing: VendorFailure } {
  if (item.b64_json) return { picture: { mark: item.b64_json } }
  return item.url ? { picture: { url: item.url } } : { missing: failureOf(item.error ?? {}) }
}

/** Billed are pictures; the tokens are their pixels. */
function billOf(counts: z.infer<typeof beside.usage>): { bill?: { usage: Usage } } {
  if (!counts) return {}
  const { output_tokens, total_tokens } = counts
  const total = Math.max(total_tokens ?? output_tokens, output_tokens)
  return { bill: { usage: { input_tokens: total - output_tokens, output_tokens, total_tokens: total } } }
}

const StreamEvent = Item.extend({
  type: z.string().nullish().catch(null),
  image_index: z.int().nullish().catch(null),
  ...beside,
})

/** Pictures may come in another order than that of the sequence. */
const orderOf = ({ image_index: index }: z.infer<typeof StreamEvent>) => (typeof index === "number" ? { index } : {})

/** "partial" is said of a whole picture, which is a part of the sequence. */
function readEvent(event: string, data: unknown): StreamStep | undefined {
  const step = StreamEvent.parse(data)
  const type = step.type ?? event
  if (type.endsWith(".partial_succeeded")) return { ...readItem(step), ...orderOf(step) }
  if (type.endsWith(".partial_failed")) return { missing: failureOf(step.error ?? {}) }
  if (event === "error" || step.error) return { outcome: { state: "failed", failure: failureOf(step.error ?? {}) } }
  if (type.endsWith(".completed")) return { outcome: { state: "done", pictures: [], ...billOf(step.usage) } }
  return undefined
}

export const ark = defineProvider<ArkParameters>({
  id: "ark",
  title: "Volcengine Ark",
  notes: [
    "Keys and model ids are those of China; the ids of BytePlus differ, so its address would not do.",
    "A sequence is streamed: pictures that have come are kept, and billed, even if a later one fails.",
  ],
  baseUrl: "https://ark.cn-beijing.volces.com/api/v3",
  linkHosts: [],
  authorize: (key) => ({ authorization: `Bearer ${key}` }),
  pictureKeys: ["b64_json"],
  limits: {
    imagesPerCall: (_, input) => (isSequence(input) ? sequenceMax : 1),
    references: 14,
    deadlineMs: 600_000,
  },
  writeRequest,
  readResponse,
  readEvent,
  readFailure,
})
