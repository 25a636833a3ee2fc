// The picture models of Baidu Qianfan: what each takes, and how large its pictures are.
import { z } from "zod"
import { invalid, tooLong, unknownModel } from "./qianfan-errors.ts"
import type { Refusal } from "./qianfan-errors.ts"
import type { Size } from "./picture.ts"

// Fields that a model does not know are ignored. UNVERIFIED: that they are, and the bounds for iRAG's guidance.
export const Fields = z.object({
  model: z.string(),
  prompt: z.string().nullish(),
  negative_prompt: z.string().max(500).nullish(),
  refer_image: z.string().nullish(),
  image: z.union([z.string(), z.array(z.string())]).nullish(),
  mask: z.string().nullish(),
  feature: z.enum(["erase", "repaint", "variation"]).nullish(),
  n: z.int().min(1).max(4).nullish(),
  size: z
    .string()
    .regex(/^\d{1,5}x\d{1,5}$/)
    .nullish(),
  steps: z.int().min(1).max(50).nullish(),
  seed: z.int().min(0).max(4_294_967_295).nullish(),
  guidance: z.number().min(0).max(20).nullish(),
  prompt_extend: z.boolean().nullish(),
  watermark: z.boolean().nullish(),
  user: z.string().nullish(),
})
export type Fields = z.infer<typeof Fields>

export type Model = {
  edits: boolean
  promptMax: number
  countMax: number
  /** Pictures that it may start from. */
  imagesMax: number
}

const models = new Map<string, Model>([
  ["qwen-image", { edits: false, promptMax: 800, countMax: 1, imagesMax: 0 }],
  ["irag-1.0", { edits: false, promptMax: 220, countMax: 4, imagesMax: 1 }],
  ["qwen-image-edit", { edits: true, promptMax: 800, countMax: 1, imagesMax: 3 }],
  ["ernie-irag-edit", { edits: true, promptMax: 220, countMax: 4, imagesMax: 1 }],
])

/** A model is known at its own address alone. */
export function findModel({ model }: Pick<Fields, "model">, edits: boolean): Model | Refusal {
  const found = models.get(model)
  return found?.edits === edits ? found : unknownModel(model)
}

export const isMasking = ({ model, feature }: Fields): boolean =>
  model === "ernie-irag-edit" && (feature ?? "repaint") !== "variation"

export function faultInFields({ promptMax, countMax }: Model, fields: Fields): Refusal | undefined {
  const { model, feature, prompt, n, size, mask } = fields
  const canDoWithout = model === "ernie-irag-edit" && feature === "erase"
  if (!prompt && !canDoWithout) return invalid("prompt can not be empty")
  if ((prompt ?? "").length > promptMax) return tooLong(promptMax)
  if ((n ?? 1) > countMax) return invalid(`n must be at most ${countMax}`)
  if (size && Object.values(readSize(size)).some((side) => side < 512 || side > 2048))
    return invalid("size must be between 512x512 and 2048x2048")
  return isMasking(fields) && !mask ? invalid("mask is required when feature is erase or repaint") : undefined
}

function readSize(text: string): Size {
  const [width = 0, height = 0] = text.split("x").map(Number)
  return { width, height }
}

/** `first` is the picture that an edit starts from, as far as it was sent and not only named. */
export function sizeOf(fields: Fields, first?: Size): Size {
  if (fields.size) return readSize(fields.size)
  if (!first || fields.model === "irag-1.0") return { width: 1024, height: 1024 }
  return isMasking(fields) ? asItIs(first) : asLargeAsUsual(first)
}

/** UNVERIFIED for repaint; of erase the page gives an example: 500x1000 becomes 512x1024. */
function asItIs({ width, height }: Size): Size {
  const raised = Math.max(1, 512 / Math.min(width, height))
  const scale = Math.min(raised, 1280 / Math.max(width, height))
  return { width: Math.round(width * scale), height: Math.round(height * scale) }
}

const step = 16

/** About 1024x1024 in all, in multiples of 16, 1440 at the longest. UNVERIFIED for Qwen-Image-Edit. */
function asLargeAsUsual({ width, height }: Size): Size {
  const scale = Math.min(Math.sqrt((1024 * 1024) / (width * height)), 1440 / Math.max(width, height))
  const side = (length: number) => Math.max(step, Math.round((length * scale) / step) * step)
  return { width: side(width), height: side(height) }
}
