// Pictures sent along to Ideogram, checked, and the sizes of those that it makes.
import sharp from "sharp"
import { resolutions } from "./ideogram-fields.ts"
import type { Fields, Upload } from "./ideogram-fields.ts"
import { inspect, shrink } from "./picture.ts"
import type { Size } from "./picture.ts"

const uploadMaxBytes = 25 * 1024 * 1024

export type Images = {
  /** What is started from. */
  source?: Size
  /** Small copies of all that was sent along, what is started from first. */
  inputs: Buffer[]
  /** Transparent where the picture is to be painted anew. */
  mask?: Buffer
}

/** The pictures, or what is wrong with them. */
export async function readImages(uploads: Upload[], operation: string): Promise<Images | string> {
  const sizes = new Map<string, Size>()
  for (const { name, bytes } of uploads) {
    if (bytes.length > uploadMaxBytes) return `'${name}' is larger than 25MB.`
    const found = await inspect(bytes)
    if (!found) return `'${name}' must be a JPEG, PNG or WebP image.`
    sizes.set(name, found)
  }
  const [source, mask] = [sizes.get("image"), sizes.get("mask")]
  if (mask && source && !isSameSize(mask, source)) return "mask must have the same size as image."
  // UNVERIFIED: the description speaks of square pictures only, and does not say that others are refused.
  if (operation === "reframe" && source && source.width !== source.height) return "image must be square."
  const pictures = uploads.filter(({ name }) => !name.endsWith("mask")).sort((a, b) => rankOf(a) - rankOf(b))
  const inputs = await Promise.all(pictures.map(({ bytes }) => shrink(bytes)))
  const ground = uploads.find(({ name }) => name === "mask")
  return { inputs, ...(source && { source }), ...(ground && { mask: await asTransparency(ground.bytes) }) }
}

const isSameSize = (a: Size, b: Size): boolean => a.width === b.width && a.height === b.height

const rankOf = ({ name }: Upload): number => (name === "image" ? 0 : 1)

/** Black becomes transparent. */
async function asTransparency(mask: Buffer): Promise<Buffer> {
  const grey = sharp(mask).flatten({ background: "white" }).greyscale().toColourspace("b-w")
  const small = grey.resize(768, 768, { fit: "inside", withoutEnlargement: true }).raw()
  const { data, info } = await small.toBuffer({ resolveWithObject: true })
  const { width, height } = info
  return sharp({ create: { width, height, channels: 3, background: "white" } })
    .joinChannel(data, { raw: { width, height, channels: 1 } })
    .png()
    .toBuffer()
}

/** UNVERIFIED: inferred from the vendor's list of resolutions, which names no ratios. */
const sizeOfRatio: Record<string, string> = {
  "1x1": "1024x1024",
  "16x9": "1312x736",
  "9x16": "736x1312",
  "4x3": "1152x864",
  "3x4": "864x1152",
  "3x2": "1248x832",
  "2x3": "832x1248",
  "16x10": "1280x800",
  "10x16": "800x1280",
  "5x4": "1120x896",
  "4x5": "896x1120",
  "2x1": "1408x704",
  "1x2": "704x1408",
  "3x1": "1536x512",
  "1x3": "512x1536",
}

/** UNVERIFIED for edits: the answer names one of the resolutions, so the nearest to the picture's shape is taken. */
export function sizeOf({ resolution, aspect_ratio }: Fields, operation: string, source: Size | undefined): Size {
  if (resolution) return readSize(resolution)
  if (source && operation !== "remix") return nearestTo(source)
  return readSize(sizeOfRatio[aspect_ratio ?? "1x1"]!)
}

function readSize(text: string): Size {
  const [width = 0, height = 0] = text.split("x").map(Number)
  return { width, height }
}

function nearestTo({ width, height }: Size): Size {
  const farOff = (size: Size) => Math.abs(Math.log((size.width * height) / (size.height * width)))
  // Of equals the largest, which for a square is the one that everybody knows.
  const sizes = resolutions.map(readSize).sort((a, b) => b.width * b.height - a.width * a.height)
  return sizes.reduce((best, size) => (farOff(size) < farOff(best) ? size : best))
}
