// The picture models of Black Forest Labs: what each takes, how large its pictures are and what they cost.
import { z } from "zod"
import type { Format, Size } from "./picture.ts"

/** What every model's fields come to, whatever it takes. */
export type Fields = {
  prompt?: string | null | undefined
  seed?: number | null | undefined
  width?: number | null | undefined
  height?: number | null | undefined
  aspect_ratio?: string | null | undefined
  output_format?: Format | null | undefined
  webhook_url?: string | null | undefined
}

export type Model = {
  /** Fields that the model does not know are ignored, as the vendor's description has it. */
  fields: z.ZodType<Fields>
  defaults: { format: Format; size: Size }
  /** Credits for the first megapixel, and for each further one in or out. */
  price: { first: number; further: number }
  /** Tasks that may be active at once. */
  activeMax: number
  /** Sizes in multiples of this. */
  grid: number
  /** How many pixels a ratio stands for. */
  pixels: number
}

const flag = z.boolean().optional()
const picture = z.string().nullish()
const pictures = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, at) => [at ? `input_image_${at + 1}` : "input_image", picture]))

const common = {
  seed: z.int().nullish(),
  output_format: z.enum(["jpeg", "png", "webp"]).nullish(),
  webhook_url: z.url().min(1).max(2083).nullish(),
  webhook_secret: z.string().nullish(),
}
const tolerance = (most: number) => z.int().min(0).max(most).optional()

const prompt = z.string()
// Multiples of 16 and 4 megapixels come from BFL's own skill file; its API description states only the 64.
const side = z.int().min(64).multipleOf(16).nullish()
const flux2 = { prompt, width: side, height: side, safety_tolerance: tolerance(5), ...common }
const flex = {
  prompt_upsampling: z.boolean().nullish(),
  input_image_blob_path: z.string().nullish(),
  guidance: z.number().min(1.5).max(10).nullish(),
  steps: z.int().min(1).max(50).nullish(),
}
const flux1 = { prompt: prompt.nullish(), prompt_upsampling: flag, safety_tolerance: tolerance(6), ...common }
const kontext = { ...flux1, ...pictures(4), prompt, aspect_ratio: z.string().nullish() }
const fixedSide = z.int().min(256).max(1440).multipleOf(32).optional()
const pro11 = { ...flux1, width: fixedSide, height: fixedSide, image_prompt: picture }
const ultra = {
  ...flux1,
  aspect_ratio: z.string().optional(),
  raw: flag,
  image_prompt: picture,
  image_prompt_strength: z.number().min(0).max(1).optional(),
}
const dev = {
  ...pro11,
  prompt: prompt.optional(),
  steps: z.int().min(1).max(50).nullish(),
  guidance: z.number().min(1.5).max(5).nullish(),
}

const megapixel = 1024 * 1024
const totalMaxPixels = 4 * megapixel
const square = { width: 1024, height: 1024 }

function row(fields: z.ZodRawShape, first: number, further = 0, more: Partial<Model> = {}): Model {
  const defaults = { format: "jpeg" as const, size: square }
  return {
    fields: z.object(fields) as z.ZodType<Fields>,
    defaults,
    price: { first, further },
    activeMax: 24,
    grid: 16,
    pixels: megapixel,
    ...more,
  }
}

const pro2 = { ...flux2, ...pictures(8), disable_pup: flag }
const klein = { ...flux2, ...pictures(4) }
const png = { defaults: { format: "png" as const, size: square } }
const wide = { defaults: { format: "jpeg" as const, size: { width: 1024, height: 768 } }, grid: 32 }
const large = { defaults: { format: "jpeg" as const, size: { width: 2736, height: 1536 } }, pixels: totalMaxPixels }

