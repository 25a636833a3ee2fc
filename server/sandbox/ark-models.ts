// The Seedream models of Volcengine Ark: what each takes, and how large its pictures are.
import { z } from "zod"
import { invalid } from "./ark-errors.ts"
import type { Refusal } from "./ark-errors.ts"
import type { Format, Size } from "./picture.ts"

// Fields that the vendor does not know are ignored. UNVERIFIED: that they are.
export const Fields = z.object({
  model: z.string(),
  prompt: z.string().min(1),
  image: z.union([z.string(), z.array(z.string())]).nullish(),
  size: z.string().nullish(),
  seed: z.int().min(-1).max(2_147_483_647).nullish(),
  sequential_image_generation: z.enum(["auto", "disabled"]).nullish(),
  sequential_image_generation_options: z.object({ max_images: z.int().min(1).max(15).nullish() }).nullish(),
  stream: z.boolean().nullish(),
  response_format: z.enum(["url", "b64_json"]).nullish(),
  watermark: z.boolean().nullish(),
  output_format: z.enum(["jpeg", "png"]).nullish(),
  optimize_prompt_options: z.object({ mode: z.enum(["standard", "fast"]).nullish() }).nullish(),
})
export type Fields = z.infer<typeof Fields>

export type Model = {
  tiers: string[]
  pixelsMin: number
  /** Only some know a fast way to enrich the prompt. */
  isFast: boolean
  /** Where there is only one, the field is none. */
  formats: Format[]
}

const seedream40: Model = { tiers: ["1k", "2k", "4k"], pixelsMin: 921_600, isFast: true, formats: ["jpeg"] }
const seedream45: Model = { tiers: ["2k", "4k"], pixelsMin: 3_686_400, isFast: false, formats: ["jpeg"] }
const seedream50Lite: Model = { ...seedream45, tiers: ["2k", "3k", "4k"], formats: ["jpeg", "png"] }

const models = new Map([
  ["doubao-seedream-4-0-250828", seedream40],
  ["doubao-seedream-4-5-251128", seedream45],
  ["doubao-seedream-5-0-260128", seedream50Lite],
  ["doubao-seedream-5-0-lite-260128", seedream50Lite],
])

/** What an endpoint of one's own stands for, only its owner knows; here it is always the oldest. */
export const findModel = (name: string): Model | undefined =>
  /^ep-\d{14}-\w+$/.test(name) ? seedream40 : models.get(name)

const pixelsMax = 16_777_216
const isPixels = /^(\d{1,5})x(\d{1,5})$/

export function faultInFields({ tiers, pixelsMin, isFast }: Model, fields: Fields): Refusal | undefined {
  if (!isFast && fields.optimize_prompt_options?.mode === "fast")
    return invalid("optimize_prompt_options.mode", "fast mode is not supported by this model")
  const { size } = fields
  if (size === undefined || size === null || tiers.includes(size.toLowerCase())) return undefined
  const [, width, height] = (isPixels.exec(size) ?? []).map(Number)
  if (!width || !height)
    return invalid("size", `size must be one of WIDTHxHEIGHT, ${tiers.slice(0, -1).join(", ")} or ${tiers.at(-1)}`)
  const pixels = width * height
  if (pixels < pixelsMin) return invalid("size", `image size must be at least ${pixelsMin} pixels`)
  if (pixels > pixelsMax) return invalid("size", `image size must be at most ${pixelsMax} pixels`)
  const ratio = width / height
  return ratio > 16 || ratio < 1 / 16 ? invalid("size", "image aspect ratio must be between 1/16 and 16") : undefined
}

/** Of each size in K, the pixels of each ratio that has a name. */
const recommended: Record<string, string[]> = {
  "1k": ["1024x1024", "1152x864", "864x1152", "1280x720", "720x1280", "1248x832", "832x1248", "1512x648"],
  "2k": ["2048x2048", "2304x1728", "1728x2304", "2848x1600", "1600x2848", "2496x1664", "1664x2496", "3136x1344"],
  "3k": ["3072x3072", "3456x2592", "2592x3456", "4096x2304", "2304x4096", "3744x2496", "2496x3744", "4704x2016"],
  "4k": ["4096x4096", "4704x3520", "3520x4704", "5504x3040", "3040x5504", "4992x3328", "3328x4992", "6240x2656"],
}

const readSize = (text: string): Size => {
  const [width = 0, height = 0] = text.split("x").map(Number)
  return { width, height }
}

/** A size in K takes its shape from a ratio in the prompt, or from the first picture sent along. */
export function sizeOf({ prompt, size }: Fields, first?: Size): Size {
  if (!size) return { width: 2048, height: 2048 }
  if (isPixels.test(size)) return readSize(size)
  const [, across, down] = (/\b(\d{1,2}):(\d{1,2})\b/.exec(prompt) ?? []).map(Number)
  const ratio = across && down ? across / down : first ? first.width / first.height : 1
  const distance = ({ width, height }: Size) => Math.abs(Math.log(width / height / ratio))
  const sizes = recommended[size.toLowerCase()]!.map(readSize)
  return sizes.sort((one, other) => distance(one) - distance(other))[0]!
}

const groupMax = 15
const groupUsual = 3

/** The model decides by the prompt how many pictures a group has: here by the first number in it. */
export function countOf(fields: Fields, references: number): number {
  if (fields.sequential_image_generation !== "auto") return 1
  const most = Math.min(fields.sequential_image_generation_options?.max_images ?? groupMax, groupMax - references)
  const wanted = Number(/\b\d{1,2}\b/.exec(fields.prompt)?.[0] ?? groupUsual)
  return Math.max(1, Math.min(wanted, most))
}

/** The documents count 256 pixels as a token. */
export const tokensOf = ({ width, height }: Size): number => Math.round((width * height) / 256)
