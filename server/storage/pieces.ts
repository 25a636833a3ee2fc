// Stored bytes as a stream of pieces through pooled buffers, so that serving costs no memory of its own.
import type { Storage, StoredObject } from "./storage.ts"

// Few large pieces are quickest to send as they are. What becomes base64 on its way waits in many answers at once and
// goes in small steps anyway; its pieces are a multiple of 3, so that none needs a carry.
const sizes = { whole: 768 * 1024, steps: 144 * 1024 }
const spare: Record<keyof typeof sizes, Buffer[]> = { whole: [], steps: [] }
const spareMax = 32

export type Range = { start: number; end: number }

/**
 * Yields the bytes from `start` up to and without `end`. Each piece is valid only until the next is asked for.
 * Throws if the object is missing or shorter than its row says.
 */
export async function* readPieces(
  storage: Storage,
  sha256: string,
  range: Range,
  size: keyof typeof sizes,
): AsyncGenerator<Buffer> {
  const object = await storage.open(sha256)
  if (!object) throw new Error(`stored object ${sha256} is missing`)
  try {
    yield* piecesOf(object, range, size)
  } finally {
    await object.close()
  }
}

/** The same of an object that is open, and stays so. */
export async function* piecesOf(
  object: StoredObject,
  { start, end }: Range,
  size: keyof typeof sizes,
): AsyncGenerator<Buffer> {
  const buffer = spare[size].pop() ?? Buffer.allocUnsafeSlow(sizes[size])
  try {
    for (let at = start; at < end;) {
      const count = await object.read(buffer, at, Math.min(buffer.length, end - at))
      if (count === 0) throw new Error("a stored object is shorter than recorded")
      at += count
      yield buffer.subarray(0, count)
    }
  } finally {
    if (spare[size].length < spareMax) spare[size].push(buffer)
  }
}
