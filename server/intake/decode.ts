// Decodes pictures that nobody has vouched for. Only ever imported by the program of the child process.
import sharp from "sharp"
import type { Sharp } from "sharp"
import { pixelsMax } from "../images/limits.ts"
import type { MediaType } from "../images/probe.ts"
import { refuse } from "./contents.ts"
import type { Contents } from "./contents.ts"

sharp.block({ operation: ["VipsForeignLoad"] })
sharp.unblock({ operation: ["VipsForeignLoadJpegBuffer", "VipsForeignLoadPngBuffer", "VipsForeignLoadWebpBuffer"] })
sharp.concurrency(1)
sharp.cache(false)

const open = (bytes: Buffer): Sharp =>
  sharp(bytes, { limitInputPixels: pixelsMax, failOn: "truncated", pages: 1, sequentialRead: true })

const formats: Record<MediaType, "png" | "jpeg" | "webp"> = {
  "image/png": "png",
  "image/jpeg": "jpeg",
  "image/webp": "webp",
}

/** Reads every pixel and keeps none of them. Throws `image_invalid` where they are not all there. */
export async function decodeAll(contents: Contents): Promise<void> {
  await checkKind(contents)
  // Shrinking to one pixel has to look at all of them. `stats` does not, for a PNG that is interlaced.
  await open(contents.bytes).resize(1, 1, { fit: "fill" }).raw().toBuffer().catch(undecodable)
}

async function checkKind({ bytes, mediaType, width, height }: Contents): Promise<void> {
  const found = await open(bytes).metadata().catch(undecodable)
  const isAsTold = found.format === formats[mediaType] && found.width === width && found.height === height
  if (!isAsTold) refuse("is another picture than its header says")
}

const undecodable = (error: unknown): never => refuse("cannot be decoded", error)

/** The first frame, turned upright, in the same format and colours. Throws `image_invalid` as `decodeAll` does. */
export async function redraw(contents: Contents): Promise<Buffer> {
  await checkKind(contents)
  const { format, depth } = await open(contents.bytes).metadata()
  const upright = turn(open(contents.bytes), contents.orientation).keepIccProfile()
  const drawn = depth === "ushort" ? upright.toColourspace("rgb16") : upright
  const lossless = isLossless(contents.bytes)
  return inFormat(drawn, format, lossless).toBuffer().catch(undecodable)
}

function inFormat(picture: Sharp, format: string, lossless: boolean): Sharp {
  if (format === "jpeg") return picture.jpeg({ quality: 95, chromaSubsampling: "4:4:4" })
  if (format === "png") return picture.png({ compressionLevel: 6 })
  return lossless ? picture.webp({ lossless: true, exact: true, effort: 2 }) : picture.webp({ quality: 95, effort: 2 })
}

const isLossless = (webp: Buffer): boolean => webp.toString("latin1", 12, 16) === "VP8L" || webp.includes("VP8L")

/** By EXIF's numbers: half of the ways are a turn after which the picture is mirrored. */
function turn(picture: Sharp, orientation: number): Sharp {
  const [degrees, mirrored] = ways[orientation] ?? [0, false]
  const turned = degrees === 0 ? picture : picture.rotate(degrees)
  return mirrored ? turned.flop() : turned
}

const ways: Record<number, [number, boolean]> = {
  2: [0, true],
  3: [180, false],
  4: [180, true],
  5: [90, true],
  6: [90, false],
  7: [270, true],
  8: [270, false],
}
