// A PNG, chunk by chunk.
import { crc32 } from "node:zlib"
import { cutOff, refuse, selectFrom } from "./contents.ts"
import type { Contents } from "./contents.ts"
import { orientationIn } from "./exif.ts"

// Pixels, and what is needed to show them in their colours. Texts, dates, EXIF, manifests and further frames are not
// among them, nor is anything that nobody knows.
const needed = new Set(
  "IHDR PLTE IDAT IEND tRNS gAMA cHRM sRGB iCCP cICP mDCV cLLI mDCv cLLi sBIT bKGD hIST pHYs sPLT".split(" "),
)

const isCritical = (name: string): boolean => name.charCodeAt(0) >= 0x41 && name.charCodeAt(0) <= 0x5a

/** Throws `image_invalid` where chunks are missing, cut off, or such as no reader knows. */
export function readPng(file: Buffer): Contents {
  const kept = selectFrom(file)
  kept.keep(0, 8)
  let [frames, orientation, hasPixels] = [1, 1, false]
  for (let at = 8; ;) {
    if (at + 12 > file.length) return cutOff()
    const length = file.readUInt32BE(at)
    const name = file.toString("latin1", at + 4, at + 8)
    const end = at + 12 + length
    if (end > file.length) return cutOff()
    if ((at === 8) !== (name === "IHDR") || (at === 8 && length !== 13)) return refuse("has no header of its own")
    // Decoders pass over a wrong checksum, and show whatever that gives.
    if (needed.has(name) && crc32(file.subarray(at + 4, end - 4)) !== file.readUInt32BE(end - 4))
      return refuse("is damaged")
    if (needed.has(name)) kept.keep(at, end)
    else if (isCritical(name)) return refuse("has parts that no reader of PNG knows")
    if (name === "acTL" && length >= 4) frames = file.readUInt32BE(at + 8)
    if (name === "eXIf") orientation = orientationIn(file.subarray(at + 8, end - 4))
    if (name === "IDAT") hasPixels = true
    at = end
    if (name === "IEND") break
  }
  if (!hasPixels) return refuse("has no pixels")
  const [width, height] = [file.readUInt32BE(16), file.readUInt32BE(20)]
  return { mediaType: "image/png", width, height, frames, bytes: kept.all(), orientation, animated: false }
}
