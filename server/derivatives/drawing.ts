// Draws a picture anew: smaller, cut, in another format. Only ever imported by the program of a child process.
import sharp from "sharp"
import type { Sharp } from "sharp"
import type { Done } from "../children/program.ts"
import { fail } from "../errors.ts"
import { pixelsMax } from "../images/limits.ts"
import { putXmpIntoPng } from "./xmp.ts"
import type { Wanted } from "./wanted.ts"

/** `xmp` goes into the file, where there is any; nothing of the original's own notes does. */
export type DrawingOrder = { kind: "draw"; wanted: Wanted; xmp: string | undefined }

export type Drawn = { width: number; height: number }

sharp.block({ operation: ["VipsForeignLoad"] })
sharp.unblock({ operation: ["VipsForeignLoadJpegBuffer", "VipsForeignLoadPngBuffer", "VipsForeignLoadWebpBuffer"] })
sharp.concurrency(1)
sharp.cache(false)

/** In sRGB, upright, and never larger than the original. */
export async function drawDerivative({ wanted, xmp }: DrawingOrder, [original]: Buffer[]): Promise<Done> {
  const { data, info } = await draw(original!, wanted, xmp).catch((error: unknown) =>
    fail("image_invalid", "cannot be decoded", error),
  )
  const picture = xmp !== undefined && wanted.format === "png" ? putXmpIntoPng(data, xmp) : data
  return { told: { width: info.width, height: info.height } satisfies Drawn, picture }
}

async function draw(original: Buffer, wanted: Wanted, xmp: string | undefined) {
  const source = sharp(original, { limitInputPixels: pixelsMax, failOn: "truncated", pages: 1 }).autoOrient()
  const shaped = shape(source, wanted)
  const ground = wanted.format === "jpeg" ? shaped.flatten({ background: "white" }) : shaped
  const encoded = encode(ground.toColourspace("srgb"), wanted)
  const marked = xmp === undefined || wanted.format === "png" ? encoded : encoded.withXmp(xmp)
  return marked.toBuffer({ resolveWithObject: true })
}

function shape(picture: Sharp, { width, height, fit, format }: Wanted): Sharp {
  if (width === undefined && height === undefined) return picture
  const background = format === "jpeg" ? "white" : { r: 0, g: 0, b: 0, alpha: 0 }
  const size = { ...(width === undefined ? {} : { width }), ...(height === undefined ? {} : { height }) }
  return picture.resize({ ...size, fit, background, withoutEnlargement: true })
}

function encode(picture: Sharp, { format, quality }: Wanted): Sharp {
  const options = quality === undefined ? {} : { quality }
  if (format === "avif") return picture.avif({ ...options, effort: 1 })
  if (format === "webp") return picture.webp(options)
  return format === "jpeg" ? picture.jpeg(options) : picture.png({ compressionLevel: 6 })
}
