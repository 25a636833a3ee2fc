// Pictures sent along to Ark: addresses, or data URLs in JSON.
import { invalid } from "./ark-errors.ts"
import type { Refusal } from "./ark-errors.ts"
import { inspect } from "./picture.ts"
import type { Size } from "./picture.ts"

export type Images = {
  inputs: (Size & { bytes: Buffer })[]
  /** Addresses, which nobody fetches: they only vary what is painted. */
  texts: string[]
}

const imagesMax = 14
const imageMaxBytes = 30 * 1024 * 1024
const imageMaxPixels = 36_000_000

export async function readImages(given: string | string[] | null | undefined): Promise<Images | Refusal> {
  const images: Images = { inputs: [], texts: [] }
  const all = given === undefined || given === null ? [] : [given].flat()
  if (all.length > imagesMax) return invalid("image", `the number of images must be at most ${imagesMax}`)
  for (const value of all) {
    if (/^https?:\/\//i.test(value)) {
      images.texts.push(value)
      continue
    }
    const input = await readInput(value)
    if ("code" in input) return input
    images.inputs.push(input)
  }
  return images
}

/** The vendor also reads bmp, tiff, gif, heic and heif, which nobody draws here. */
async function readInput(value: string): Promise<Images["inputs"][number] | Refusal> {
  const base64 = /^data:image\/[a-z]+;base64,(.*)$/s.exec(value)?.[1]
  if (base64 === undefined) return invalid("image", "expected a URL or a base64 data URL")
  const bytes = Buffer.from(base64, "base64")
  if (bytes.length > imageMaxBytes) return invalid("image", "image file size must be at most 30MB")
  const found = await inspect(bytes)
  if (!found) return invalid("image", "the image could not be decoded")
  const { width, height } = found
  const isLegal = width > 14 && height > 14 && width <= 16 * height && height <= 16 * width
  if (!isLegal || width * height > imageMaxPixels) return invalid("image", "the size of the image is out of range")
  return { bytes, width, height }
}
