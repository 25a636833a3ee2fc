// Base64 to bytes and back, a piece at a time.
import { BodyError } from "./draft.ts"
import type { Draft } from "./draft.ts"

const outputBytes = 192 * 1024
// Longer slices make V8 allocate strings outside its young space, which costs more than the decoding.
const sliceChars = 64 * 1024

const spare: Buffer[] = []
const spareMax = 128

export type Base64Decoder<Sealed> = {
  /** Takes raw characters; nothing but the alphabet and the padding may be among them. */
  push: (chars: Buffer) => Promise<void> | undefined
  finish: () => Promise<Sealed>
  discard: () => Promise<void>
}

type Decoding = {
  output: Buffer
  filled: number
  total: number
  /** The last one to four characters always wait: only at the end is it known whether they hold the padding. */
  held: string
  maxBytes: number
  key: string
}

/**
 * Decodes into `draft` through one pooled buffer, so a picture costs the same memory whatever its size.
 * Rejects with BodyError on characters outside the alphabet, misplaced padding, or more than `maxBytes`.
 */
export function base64Decoder<Sealed>(draft: Draft<Sealed>, maxBytes: number, key: string): Base64Decoder<Sealed> {
  const output = spare.pop() ?? Buffer.allocUnsafeSlow(outputBytes)
  const decoding: Decoding = { output, filled: 0, total: 0, held: "", maxBytes, key }

  async function flush() {
    const { filled } = decoding
    decoding.filled = 0
    if (filled > 0) await draft.write(output.subarray(0, filled))
  }

  async function drain(chars: Buffer, from: number) {
    for (let at = from; at < chars.length; at = take(decoding, chars, at)) if (isFull(decoding)) await flush()
  }

  return {
    push(chars) {
      const at = isFull(decoding) ? 0 : take(decoding, chars, 0)
      return at < chars.length ? drain(chars, at) : undefined
    },
    async finish() {
      if (isFull(decoding)) await flush()
      takeLast(decoding)
      await flush()
      const sealed = await draft.seal()
      recycle(output)
      return sealed
    },
    async discard() {
      await draft.discard()
      recycle(output)
    },
  }
}

/** Characters that can still be decoded before the output has to be written away. */
const room = ({ filled }: Decoding): number => Math.min(sliceChars, Math.floor((outputBytes - filled) / 3) * 4)

const isFull = (decoding: Decoding): boolean => room(decoding) < 8

const broken = ({ key }: Decoding): BodyError => new BodyError("broken", "The base64 is not valid.", key)

function count(decoding: Decoding, written: number) {
  decoding.filled += written
  decoding.total += written
  if (decoding.total > decoding.maxBytes)
    throw new BodyError("too_large", `The picture is larger than ${decoding.maxBytes} bytes.`, decoding.key)
}

/** Decodes whole groups of four without padding. Node passes over characters it does not know; the count tells. */
function decode(decoding: Decoding, text: string) {
  const written = decoding.output.write(text, decoding.filled, "base64")
  if (written * 4 !== text.length * 3) throw broken(decoding)
  count(decoding, written)
}

/** Decodes as much as fits, and says where it stopped. */
function take(decoding: Decoding, chars: Buffer, from: number): number {
  let at = from
  const missing = 4 - decoding.held.length
  if (missing < 4 && chars.length - at > missing) {
    decode(decoding, decoding.held + chars.toString("latin1", at, at + missing))
    decoding.held = ""
    at += missing
  }
  while (decoding.held === "" && chars.length - at > 4 && room(decoding) >= 4) {
    const length = Math.min(room(decoding), (chars.length - at - 1) & ~3)
    decode(decoding, chars.toString("latin1", at, at + length))
    at += length
  }
  if (chars.length - at + decoding.held.length > 4) return at
  decoding.held += chars.toString("latin1", at)
  return chars.length
}

function takeLast(decoding: Decoding) {
  const { held } = decoding
  if (held === "") return
  if (!/^[\w+/-]{2}(?:==|[\w+/-]=?|[\w+/-]{2})?$/.test(held)) throw broken(decoding)
  count(decoding, decoding.output.write(held, decoding.filled, "base64"))
}

function recycle(output: Buffer) {
  if (spare.length < spareMax && !spare.includes(output)) spare.push(output)
}

/** Characters of base64, padding included, for so many bytes. */
export const base64Length = (bytes: number): number => Math.ceil(bytes / 3) * 4

const stepBytes = 48 * 1024
const textBytes = base64Length(stepBytes)
const spareTexts: Buffer[] = []

/**
 * Turns bytes into base64, as bytes of text, whatever the borders of the pieces. What it yields is valid only until the
 * next is asked for: one pooled buffer serves the whole picture.
 */
export async function* encodeBase64(pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const text = spareTexts.pop() ?? Buffer.allocUnsafeSlow(textBytes)
  let rest = Buffer.alloc(0)
  try {
    for await (const piece of pieces) {
      const bytes = rest.length === 0 ? piece : Buffer.concat([rest, piece])
      const whole = bytes.length - (bytes.length % 3)
      for (let at = 0; at < whole; at += stepBytes) {
        const step = bytes.toString("base64", at, Math.min(whole, at + stepBytes))
        yield text.subarray(0, text.write(step, "latin1"))
      }
      // A copy, because the reader may use its buffer again.
      rest = Buffer.from(bytes.subarray(whole))
    }
    if (rest.length > 0) yield text.subarray(0, text.write(rest.toString("base64"), "latin1"))
  } finally {
    if (spareTexts.length < spareMax) spareTexts.push(text)
  }
}
