// What a request to the Images API asks for, checked as OpenAI checks it for the model named.
import { z } from "zod"
import { isRefusal, refuse, refuseByModel, refuseIssue, unknownModel } from "./openai-errors.ts"
import type { Refusal } from "./openai-errors.ts"
import { models } from "./openai-models.ts"
import type { Model } from "./openai-models.ts"
import type { Format, Size } from "./picture.ts"

export type Endpoint = "generations" | "edits as form" | "edits as JSON"

export type Wish = Size & {
  model: Model
  prompt: string
  n: number
  quality: string
  format: Format
  /** 0 to 100. */
  compression: number
  transparent: boolean
  stream: boolean
  partials: number
  asLink: boolean
  /** OpenAI takes none; servers that speak its API do. */
  seed?: number
}

type Optional<T> = T | null | undefined

type Fields = {
  prompt: string
  n?: Optional<number>
  size?: Optional<string>
  quality?: Optional<string>
  background?: Optional<string>
  output_format?: Optional<Format>
  output_compression?: Optional<number>
  stream?: Optional<boolean>
  partial_images?: Optional<number>
  response_format?: Optional<string>
  input_fidelity?: Optional<string>
}

function shapeOf({ family, complexity }: Model, endpoint: Endpoint): z.ZodRawShape {
  const common = {
    prompt: z.string().min(1).max(family.promptMax),
    model: z.string().nullish(),
    n: z.int().min(1).max(10).nullish(),
    size: z.string().nullish(),
    quality: z.enum([...family.qualities, "auto"]).nullish(),
    user: z.string().nullish(),
  }
  if (family.dalle) {
    const response_format = z.enum(["url", "b64_json"]).nullish()
    return { ...common, response_format, style: z.enum(["vivid", "natural"]).nullish() }
  }
  return {
    ...common,
    background: z.enum(["transparent", "opaque", "auto"]).nullish(),
    // gif and svg, which one secondary source gives to 2.6, are not drawn here.
    output_format: z.enum(["png", "jpeg", "webp"]).nullish(),
    output_compression: z.int().min(0).max(100).nullish(),
    stream: z.boolean().nullish(),
    partial_images: z.int().min(0).max(3).nullish(),
    // The description of the form has no moderation, the one of JSON has.
    ...(endpoint !== "edits as form" && { moderation: z.enum(["low", "auto"]).nullish() }),
    ...(endpoint !== "generations" && { input_fidelity: z.enum(["high", "low"]).nullish() }),
    ...(complexity && { complexity: z.enum(["low", "medium", "high"]).nullish() }),
  }
}

const gptOnly = ["background", "moderation", "output_format", "output_compression", "stream", "partial_images"]

/** UNVERIFIED: which GPT model a request without a model gets; for edits it is documented. */
function modelNameOf(given: Record<string, unknown>, endpoint: Endpoint): string {
  if (typeof given.model === "string") return given.model
  const isGpt = endpoint !== "generations" || gptOnly.some((field) => field in given)
  return isGpt ? "gpt-image-1.5" : "dall-e-2"
}

/** `first` is the first picture sent along, which an automatic size follows. */
export function readWish(given: Record<string, unknown>, endpoint: Endpoint, first?: Size): Wish | Refusal {
  if (given.model !== undefined && given.model !== null && typeof given.model !== "string")
    return refuse(400, "Invalid type for 'model': expected a string.", { param: "model", code: "invalid_type" })
  const name = modelNameOf(given, endpoint)
  const model = models.get(name)
  if (!model) return unknownModel(name)
  if (model.family.dalle && endpoint !== "generations")
    return refuse(400, `Invalid value: '${name}'. Value must be a GPT image model.`, {
      param: "model",
      code: "invalid_value",
    })
  const parsed = z.strictObject(shapeOf(model, endpoint)).safeParse(given, { reportInput: true })
  if (!parsed.success) return refuseIssue(parsed.error.issues[0]!)
  // Every shape is a part of Fields, which the type of a shape chosen while running cannot say.
  return wishOf(model, parsed.data as Fields, endpoint, first)
}

