// The fields of a request for FLUX, as Black Forest Labs names them and Microsoft takes them. Reference:
// https://api.bfl.ai/openapi.json of 2026-08-22
import { z } from "zod"
import { base64Of } from "../../bodies/write.ts"
import { pixelsOf } from "../pixels.ts"
import type { VendorFailure, VendorInput } from "../provider.ts"

export type FluxParameters = {
  prompt: string
  n: number
  aspect_ratio?: string
  size?: string
  width?: number
  height?: number
  raw?: boolean
  seed?: number
  safety_tolerance?: number
  output_format?: string
  prompt_upsampling?: boolean
  guidance?: number
  steps?: number
  image_prompt_strength?: number
}

const megapixel = 1024 * 1024

/** How a line of models says the size, and what it calls the pictures it starts from. */
type Line = { shape: (input: VendorInput<FluxParameters>) => object; picture: string }

const lines: [start: string, line: Line][] = [
  ["flux-2", { shape: (input) => freePixels(input), picture: "input_image" }],
  ["flux-kontext", { shape: (input) => followingRatio(input), picture: "input_image" }],
  ["flux-pro-1.1-ultra", { shape: ({ aspect_ratio = "16:9" }) => ({ aspect_ratio }), picture: "image_prompt" }],
  ["flux-", { shape: (input) => smallPixels(input), picture: "image_prompt" }],
]

/** All but what the models say each in their own way. `model` is its path at Black Forest Labs. */
export function fluxFields(model: string, input: VendorInput<FluxParameters>): Record<string, unknown> {
  const { prompt, seed, safety_tolerance, output_format, guidance, steps, images } = input
  const { shape, picture } = lines.find(([start]) => model.startsWith(start))![1]
  const pictures = images.map((image, index) => [index === 0 ? picture : `${picture}_${index + 1}`, base64Of(image)])
  const same = { prompt, seed, safety_tolerance, output_format, guidance, steps }
  return { ...same, ...shape(input), ...Object.fromEntries(pictures) }
}

function givenPixels({ size, width, height }: FluxParameters) {
  if (width !== undefined && height !== undefined) return { width, height }
  const [across, down] = size?.includes("x") ? size.split("x").map(Number) : []
  return across === undefined ? undefined : { width: across, height: down }
}

/** The second generation takes pixels only; without any it follows the first reference picture. */
function freePixels(input: VendorInput<FluxParameters>) {
  const { images, size, aspect_ratio } = input
  const given = givenPixels(input)
  if (given) return given
  if (images.length > 0 && aspect_ratio === undefined) return {}
  return pixelsOf(aspect_ratio ?? "16:9", size === "2K" ? 4 * megapixel : megapixel, 16)
}

/** So do the oldest models, within narrower bounds. */
const smallPixels = (input: VendorInput<FluxParameters>) =>
  givenPixels(input) ?? pixelsOf(input.aspect_ratio ?? "16:9", megapixel, 32, 1440)

function followingRatio({ images, aspect_ratio }: VendorInput<FluxParameters>) {
  if (aspect_ratio !== undefined) return { aspect_ratio }
  return images.length > 0 ? {} : { aspect_ratio: "16:9" }
}

const Rejected = z.object({ detail: z.array(z.object({ loc: z.array(z.union([z.string(), z.int()])) })).min(1) })

// The vendor's own names mean nothing to the caller.
const ourNames: [RegExp, string][] = [
  [/^(input_image|image_prompt$).*/, "image"],
  [/^disable_pup$/, "prompt_upsampling"],
]

/** Which fields were refused, where the body says so in the manner of FastAPI. */
export function readProblems(body: unknown): VendorFailure | undefined {
  const rejected = Rejected.safeParse(body)
  if (!rejected.success) return undefined
  const problems = rejected.data.detail.map(({ loc }) => {
    const theirs = String(loc.at(-1) ?? "")
    const name = ourNames.find(([pattern]) => pattern.test(theirs))?.[1] ?? theirs
    const param = name.replaceAll(/[^\w.]/g, "").slice(0, 64)
    return { param, message: `The vendor did not accept ${param}.` }
  })
  return { code: "invalid_request", detail: problems.map(({ message }) => message).join(" "), problems }
}