export const models: ReadonlyMap<string, Model> = new Map([
  ["flux-2-pro", row(pro2, 3, 1.5)],
  ["flux-2-pro-preview", row(pro2, 3, 1.5)],
  ["flux-2-max", row(pro2, 7, 3)],
  ["flux-2-flex", row({ ...flux2, ...pictures(8), ...flex }, 5, 5)],
  ["flux-2-klein-4b", row(klein, 1.4, 0.1)],
  ["flux-2-klein-9b", row(klein, 1.5, 0.2)],
  ["flux-2-klein-9b-preview", row(klein, 1.5, 0.2)],
  ["flux-kontext-pro", row(kontext, 4, 0, png)],
  ["flux-kontext-max", row(kontext, 8, 0, { ...png, activeMax: 6 })],
  ["flux-pro-1.1", row(pro11, 4, 0, wide)],
  ["flux-pro-1.1-ultra", row(ultra, 6, 0, large)],
  // UNVERIFIED: the price.
  ["flux-dev", row(dev, 2.5, 0, wide)],
])

const shapeOf = ({ fields }: Model): object => (fields instanceof z.ZodObject ? fields.shape : {})
const takesRatio = (model: Model): boolean => "aspect_ratio" in shapeOf(model)

/** What is wrong with the size, if anything is: the field and the reason. */
export function faultInSize(model: Model, fields: Fields): { field: string; reason: string } | undefined {
  if (fields.aspect_ratio && takesRatio(model) && !readRatio(fields.aspect_ratio))
    return { field: "aspect_ratio", reason: "aspect ratio must be between 21:9 and 9:21" }
  if ((fields.width ?? 0) * (fields.height ?? 0) > totalMaxPixels)
    return { field: "width", reason: "the picture must be at most 4 megapixels" }
  return undefined
}

/** `first` is the first picture sent along, which an unnamed size follows. UNVERIFIED: that it does. */
export function sizeOf(model: Model, fields: Fields, first?: Size): Size {
  const ratio = fields.aspect_ratio && takesRatio(model) ? readRatio(fields.aspect_ratio) : undefined
  if (ratio) return sizeAt(ratio, model)
  // A picture that is remixed gives no shape.
  const unnamed = first && "input_image" in shapeOf(model) ? sizeLike(first, model) : model.defaults.size
  return { width: fields.width ?? unnamed.width, height: fields.height ?? unnamed.height }
}

function readRatio(text: string): number | undefined {
  const [, across, down] = (text.match(/^(\d{1,4}):(\d{1,4})$/) ?? []).map(Number)
  const ratio = across && down ? across / down : 0
  return ratio >= 9 / 21 && ratio <= 21 / 9 ? ratio : undefined
}

function sizeAt(ratio: number, { pixels, grid }: Model): Size {
  const width = Math.sqrt(pixels * ratio)
  return { width: snap(width, grid), height: snap(width / ratio, grid) }
}

const snap = (length: number, grid: number): number => Math.max(grid, Math.round(length / grid) * grid)

function sizeLike(first: Size, model: Model): Size {
  const ratio = first.width / first.height
  if (takesRatio(model)) return sizeAt(Math.min(Math.max(ratio, 9 / 21), 21 / 9), model)
  const shrink = Math.min(1, Math.sqrt(totalMaxPixels / (first.width * first.height)))
  const side = (length: number) => Math.max(64, Math.floor((length * shrink) / 16) * 16)
  return { width: side(first.width), height: side(first.height) }
}

/** Reported in millions of pixels. */
export const megapixelsOf = (sizes: Size[]): number =>
  Math.round(sizes.reduce((sum, { width, height }) => sum + (width * height) / 1e6, 0) * 100) / 100

/** Charged by whole megapixels, each picture rounded up. UNVERIFIED: the rounding. */
export function costOf({ price }: Model, output: Size, inputs: Size[]): number {
  const whole = ({ width, height }: Size) => Math.max(1, Math.ceil((width * height) / megapixel))
  const further = whole(output) - 1 + inputs.reduce((sum, input) => sum + whole(input), 0)
  return Math.round((price.first + further * price.further) * 100) / 100
}