function wishOf(model: Model, fields: Fields, endpoint: Endpoint, first: Size | undefined): Wish | Refusal {
  const refusal = refuseTogether(model, fields)
  if (refusal) return refusal
  const size = readSize(model, fields.size ?? (endpoint === "edits as form" ? "1024x1024" : "auto"), first)
  if (isRefusal(size)) return size
  const { family } = model
  return {
    ...size,
    model,
    prompt: fields.prompt,
    n: fields.n ?? 1,
    quality: !fields.quality || fields.quality === "auto" ? family.autoQuality : fields.quality,
    format: fields.output_format ?? "png",
    compression: fields.output_compression ?? 100,
    transparent: fields.background === "transparent",
    stream: fields.stream ?? false,
    partials: fields.partial_images ?? 0,
    asLink: family.dalle === true && fields.response_format !== "b64_json",
  }
}

/** What each field allows by itself but the model does not allow together. */
function refuseTogether({ family, plainInputs, id }: Model, fields: Fields): Refusal | undefined {
  const { n, stream, background, output_format: format, output_compression: compression } = fields
  // UNVERIFIED: param and code.
  if (family.dalle && (n ?? 1) > 1) return refuse(400, "You must provide n=1 for this model.", { param: "n" })
  // Reported live: github.com/theopenco/llmgateway/issues/3963.
  if (stream && (n ?? 1) > 1) return refuse(400, "Streaming is only supported with n=1.")
  if (background === "transparent" && !family.transparency)
    return refuseByModel(`Transparent background is not supported for '${id}'.`, "background", "invalid_value")
  if (background === "transparent" && format === "jpeg")
    return refuseByModel("Transparent background is not supported for JPEG output.", "background", "invalid_value")
  // UNVERIFIED: the code.
  if ((compression ?? 100) < 100 && (format ?? "png") === "png")
    return refuseByModel(
      "Compression less than 100 is not supported for PNG output format.",
      "output_compression",
      "invalid_png_output_compression",
    )
  if (plainInputs && fields.input_fidelity)
    return refuseByModel(`'input_fidelity' is not supported for '${id}'.`, "input_fidelity", "invalid_value")
  return undefined
}

function readSize({ family }: Model, wanted: string, first: Size | undefined): Size | Refusal {
  if (wanted === "auto") return autoSize(first)
  if (family.sizes !== "free" && !family.sizes.includes(wanted)) {
    const allowed = [...family.sizes, "auto"].map((size) => `'${size}'`).join(", ")
    return refuseByModel(`Invalid value: '${wanted}'. Supported values are: ${allowed}.`, "size", "invalid_value")
  }
  const [, width, height] = (wanted.match(/^([1-9]\d{0,4})x([1-9]\d{0,4})$/) ?? []).map(Number)
  const invalid = (why: string) => refuseByModel(`Invalid size '${wanted}'. ${why}`, "size", "invalid_value")
  if (!width || !height) return invalid("Expected WIDTHxHEIGHT, for example '1824x1024'.")
  if (family.sizes !== "free") return { width, height }
  if (width % 16 || height % 16) return invalid("Width and height must both be divisible by 16.")
  const [short, long] = width < height ? [width, height] : [height, width]
  if (long > short * 3) return invalid("The aspect ratio must be between 1:3 and 3:1.")
  if (long > 3840) return invalid("The longest edge must be at most 3840 pixels.")
  if (width * height < 655_360) return invalid("The requested resolution is below the minimum pixel budget.")
  if (width * height > 8_294_400) return invalid("The requested resolution exceeds the maximum pixel budget.")
  return { width, height }
}

/** One of the three sizes that every model has; a picture sent along decides which. */
function autoSize(first: Size = { width: 1, height: 1 }): Size {
  const ratio = first.width / first.height
  if (ratio > 1.2) return { width: 1536, height: 1024 }
  if (ratio < 1 / 1.2) return { width: 1024, height: 1536 }
  return { width: 1024, height: 1024 }
}
