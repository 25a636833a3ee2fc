// Decodes pictures that nobody has vouched for. Only ever imported by the program of the child process.
import sharp from "sharp"
import type { Metadata, Sharp } from "sharp"
import { pixelsMax } from "../images/limits.ts"
import type { MediaType } from "../images/probe.ts"
import { refuse } from "./contents.ts"
import type { Contents } from "./contents.ts"

sharp.block({ operation: ["VipsForeignLoad"] })
sharp.unblock({ operation: ["VipsForeignLoadJpegBuffer", "VipsForeignLoadPngBuffer", "VipsForeignLoadWebpBuffer"] })
sharp.concurrency(1)
sharp.cache(false)

type Care = "warning" | "truncated"

const open = (bytes: Buffer, failOn: Care = "truncated"): Sharp =>
  sharp(bytes, { limitInputPixels: pixelsMax, failOn, pages: 1, sequentialRead: true })

// A JPEG that has an end although pixels are missing only gets a warning for that. Other warnings mean nothing: odd
// tables, a few bytes too many, a profile that is known to be wrong.
const tellsOfMissing = /premature end|bad Huffman code/

async function decode<T>(bytes: Buffer, work: (picture: Sharp) => Promise<T>): Promise<T> {
  try {
    return await work(open(bytes, "warning"))
  } catch (error) {
    if (tellsOfMissing.test(String(error))) return undecodable(error)
    return work(open(bytes)).catch(undecodable)
  }
}

const formats: Record<MediaType, "png" | "jpeg" | "webp"> = {
  "image/png": "png",
  "image/jpeg": "jpeg",
  "image/webp": "webp",
}

/** Reads every pixel and keeps none of them. Throws `image_invalid` where they are not all there. */
export async function decodeAll(contents: Contents): Promise<void> {
  await checkKind(contents)
  // Each line becomes one pixel. Of a picture that becomes one pixel altogether libvips passes over the end, and its
  // `stats` over all of a PNG that is interlaced.
  const { height } = contents
  await decode(contents.bytes, (picture) => picture.resize(1, height, { fit: "fill" }).raw().toBuffer())
}

async function checkKind({ bytes, mediaType, width, height }: Contents): Promise<Metadata> {
  const found = await open(bytes).metadata().catch(undecodable)
  const isAsTold = found.format === formats[mediaType] && found.width === width && found.height === height
  return isAsTold ? found : refuse("is another picture than its header says")
}

const undecodable = (error: unknown): never => refuse("cannot be decoded", error)

/** The first frame, turned upright, in the same format and colours. Throws `image_invalid` as `decodeAll` does. */
export async function redraw(contents: Contents): Promise<Buffer> {
  const { depth, space } = await checkKind(contents)
  return decode(contents.bytes, (picture) => {
    const turned = turn(picture, contents.orientation).keepIccProfile()
    const upright = depth === "ushort" ? turned.toColourspace(space) : turned
    return inFormat(upright, contents).toBuffer()
  })
}

// Better codes for a JPEG cost six bytes of memory a pixel.
const optimisedMaxPixels = 12_000_000

function inFormat(picture: Sharp, { mediaType, width, height, bytes }: Contents): Sharp {
  if (mediaType === "image/png") return picture.png({ compressionLevel: 6 })
  if (mediaType === "image/jpeg") {
    const optimiseCoding = width * height <= optimisedMaxPixels
    return picture.jpeg({ quality: 95, chromaSubsampling: "4:4:4", optimiseCoding })
  }
  return bytes.includes("VP8L")
    ? picture.webp({ lossless: true, exact: true, effort: 2 })
    : picture.webp({ quality: 95, effort: 2, smartSubsample: true })
}

/** By EXIF's numbers. Half of the ways mirror the picture; sharp does that before it turns. */
function turn(picture: Sharp, orientation: number): Sharp {
  const [degrees, mirrored] = ways[orientation]!
  const turned = degrees === 0 ? picture : picture.rotate(degrees)
  return mirrored ? turned.flop() : turned
}

const ways: Record<number, [number, boolean]> = {
  1: [0, false],
  2: [0, true],
  3: [180, false],
  4: [180, true],
  5: [270, true],
  6: [90, false],
  7: [90, true],
  8: [270, false],
}
