// Ideogram: a form in, links out. Reference: Ideogram's OpenAPI description of 2026-08-22, https://developer.ideogram.ai
import { z } from "zod"
import type { FormPart } from "../bodies/write.ts"
import { defineProvider } from "./provider.ts"
import type {
  AnsweredPicture,
  Outcome,
  ProviderRequest,
  ReferencePicture,
  VendorFailure,
  VendorInput,
} from "./provider.ts"

type IdeogramParameters = {
  prompt?: string
  operation?: string
  n: number
  rendering_speed?: string
  quality?: string
  aspect_ratio?: string
  size?: string
  seed?: number
  negative_prompt?: string
  magic_prompt?: string
  style_type?: string
  style_preset?: string
  style_codes?: string[]
  color_palette?: object
  image_weight?: number
  reference_as?: string
  enable_copyright_detection?: boolean
}

type Input = VendorInput<IdeogramParameters>

// "edit" under its newer name: the vendor will take the older one away.
const endpoints: Record<string, string> = { edit: "inpaint" }
// One client has a word of its own; and OpenAI's word for how fine a picture shall be.
const speeds: Record<string, string> = { SPEED: "TURBO", low: "TURBO", high: "QUALITY" }

function writeRequest(model: string, input: Input): ProviderRequest {
  const operation = input.operation ?? (input.mask ? "edit" : input.images.length > 0 ? "remix" : "generate")
  const path = `/v1/${model}/${endpoints[operation] ?? operation}`
  return { method: "POST", path, form: [...fields(input), ...files(operation, input)] }
}

function fields(input: Input): FormPart[] {
  const { prompt, seed, aspect_ratio, size, magic_prompt, style_type, style_preset, image_weight } = input
  const { rendering_speed, quality, negative_prompt, color_palette, style_codes = [] } = input
  const { enable_copyright_detection } = input
  const speed = rendering_speed ?? quality ?? ""
  const values = {
    prompt,
    num_images: input.n,
    // Named even where it is the vendor's own default: the price goes by it.
    rendering_speed: speeds[speed] ?? rendering_speed ?? "DEFAULT",
    aspect_ratio: aspect_ratio?.replace(":", "x"),
    // The words for sizes mean about a megapixel, which every picture has.
    resolution: size?.includes("x") ? size : undefined,
    seed,
    negative_prompt: negative_prompt === "" ? undefined : negative_prompt,
    ...{ magic_prompt, style_type, style_preset, image_weight, enable_copyright_detection },
    color_palette: color_palette === undefined ? undefined : JSON.stringify(color_palette),
  }
  const given = Object.entries(values).filter(([, value]) => value !== undefined)
  const parts = given.map(([name, value]): FormPart => ({ name, value: String(value) }))
  return [...parts, ...style_codes.map((value): FormPart => ({ name: "style_codes", value }))]
}

function files(operation: string, { images, mask, reference_as }: Input): FormPart[] {
  const sources = operation === "generate" ? 0 : 1
  const references = reference_as === "character" ? "character_reference_images" : "style_reference_images"
  return [
    ...images.slice(0, sources).map((file) => filePart("image", "image", file)),
    ...(mask ? [filePart("mask", "mask", mask)] : []),
    ...images.slice(sources).map((file, index) => filePart(references, `reference-${index + 1}`, file)),
  ]
}

function filePart(name: string, label: string, file: ReferencePicture): FormPart {
  return { name, fileName: `${label}.${file.mediaType.slice("image/".length)}`, type: file.mediaType, file }
}

// A picture is paid for: it must not be lost to something beside it that cannot be read.
const Picture = z
  .object({
    url: z.string().nullish().catch(null),
    is_image_safe: z.boolean().nullish().catch(null),
    prompt: z.string().nullish().catch(null),
    seed: z.int().nullish().catch(null),
  })
  .catch({})

const Answer = z.object({ data: z.array(Picture).nullish() })

type AnsweredItem = z.infer<typeof Picture>

// The description has it that an unsafe picture comes without its link; where one came with it, it is not handed on.
const isPicture = ({ url, is_image_safe }: AnsweredItem): boolean => !!url && is_image_safe !== false

function readResponse(body: unknown): Outcome {
  const data = Answer.parse(body).data ?? []
  const pictures = data.filter(isPicture).map(readPicture)
  const missing = data.filter((item) => !isPicture(item)).map(reasonOf)
  return { state: "done", pictures, ...(missing.length > 0 ? { missing } : {}) }
}

function readPicture({ url, prompt, seed }: AnsweredItem): AnsweredPicture {
  const notes = { ...(typeof seed === "number" ? { seed } : {}), ...(prompt ? { revised_prompt: prompt } : {}) }
  return { url: String(url).replace(/^http:(?=\/\/(?:[\w-]+\.)*ideogram\.ai\/)/, "https:"), notes }
}

const reasonOf = ({ is_image_safe }: AnsweredItem): VendorFailure =>
  is_image_safe === false
    ? { code: "content_refused", refused: "picture", detail: "The vendor's filter refused the picture that was made." }
    : { code: "provider_error", detail: "The vendor left out a picture and did not say why." }

/** The bodies of its refusals have no common shape; only the status is documented. */
function readFailure(status: number): VendorFailure | undefined {
  if (status !== 422) return undefined
  const detail = "The vendor's filter refused the prompt or a picture given with it."
  return { code: "content_refused", refused: "prompt", detail }
}

export const ideogram = defineProvider<IdeogramParameters>({
  id: "ideogram",
  title: "Ideogram",
  notes: [
    "An account may have ten requests under way at once; what is above meets 429 and is tried again.",
    "A mask is black where the picture is painted anew, the other way round than at OpenAI.",
  ],
  baseUrl: "https://api.ideogram.ai",
  linkHosts: [],
  authorize: (key) => ({ "api-key": key }),
  pictureKeys: [],
  limits: { imagesPerCall: () => 8, references: 4, inFlight: 10, deadlineMs: 300_000 },
  writeRequest,
  readResponse,
  readFailure,
})
