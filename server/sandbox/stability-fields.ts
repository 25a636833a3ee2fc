// The parts of a form that each of Stability AI's models takes, and what is wrong with those it was given.
import { z } from "zod"
import { inspect } from "./picture.ts"
import type { Format, Size } from "./picture.ts"

/** What a form comes to, whatever the address. */
export type Wish = {
  model: string
  prompt: string
  seed: number
  format: Format
  ratio: string
  /** With a picture to start from. */
  image?: Size & { bytes: Buffer }
  strength?: number
  keepsShape: boolean
}

type Address = { fields: z.ZodObject; takesImage: boolean }

const decimal = (min: number, max: number) =>
  z
    .string()
    .regex(/^-?\d{1,10}(?:\.\d+)?$/)
    .transform(Number)
    .pipe(z.number().min(min).max(max))

const ratios = ["21:9", "16:9", "3:2", "5:4", "1:1", "4:5", "2:3", "9:16", "9:21"] as const
const presets =
  /^(3d-model|analog-film|anime|cinematic|comic-book|digital-art|enhance|fantasy-art|isometric|line-art|low-poly|modeling-compound|neon-punk|origami|photographic|pixel-art|tile-texture)$/
const formats = ["png", "jpeg", "webp"] as const

const core = z.object({
  prompt: z.string().min(1).max(10_000),
  // An empty one was refused by an older model; UNVERIFIED for these.
  negative_prompt: z.string().min(1).max(10_000).optional(),
  aspect_ratio: z.enum(ratios).optional(),
  seed: decimal(0, 4_294_967_294).pipe(z.int()).optional(),
  style_preset: z.string().regex(presets).optional(),
  output_format: z.enum(formats).default("png"),
})
const ultra = core.extend({ strength: decimal(0, 1).optional() })
const sd3 = ultra.extend({
  // UNVERIFIED: flash, which only others' lists have. The older names are sent on to the newer models.
  model: z
    .enum([
      ...(["sd3.5-large", "sd3.5-large-turbo", "sd3.5-medium", "sd3.5-flash"] as const),
      ...(["sd3-large", "sd3-large-turbo", "sd3-medium"] as const),
    ])
    .default("sd3.5-large"),
  mode: z.enum(["text-to-image", "image-to-image"]).default("text-to-image"),
  cfg_scale: decimal(1, 10).optional(),
  output_format: z.enum(["png", "jpeg"]).default("png"),
})

/** By the last part of the address. */
export const addresses: ReadonlyMap<string, Address> = new Map([
  ["core", { fields: core, takesImage: false }],
  ["ultra", { fields: ultra, takesImage: true }],
  ["sd3", { fields: sd3, takesImage: true }],
])

type Fields = z.infer<typeof core> & Partial<Pick<z.infer<typeof sd3>, "strength" | "model" | "mode" | "cfg_scale">>

/** What a form asks for, or everything that is wrong with it. */
export async function readWish(form: FormData, address: string): Promise<Wish | string[]> {
  const { fields, takesImage } = addresses.get(address)!
  const known = Object.keys(fields.shape)
  const given: Record<string, string> = {}
  const faults: string[] = []
  let file: Buffer | undefined
  for (const [name, value] of form) {
    if (typeof value !== "string" && takesImage && name === "image") file = Buffer.from(await value.arrayBuffer())
    else if (typeof value === "string" && known.includes(name)) given[name] = value
    // The vendor's own examples send an empty part, to make their libraries write a form.
    else if (typeof value === "string" ? value !== "" : value.size > 0) faults.push(`${name}: is not allowed`)
  }
  const parsed = fields.safeParse(given)
  if (!parsed.success) faults.push(...parsed.error.issues.map(describe))
  const image = file && (await readImage(file))
  if (typeof image === "string") faults.push(image)
  if (!parsed.success || faults.length > 0 || typeof image === "string") return faults
  const wrong = faultsTogether(parsed.data as Fields, address, image !== undefined)
  return wrong.length > 0 ? wrong : wishOf(parsed.data as Fields, address, image)
}

/** UNVERIFIED: the wording, but for what is known of an empty prompt. */
function describe(issue: z.core.$ZodIssue): string {
  const name = String(issue.path[0])
  if (issue.code === "invalid_type") return `${name}: is required`
  if (issue.code === "invalid_value") return `${name}: must be one of ${issue.values.join(", ")}`
  if (issue.code === "too_small" && issue.origin === "string") return `${name}: must not be empty`
  if (issue.code === "too_small") return `${name}: must be greater than or equal to ${issue.minimum}`
  if (issue.code === "too_big") return `${name}: must be less than or equal to ${issue.maximum}`
  return `${name}: is invalid`
}

async function readImage(bytes: Buffer): Promise<(Size & { bytes: Buffer }) | string> {
  const found = await inspect(bytes)
  if (!found) return "image: must be a jpeg, png or webp"
  const { width, height } = found
  return Math.min(width, height) < 64 || Math.max(width, height) > 16_384
    ? "image: every side must be at least 64 pixels"
    : { width, height, bytes }
}

function faultsTogether(fields: Fields, address: string, hasImage: boolean): string[] {
  const byMode = address === "sd3" ? fields.mode === "image-to-image" : hasImage
  return [
    ...(byMode && !hasImage ? ["image: is required"] : []),
    ...(hasImage && !byMode ? ["image: is not allowed when mode is text-to-image"] : []),
    ...(byMode && fields.strength === undefined ? ["strength: is required"] : []),
    ...(!byMode && fields.strength !== undefined ? ["strength: is not allowed without image"] : []),
    ...(byMode && address === "sd3" && fields.aspect_ratio
      ? ["aspect_ratio: is not allowed when mode is image-to-image"]
      : []),
  ]
}

function wishOf(fields: Fields, address: string, image: Wish["image"]): Wish {
  const { prompt, seed = 0, output_format, aspect_ratio = "1:1", strength } = fields
  return {
    model: fields.model ?? `stable-image-${address}`,
    ...{ prompt, seed, format: output_format, ratio: aspect_ratio },
    ...(image && { image }),
    ...(strength !== undefined && { strength }),
    keepsShape: address === "sd3",
  }
}

const megapixel = 1024 * 1024

/** UNVERIFIED: the very pixels; the description says 1 megapixel, and 1.5 for core. */
export function sizeOf({ model, ratio, image, keepsShape }: Wish): Size {
  const [across = 1, down = 1] = image && keepsShape ? [image.width, image.height] : ratio.split(":").map(Number)
  const most = model === "stable-image-core" ? 1.5 * megapixel : megapixel
  const pixels = image && keepsShape ? Math.min(most, image.width * image.height) : most
  const width = Math.sqrt((pixels * across) / down)
  return { width: snap(width), height: snap((width * down) / across) }
}

const snap = (length: number): number => Math.max(64, Math.round(length / 64) * 64)
