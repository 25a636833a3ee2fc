// The named parts of a picture's file, by its container alone: chunks of PNG and WebP, segments of JPEG. Reads their
// heads only.
import type { ReadAt } from "./probe.ts"

/** Where the content of a chunk or segment lies. */
export type Part = { name: string; position: number; length: number }

// A PNG of 50 MB has some six thousand chunks. A file of nothing but empty ones is not read to its end.
const partsMax = 10_000

/** Nothing where the bytes are no PNG, JPEG or WebP. Ends where the file does not go on as it should. */
export async function* partsOf(readAt: ReadAt, bytes: number): AsyncGenerator<Part> {
  const head = await readAt(0, 12)
  if (head.toString("latin1", 0, 8) === "\x89PNG\r\n\x1a\n") yield* walk(readAt, bytes, 8, pngPart)
  else if (head.toString("latin1", 0, 4) === "RIFF" && head.toString("latin1", 8, 12) === "WEBP")
    yield* walk(readAt, bytes, 12, webpPart)
  else if (head[0] === 0xff && head[1] === 0xd8) yield* walk(readAt, bytes, 2, jpegPart)
}

/** The part that begins at `position`, by its first 8 bytes, and where the next one does; undefined at the end. */
type ReadPart = (head: Buffer, position: number) => (Part & { next: number }) | undefined

async function* walk(readAt: ReadAt, bytes: number, from: number, readPart: ReadPart): AsyncGenerator<Part> {
  for (let position = from, count = 0; count < partsMax && position < bytes; count++) {
    const head = await readAt(position, 8)
    const part = head.length === 8 ? readPart(head, position) : undefined
    if (!part || part.position + part.length > bytes) return
    yield part
    position = part.next
  }
}

const pngPart: ReadPart = (head, position) => {
  const length = head.readUInt32BE(0)
  return { name: head.toString("latin1", 4, 8), position: position + 8, length, next: position + length + 12 }
}

const webpPart: ReadPart = (head, position) => {
  const length = head.readUInt32LE(4)
  return {
    name: head.toString("latin1", 0, 4),
    position: position + 8,
    length,
    next: position + 8 + length + (length % 2),
  }
}

// What follows the start of the scan is pixels.
const scan = 0xda

const jpegPart: ReadPart = (head, position) => {
  const marker = head[1]!
  const length = head.readUInt16BE(2)
  if (head[0] !== 0xff || marker === scan) return undefined
  if (marker === 0xff) return { name: "fill", position, length: 0, next: position + 1 }
  if (length < 2) return undefined
  return { name: jpegName(marker), position: position + 4, length: length - 2, next: position + 2 + length }
}

const jpegName = (marker: number): string => (marker >= 0xe0 && marker <= 0xef ? `APP${marker - 0xe0}` : "other")
