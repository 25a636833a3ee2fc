// The picture models of DashScope: what each takes, and how large its pictures are.
import { z } from "zod"
import { invalid } from "./dashscope-errors.ts"
import type { Refusal } from "./dashscope-errors.ts"
import type { Size } from "./picture.ts"

// Fields that the vendor does not know are ignored. UNVERIFIED: that they are.
const Parameters = z.object({
  negative_prompt: z.string().max(500).nullish(),
  size: z.string().nullish(),
  n: z.int().min(1).nullish(),
  prompt_extend: z.boolean().nullish(),
  watermark: z.boolean().nullish(),
  seed: z.int().min(0).max(2_147_483_647).nullish(),
})
export type Parameters = z.infer<typeof Parameters>

const parameters = Parameters.nullish().transform((given) => given ?? {})

// What is longer than 800 characters is cut off.
const text = z.string().min(1)

const Content = z.object({ text: text.optional(), image: z.string().optional() })

/** A call that waits for its pictures. */
export const Conversation = z.object({
  model: z.string(),
  input: z.object({
    messages: z.array(z.object({ role: z.literal("user"), content: z.array(Content).min(1) })).length(1),
  }),
  parameters,
})

/** One that does not. */
export const Synthesis = z.object({
  model: z.string(),
  input: z.object({ prompt: text, negative_prompt: z.string().max(500).nullish() }),
  parameters,
})

export type Model = {
  /** Pictures that it starts from: none, some, or either. */
  images: { min: number; max: number }
  /** Absent where it takes any; an empty list where it takes none. */
  sizes?: string[]
  countMax: number
  /** Also makes pictures in the background. */
  hasTasks?: boolean
  /** Knows whether to enrich the prompt. */
  enriches: boolean
}

const fixed = ["1664*928", "1472*1104", "1328*1328", "1104*1472", "928*1664"]
const drawing = { images: { min: 0, max: 0 }, sizes: fixed, countMax: 1, enriches: true }
const editing = { images: { min: 1, max: 3 }, countMax: 6, enriches: true }
const both = { ...editing, images: { min: 0, max: 3 } }

export const models: ReadonlyMap<string, Model> = new Map<string, Model>([
  ["qwen-image", { ...drawing, hasTasks: true }],
  ["qwen-image-plus", { ...drawing, hasTasks: true }],
  ["qwen-image-max", drawing],
  // UNVERIFIED: that a size or prompt_extend is refused here and not passed over.
  ["qwen-image-edit", { ...editing, sizes: [], countMax: 1, enriches: false }],
  ["qwen-image-edit-plus", editing],
  ["qwen-image-edit-max", editing],
  ["qwen-image-2.0", both],
  ["qwen-image-2.0-pro", both],
])

export function faultInParameters(model: Model, { size, n, prompt_extend }: Parameters): Refusal | undefined {
  if ((n ?? 1) > model.countMax) return invalid(`num_images_per_prompt must be 1 to ${model.countMax}`)
  if (prompt_extend !== undefined && prompt_extend !== null && !model.enriches)
    return invalid("prompt_extend is not supported by this model")
  if (size === undefined || size === null) return undefined
  if (model.sizes?.length === 0) return invalid("size is not supported by this model")
  if (model.sizes) return model.sizes.includes(size) ? undefined : invalid(`size must be in ${model.sizes.join(", ")}`)
  const sides = Object.values(readSize(size))
  return sides.every((side) => side >= 512 && side <= 2048)
    ? undefined
    : invalid("size must be width*height, both from 512 to 2048")
}

function readSize(text: string): Size {
  const [width = 0, height = 0] = /^\d{1,4}\*\d{1,4}$/.test(text) ? text.split("*").map(Number) : []
  return { width, height }
}

/** `last` is the last picture sent along, whose shape an edit keeps, at about 1024x1024 in all. */
export function sizeOf({ sizes }: Model, { size }: Parameters, last?: Size): Size {
  if (size) return readSize(size)
  if (sizes && sizes.length > 0) return readSize(sizes[0]!)
  if (!last) return { width: 1024, height: 1024 }
  const scale = Math.sqrt((1024 * 1024) / (last.width * last.height))
  const side = (length: number) => Math.min(2048, Math.max(512, Math.round((length * scale) / 16) * 16))
  return { width: side(last.width), height: side(last.height) }
}
