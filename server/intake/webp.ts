// A WebP, chunk by chunk.
import { cutOff, refuse, selectFrom } from "./contents.ts"
import type { Contents } from "./contents.ts"
import { orientationIn } from "./exif.ts"

const needed = new Set(["VP8X", "VP8 ", "VP8L", "ALPH", "ICCP", "ANIM", "ANMF"])

// Flags of VP8X: what else is in the file.
const saysExif = 0x08
const saysXmp = 0x04
const saysAnimated = 0x02

/** Throws `image_invalid` where the file is shorter than it says, or has no picture in it. */
export function readWebp(file: Buffer): Contents {
  if (file.length < 30) return cutOff()
  const declared = 8 + file.readUInt32LE(4)
  if (declared > file.length) return cutOff()
  const first = file.toString("latin1", 12, 16)
  const isExtended = first === "VP8X"
  const kept = selectFrom(file)
  kept.keep(0, 12)
  let [frames, orientation] = [0, 1]
  for (let at = 12; at + 8 <= declared;) {
    const name = file.toString("latin1", at, at + 4)
    const length = file.readUInt32LE(at + 4)
    const end = at + 8 + length + (length % 2)
    // Some writers leave the last byte out that makes a length even.
    if (at + 8 + length > declared) return cutOff()
    if (at === 12 || (isExtended && needed.has(name))) kept.keep(at, Math.min(end, declared))
    if (name === "ANMF" || name === "VP8 " || name === "VP8L") frames++
    if (name === "EXIF") orientation = orientationIn(withoutPrefix(file.subarray(at + 8, at + 8 + length)))
    at = end
  }
  if (frames === 0) return refuse("has no picture in it")
  const animated = isExtended && (file[20]! & saysAnimated) !== 0
  const size = isExtended
    ? { width: file.readUIntLE(24, 3) + 1, height: file.readUIntLE(27, 3) + 1 }
    : sizeOf(first, file)
  const facts = { mediaType: "image/webp" as const, ...size, frames, orientation, animated }
  return { ...facts, bytes: withNewHead(file, kept.all(), isExtended) }
}

function sizeOf(kind: string, file: Buffer) {
  if (kind === "VP8 ") return { width: file.readUInt16LE(26) & 0x3fff, height: file.readUInt16LE(28) & 0x3fff }
  const bits = file.readUInt32LE(21)
  return { width: (bits & 0x3fff) + 1, height: ((bits >> 14) & 0x3fff) + 1 }
}

/** Some writers put the prefix there that EXIF has in a JPEG. */
const withoutPrefix = (block: Buffer): Buffer =>
  block.toString("latin1", 0, 6) === "Exif\0\0" ? block.subarray(6) : block

/** A file from which something went says how long it is now, and that it has neither EXIF nor XMP. */
function withNewHead(file: Buffer, kept: Buffer, isExtended: boolean): Buffer {
  const promises = isExtended && (file[20]! & (saysExif | saysXmp)) !== 0
  if (kept === file && !promises) return file
  const changed = kept === file ? Buffer.from(file) : kept
  changed.writeUInt32LE(changed.length - 8, 4)
  if (isExtended) changed[20]! &= ~(saysExif | saysXmp)
  return changed
}
