// Pictures sent along to Qianfan: addresses, or data URLs in JSON; and the mask that marks by its whiteness.
import sharp from "sharp"
import { inspect, shrink } from "./picture.ts"
import type { Size } from "./picture.ts"
import { invalid, isRefusal, unreadableImage } from "./qianfan-errors.ts"
import type { Refusal } from "./qianfan-errors.ts"
import { isMasking } from "./qianfan-models.ts"
import type { Fields, Model } from "./qianfan-models.ts"

export type Images = {
  /** Small copies. */
  inputs: Buffer[]
  /** The first of them as it came. */
  first?: Size
  /** Transparent where the first is to be painted anew. */
  mask?: Buffer
  /** Addresses, which nobody fetches: they only vary what is painted. */
  texts: string[]
}

const imageMaxBytes = 10 * 1024 * 1024

export async function readImages(fields: Fields, { edits, imagesMax }: Model): Promise<Images | Refusal> {
  const given = edits ? [fields.image ?? []].flat() : imagesMax > 0 ? [fields.refer_image ?? []].flat() : []
  if (edits && given.length === 0) return invalid("image can not be empty")
  if (given.length > imagesMax || (Array.isArray(fields.image) && imagesMax === 1))
    return invalid(`image must be ${imagesMax === 1 ? "one picture" : `at most ${imagesMax} pictures`}`)
  const images: Images = { inputs: [], texts: [] }
  for (const text of given) {
    const input = await readInput(text)
    if (isRefusal(input)) return input
    if ("address" in input) images.texts.push(input.address)
    else {
      images.first ??= input
      images.inputs.push(await shrink(input.bytes))
    }
  }
  return isMasking(fields) && fields.mask ? withMask(images, fields.mask) : images
}

type Input = (Size & { bytes: Buffer }) | { address: string }

/** The vendor also reads BMP and ICO, which nobody draws here. */
async function readInput(text: string): Promise<Input | Refusal> {
  if (/^https?:\/\//i.test(text))
    return Buffer.byteLength(text) > 1024 ? unreadableImage("the image url is too long") : { address: text }
  const base64 = /^data:image\/[a-z]+;base64,(.+)$/s.exec(text)?.[1]
  const bytes = Buffer.from(base64 ?? "", "base64")
  const found = bytes.length > 0 && bytes.length < imageMaxBytes ? await inspect(bytes) : undefined
  if (!found) return unreadableImage("the image can not be downloaded or decoded")
  const { width, height } = found
  return Math.min(width, height) < 128 || Math.max(width, height) > 4 * Math.min(width, height)
    ? unreadableImage("the image width and height are not within the allowed range")
    : { bytes, width, height }
}

async function withMask(images: Images, text: string): Promise<Images | Refusal> {
  const input = await readInput(text)
  if (isRefusal(input)) return input
  if ("address" in input) return { ...images, texts: [...images.texts, input.address] }
  const { first } = images
  if (first && (first.width !== input.width || first.height !== input.height))
    return invalid("the size of mask must be the same as that of image")
  return { ...images, mask: await asTransparency(input.bytes) }
}

/** White becomes transparent. */
async function asTransparency(mask: Buffer): Promise<Buffer> {
  const kept = sharp(mask).flatten({ background: "black" }).greyscale().negate().toColourspace("b-w")
  const small = kept.resize(768, 768, { fit: "inside", withoutEnlargement: true }).raw()
  const { data, info } = await small.toBuffer({ resolveWithObject: true })
  const { width, height } = info
  return sharp({ create: { width, height, channels: 3, background: "white" } })
    .joinChannel(data, { raw: { width, height, channels: 1 } })
    .png()
    .toBuffer()
}
