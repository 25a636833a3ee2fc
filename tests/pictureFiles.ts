// Files of pictures put together by hand: what cameras, editors and attackers write into them.
import { crc32, deflateSync } from "node:zlib"

export type Chunk = { name: string; content: Buffer }

export function pngChunk({ name, content }: Chunk): Buffer {
  const chunk = Buffer.alloc(content.length + 12)
  chunk.writeUInt32BE(content.length)
  chunk.write(name, 4, "latin1")
  content.copy(chunk, 8)
  chunk.writeUInt32BE(crc32(chunk.subarray(4, chunk.length - 4)), chunk.length - 4)
  return chunk
}

const pngStart = Buffer.from("\x89PNG\r\n\x1a\n", "latin1")

export const pngOf = (chunks: Chunk[]): Buffer => Buffer.concat([pngStart, ...chunks.map(pngChunk)])

export function chunksOf(png: Buffer): Chunk[] {
  const chunks: Chunk[] = []
  for (let at = 8; at < png.length;) {
    const length = png.readUInt32BE(at)
    chunks.push({ name: png.toString("latin1", at + 4, at + 8), content: png.subarray(at + 8, at + 8 + length) })
    at += 12 + length
  }
  return chunks
}

/** Puts chunks behind the header of a PNG. */
export const withChunks = (png: Buffer, ...added: Chunk[]): Buffer =>
  pngOf([...chunksOf(png).slice(0, 1), ...added, ...chunksOf(png).slice(1)])

export function pngHeader(width: number, height: number, { depth = 8, colour = 2 } = {}): Chunk {
  const content = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, depth, colour, 0, 0, 0])
  content.writeUInt32BE(width)
  content.writeUInt32BE(height, 4)
  return { name: "IHDR", content }
}

/** A PNG that unpacks to so many bytes of nothing: a few kilobytes, whatever its header says. */
export const packedPng = (width: number, height: number, bytes = 1_000): Buffer =>
  pngOf([
    pngHeader(width, height, { depth: 1, colour: 0 }),
    { name: "IDAT", content: deflateSync(Buffer.alloc(bytes)) },
    { name: "IEND", content: Buffer.alloc(0) },
  ])

export function segment(marker: number, content: Buffer | string): Buffer {
  const body = typeof content === "string" ? Buffer.from(content, "latin1") : content
  return Buffer.concat([Buffer.from([0xff, marker, (body.length + 2) >> 8, (body.length + 2) & 0xff]), body])
}

/** Puts segments behind the first two bytes of a JPEG. */
export const withSegments = (jpeg: Buffer, ...added: Buffer[]): Buffer =>
  Buffer.concat([jpeg.subarray(0, 2), ...added, jpeg.subarray(2)])

export function webpOf(chunks: Chunk[]): Buffer {
  const parts = chunks.map(({ name, content }) => {
    const head = Buffer.alloc(8)
    head.write(name, "latin1")
    head.writeUInt32LE(content.length, 4)
    return Buffer.concat([head, content, Buffer.alloc(content.length % 2)])
  })
  const body = Buffer.concat([Buffer.from("WEBP"), ...parts])
  const head = Buffer.from("RIFF\0\0\0\0", "latin1")
  head.writeUInt32LE(body.length, 4)
  return Buffer.concat([head, body])
}

export function webpChunksOf(webp: Buffer): Chunk[] {
  const chunks: Chunk[] = []
  for (let at = 12; at < webp.length;) {
    const length = webp.readUInt32LE(at + 4)
    chunks.push({ name: webp.toString("latin1", at, at + 4), content: webp.subarray(at + 8, at + 8 + length) })
    at += 8 + length + (length % 2)
  }
  return chunks
}

export const webpFlags = { exif: 8, xmp: 4, profile: 32, alpha: 16, animated: 2 }

/** The head of an extended WebP. */
export function webpHead(width: number, height: number, flags: number): Chunk {
  const content = Buffer.alloc(10)
  content[0] = flags
  content.writeUIntLE(width - 1, 4, 3)
  content.writeUIntLE(height - 1, 7, 3)
  return { name: "VP8X", content }
}

/** A WebP that moves: the same frame, again and again. */
export function animatedWebp(frame: Buffer, width: number, height: number, count: number): Buffer {
  const head = Buffer.alloc(16)
  head.writeUIntLE(width - 1, 6, 3)
  head.writeUIntLE(height - 1, 9, 3)
  head.writeUIntLE(100, 12, 3)
  const content = Buffer.concat([head, frame.subarray(12)])
  const frames = Array.from({ length: count }, () => ({ name: "ANMF", content }))
  return webpOf([webpHead(width, height, webpFlags.animated), { name: "ANIM", content: Buffer.alloc(6) }, ...frames])
}

const place = "GPS 52.5200 N 13.4050 E"

/** EXIF as a camera writes it: an orientation, the maker, and where it was, in either order of bytes. */
export function exifBlock(orientation: number, { little = true } = {}): Buffer {
  const block = Buffer.alloc(50 + place.length)
  block.write(little ? "II" : "MM", "latin1")
  const short = (value: number, at: number) =>
    little ? block.writeUInt16LE(value, at) : block.writeUInt16BE(value, at)
  const long = (value: number, at: number) => (little ? block.writeUInt32LE(value, at) : block.writeUInt32BE(value, at))
  short(42, 2)
  long(8, 4)
  short(2, 8)
  const entry = (at: number, tag: number, type: number, count: number) => {
    short(tag, at)
    short(type, at + 2)
    long(count, at + 4)
  }
  entry(10, 0x010f, 2, place.length)
  long(50, 18)
  entry(22, 0x0112, 3, 1)
  short(orientation, 30)
  block.write(place, 50, "latin1")
  return block
}

export const xmpOf = (source: string): string =>
  `<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" Iptc4xmpExt:DigitalSourceType="http://cv.iptc.org/newscodes/digitalsourcetype/${source}"/></rdf:RDF></x:xmpmeta>`

/** The start of a C2PA manifest: a box of boxes whose description says so. */
export const manifest = Buffer.concat([
  Buffer.from("\0\0\0\x40jumb\0\0\0\x1ejumd", "latin1"),
  Buffer.from("6332706100110010800000aa00389b71", "hex"),
  Buffer.from("\x03c2pa\0".padEnd(24, "\0"), "latin1"),
])

/** What must be nowhere in a cleaned picture. */
export const secrets = [place, "Made by Jane Doe", "jumdc2pa", "xpacket", "adobe:ns:meta", "PK\x03\x04", "%PDF-1.7"]
