// Stored bytes as a stream of pieces through pooled buffers, so that serving costs no memory of its own.
import type { Storage } from "./storage.ts"

const pieceBytes = 384 * 1024 // A multiple of 3, so that base64 needs no carry between pieces.
const spare: Buffer[] = []
const spareMax = 16

export type Range = { start: number; end: number }

/**
 * Yields the bytes from `start` up to and without `end`. Each piece is valid only until the next is asked for.
 * Throws if the object is missing or shorter than its row says.
 */
export async function* readPieces(storage: Storage, sha256: string, range: Range): AsyncGenerator<Buffer> {
  const object = await storage.open(sha256)
  if (!object) throw new Error(`stored object ${sha256} is missing`)
  const buffer = spare.pop() ?? Buffer.allocUnsafeSlow(pieceBytes)
  try {
    for (let at = range.start; at < range.end;) {
      const count = await object.read(buffer, at, Math.min(buffer.length, range.end - at))
      if (count === 0) throw new Error(`stored object ${sha256} is shorter than recorded`)
      at += count
      yield buffer.subarray(0, count)
    }
  } finally {
    if (spare.length < spareMax) spare.push(buffer)
    await object.close()
  }
}
