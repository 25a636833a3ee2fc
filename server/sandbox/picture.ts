// One picture as a vendor would draw it: painted from the prompt, or from the prompt and the pictures sent along.
import { createHash } from "node:crypto"
import sharp from "sharp"
import { paint } from "./painter.ts"

export type Format = "png" | "jpeg" | "webp"

export type Picture = {
  prompt: string
  seed: number
  model: string
  width: number
  height: number
  format: Format
  quality?: number
  transparent?: boolean
  /** 0 to 1, where an unfinished picture is wanted. */
  completeness?: number
}

export type References = {
  inputs: Buffer[]
  /** Transparent where the first input is to be painted anew. */
  mask?: Buffer
}

type Layer = { input: Buffer; raw: { width: number; height: number; channels: 4 }; left: number; top: number }

const inputMaxPixels = 50_000_000
const open = (bytes: Buffer) => sharp(bytes, { limitInputPixels: inputMaxPixels, pages: 1 }).autoOrient()

/** Pictures sent along hang as prints in the painting; under a mask the first of them is the ground that is painted on. */
export async function draw(picture: Picture, references?: References): Promise<Buffer> {
  const { inputs = [], mask } = references ?? {}
  const [first, ...others] = inputs
  if (!first) return paint(picture)
  const { transparent, format, quality } = picture
  const painting = await paint({ ...picture, format: transparent ? "png" : "jpeg", quality: 90 })
  const [ground, layers] = mask
    ? [resize(first, picture), [await cutOut(painting, mask, picture), ...(await prints(others, picture))]]
    : [sharp(painting), await prints(inputs, picture)]
  return (transparent ? ground : ground.flatten({ background: "white" }))
    .composite(layers)
    .toFormat(format, quality === undefined ? {} : { quality })
    .toBuffer()
}

const resize = (bytes: Buffer, { width, height }: Size) => open(bytes).resize(width, height, { fit: "cover" })

/** The painting, only where the mask is transparent. */
async function cutOut(painting: Buffer, mask: Buffer, { width, height }: Size): Promise<Layer> {
  const raw = { width, height, channels: 4 as const }
  const kept = await resize(mask, raw).ensureAlpha().raw().toBuffer()
  const cut = sharp(painting).composite([{ input: kept, raw, blend: "dest-out" }])
  return { input: await cut.raw().toBuffer(), raw, left: 0, top: 0 }
}

/** Side by side with white borders, along the upper edge. */
function prints(inputs: Buffer[], { width, height }: Size): Promise<Layer[]> {
  const space = Math.floor(Math.min(width, height) * 0.45)
  const step = Math.floor(Math.min(space, width / inputs.length))
  const border = Math.max(1, Math.floor(step / 24))
  const side = Math.max(1, step - 4 * border)
  return Promise.all(
    inputs.map(async (bytes, index) => {
      const print = open(bytes)
        .resize(side, side)
        .ensureAlpha()
        .extend({ top: border, bottom: border, left: border, right: border, background: "white" })
      const size = side + 2 * border
      const raw = { width: size, height: size, channels: 4 as const }
      return { input: await print.raw().toBuffer(), raw, left: index * step + border, top: border }
    }),
  )
}

export type Size = { width: number; height: number }

/** What a file is, if it is one of the formats that vendors take. */
export async function inspect(bytes: Buffer): Promise<(Size & { format: Format; hasAlpha: boolean }) | undefined> {
  // An empty file is refused before there is a promise.
  const read = async () => open(bytes).metadata()
  const found = await read().catch(() => undefined)
  const format = (["png", "jpeg", "webp"] as const).find((known) => known === found?.format)
  if (!found || !format) return undefined
  const { width, height } = found.autoOrient
  return { width, height, format, hasAlpha: found.hasAlpha }
}

/** A copy small enough to be kept with a task. */
export const shrink = (bytes: Buffer): Promise<Buffer> =>
  open(bytes).resize(768, 768, { fit: "inside", withoutEnlargement: true }).webp({ quality: 80 }).toBuffer()

/** The same text gives the same seed, everywhere and always. */
export const seedOf = (...parts: (string | Buffer)[]): number => {
  const hash = createHash("sha256")
  for (const part of parts) hash.update(part)
  return hash.digest().readUInt32BE(0) >>> 1
}
