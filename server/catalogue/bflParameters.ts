// What FLUX models take, and what their parameters must be together.
import { z } from "zod"
import type { Given, Rule } from "./model.ts"
import { count, images, mapped, oneOf, prompt, seed } from "./parameters.ts"

const ratio = (otherwise: string) =>
  z
    .string()
    .regex(/^([1-9]|1\d|2[01]):([1-9]|1\d|2[01])$/)
    .optional()
    .meta({ title: "Aspect ratio", description: `From 21:9 to 9:21. ${otherwise}` })

const followingRatio = ratio("Without it or a size: 16:9, or that of the first reference picture.")
const fixedRatio = ratio("Without it or a size: 16:9.")

const side = (title: string, { min, max, step }: { min: number; max: number; step: number }, together: string) =>
  z
    .int()
    .min(min)
    .max(max)
    .multipleOf(step)
    .optional()
    .meta({ title, description: `Pixels, a multiple of ${step}, from ${min}. ${together}` })

const tolerance = (max: number) =>
  z
    .int()
    .min(0)
    .max(max)
    .default(2)
    .meta({ title: "Safety tolerance", description: "0 filters most; with a reference picture at most 2." })

const fileFormat = (fallback: "jpeg" | "png") =>
  oneOf(["jpeg", "png", "webp"], "File format", "The kind of file the picture comes as.").default(fallback)

const upsampling = (fallback: boolean) =>
  z.boolean().default(fallback).meta({ title: "Prompt upsampling", description: "Lets the vendor enrich the prompt." })

const guidance = (max: number) =>
  z
    .number()
    .min(1.5)
    .max(max)
    .optional()
    .meta({ title: "Guidance", description: "How closely the prompt is followed." })

const steps = z.int().min(1).max(50).optional().meta({ title: "Steps", description: "More is finer and slower." })

/** Flags that clients send to every FLUX model, where the model has no such thing. */
const never = (title: string, description: string) => z.literal(false).optional().meta({ title, description })

const common = {
  prompt: prompt(32_000),
  n: count(10),
  seed: seed(0, 4_294_967_295),
  raw: never("Raw", "This model has no raw mode."),
}

const flux2Sides = { min: 64, max: 4096, step: 16 }
const flux2Together = "Together with the other side at most 4,194,304."

/** These models take nothing but pixels. */
const inPixels = "to the nearest legal pixels"

export const flux2 = z.object({
  ...common,
  aspect_ratio: mapped(followingRatio, inPixels),
  image: images(8),
  size: z
    .string()
    .regex(/^(auto|[12]K|[1-9]\d{1,3}x[1-9]\d{1,3})$/)
    .optional()
    .meta({
      title: "Size",
      description: "1K (about 1 megapixel), 2K (about 4), or pixels: multiples of 16, at least 64.",
    }),
  width: side("Width", flux2Sides, flux2Together),
  height: side("Height", flux2Sides, flux2Together),
  prompt_upsampling: mapped(upsampling(true), "FLUX.2 pro and max are told the opposite, to leave it"),
  safety_tolerance: tolerance(5),
  output_format: fileFormat("jpeg"),
})

export const flux2Flex = flux2.extend({ guidance: guidance(10), steps })

export const flux2Klein = flux2.extend({
  image: images(4),
  prompt_upsampling: never("Prompt upsampling", "This model takes the prompt as it is."),
})

export const kontext = z.object({
  ...common,
  aspect_ratio: followingRatio,
  image: images(4),
  size: oneOf(["auto", "1K"], "Size", "This model always makes about 1 megapixel.").optional(),
  prompt_upsampling: upsampling(false),
  safety_tolerance: tolerance(6),
  output_format: fileFormat("png"),
})

const remixed = images(1).meta({
  title: "Reference picture",
  description: "A picture to remix with the prompt: a URL, a data URL, base64, or the id of a stored picture.",
})

const smallSides = { min: 256, max: 1440, step: 32 }
const smallTogether = "At most 1440, and together with the other side."

export const pro11 = z.object({
  ...common,
  aspect_ratio: mapped(fixedRatio, inPixels),
  image: remixed,
  size: z
    .string()
    .regex(/^(auto|1K|[1-9]\d{2,3}x[1-9]\d{2,3})$/)
    .optional()
    .meta({
      title: "Size",
      description: "1K (about 1 megapixel), or pixels: multiples of 32 from 256 to 1440.",
    }),
  width: side("Width", smallSides, smallTogether),
  height: side("Height", smallSides, smallTogether),
  prompt_upsampling: upsampling(false),
  safety_tolerance: tolerance(6),
  output_format: fileFormat("jpeg"),
})

