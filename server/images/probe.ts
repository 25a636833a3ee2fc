// Tells from a file's own bytes what kind of picture it is and how large; names and headers decide nothing.

export type MediaType = "image/png" | "image/jpeg" | "image/webp"

export type Probed = { mediaType: MediaType; width: number; height: number }

/** Reads `length` bytes from `position`; fewer where the file ends. */
export type ReadAt = (position: number, length: number) => Promise<Buffer>

const isPng = (head: Buffer): boolean => head.toString("latin1", 0, 8) === "\x89PNG\r\n\x1a\n"
const isJpeg = (head: Buffer): boolean => head[0] === 0xff && head[1] === 0xd8
const isWebp = (head: Buffer): boolean =>
  head.toString("latin1", 0, 4) === "RIFF" && head.toString("latin1", 8, 12) === "WEBP"

/** Whether a file begins as a PNG, JPEG or WebP does, however it goes on. */
export const isKnownKind = (head: Buffer): boolean => isPng(head) || isJpeg(head) || isWebp(head)

/** Undefined where the bytes are not a PNG, JPEG or WebP picture. Reads headers only, never the whole file. */
export async function probe(readAt: ReadAt): Promise<Probed | undefined> {
  const head = await readAt(0, 32)
  if (head.length >= 26 && isPng(head) && head.toString("latin1", 12, 16) === "IHDR")
    return sized("image/png", head.readUInt32BE(16), head.readUInt32BE(20))
  if (head.length >= 30 && isWebp(head)) return probeWebp(head)
  if (head.length >= 4 && isJpeg(head)) return probeJpeg(readAt)
  return undefined
}

const sized = (mediaType: MediaType, width: number, height: number): Probed | undefined =>
  width > 0 && height > 0 ? { mediaType, width, height } : undefined

function probeWebp(head: Buffer): Probed | undefined {
  const kind = head.toString("latin1", 12, 16)
  if (kind === "VP8X") return sized("image/webp", head.readUIntLE(24, 3) + 1, head.readUIntLE(27, 3) + 1)
  if (kind === "VP8 ") return sized("image/webp", head.readUInt16LE(26) & 0x3fff, head.readUInt16LE(28) & 0x3fff)
  if (kind !== "VP8L") return undefined
  const bits = head.readUInt32LE(21)
  return sized("image/webp", (bits & 0x3fff) + 1, ((bits >> 14) & 0x3fff) + 1)
}

// A provenance manifest may put hundreds of kilobytes of segments before the one that holds the size.
const segmentsMax = 2000

async function probeJpeg(readAt: ReadAt): Promise<Probed | undefined> {
  for (let position = 2, count = 0; count < segmentsMax; count++) {
    const segment = await readAt(position, 9)
    if (segment.length < 9 || segment[0] !== 0xff) return undefined
    const marker = segment[1]!
    if (marker === 0xff) {
      position++
      continue
    }
    const isSize = marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc
    if (isSize) return sized("image/jpeg", segment.readUInt16BE(7), segment.readUInt16BE(5))
    position += 2 + segment.readUInt16BE(2)
  }
  return undefined
}