export const dev = pro11.extend({ guidance: guidance(5), steps })

export const ultra = z.object({
  ...common,
  aspect_ratio: fixedRatio,
  image: remixed,
  image_prompt_strength: z.number().min(0).max(1).optional().meta({
    title: "Picture strength",
    description: "From 0, the prompt alone, to 1, the reference picture alone; 0.1 without it.",
  }),
  size: oneOf(["auto", "2K"], "Size", "This model always makes about 4 megapixels.").optional(),
  raw: z.boolean().default(false).meta({ title: "Raw", description: "Less processed, more natural pictures." }),
  prompt_upsampling: upsampling(false),
  safety_tolerance: tolerance(6),
  output_format: fileFormat("jpeg"),
})

/** Both documents say so for FLUX; the vendor itself is not known to enforce it. */
export const strictWithImages: Rule = ({ input, images: given }) =>
  given > 0 && Number(input["safety_tolerance"]) > 2
    ? { param: "safety_tolerance", message: "safety_tolerance must be at most 2 together with image" }
    : undefined

export const legalRatio: Rule = ({ input }) => {
  const [across, down] = String(input["aspect_ratio"] ?? "1:1")
    .split(":")
    .map(Number)
  const quotient = across! / down!
  return quotient > 21 / 9 || quotient < 9 / 21
    ? { param: "aspect_ratio", message: "aspect_ratio must be from 21:9 to 9:21" }
    : undefined
}

/** The pixels that were asked for, said either way; a side that was not said is undefined. */
export function sidesOf({ input }: Pick<Given, "input">): { param: string; width?: number; height?: number } {
  const size = String(input["size"] ?? "")
  if (size.includes("x")) {
    const [width, height] = size.split("x").map(Number)
    return { param: "size", width: width!, height: height! }
  }
  const { width, height } = input as { width?: number; height?: number }
  return { param: "width", ...(width === undefined ? {} : { width }), ...(height === undefined ? {} : { height }) }
}

export const oneWayToSize: Rule = ({ input }) => {
  const pixels = /x/.test(String(input["size"] ?? ""))
  const sides = input["width"] !== undefined || input["height"] !== undefined
  if (sides && (input["width"] === undefined || input["height"] === undefined))
    return { param: input["width"] === undefined ? "width" : "height", message: "width and height go together" }
  if (sides && (input["aspect_ratio"] !== undefined || input["size"] !== undefined))
    return { param: "width", message: "width and height cannot be given together with aspect_ratio or size" }
  if (pixels && input["aspect_ratio"] !== undefined)
    return { param: "aspect_ratio", message: "aspect_ratio cannot be given together with a size in pixels" }
  return undefined
}

/** With a reference picture its shape is the vendor's to follow, and 1K of an unknown shape cannot be asked for. */
const sizeNeedsShape: Rule = ({ input, images: given }) =>
  given > 0 && /^[12]K$/.test(String(input["size"])) && input["aspect_ratio"] === undefined
    ? { param: "size", message: "size 1K or 2K together with image needs aspect_ratio" }
    : undefined

const flux2Pixels: Rule = (given) => {
  const { param, width = 1024, height = 1024 } = sidesOf(given)
  const legal = [width, height].every((pixels) => pixels >= 64 && pixels % 16 === 0) && width * height <= 4_194_304
  return legal
    ? undefined
    : { param, message: "sides must be multiples of 16 from 64, at most 4,194,304 pixels in all" }
}

const smallPixels: Rule = (given) => {
  const { param, width = 1024, height = 1024 } = sidesOf(given)
  const legal = [width, height].every((pixels) => pixels >= 256 && pixels <= 1440 && pixels % 32 === 0)
  return legal ? undefined : { param, message: "sides must be multiples of 32 from 256 to 1440" }
}

const strengthNeedsImage: Rule = ({ input, images: given }) =>
  input["image_prompt_strength"] !== undefined && given === 0
    ? { param: "image_prompt_strength", message: "image_prompt_strength needs image" }
    : undefined

export const flux2Rules = [strictWithImages, legalRatio, oneWayToSize, sizeNeedsShape, flux2Pixels]
export const kontextRules = [strictWithImages, legalRatio]
export const pro11Rules = [strictWithImages, legalRatio, oneWayToSize, smallPixels]
export const ultraRules = [strictWithImages, legalRatio, strengthNeedsImage]
