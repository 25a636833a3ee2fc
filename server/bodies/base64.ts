// Base64 to bytes and back, a piece at a time.
import { BodyError } from "./draft.ts"
import type { Draft } from "./draft.ts"

const outputBytes = 192 * 1024
// Larger slices make V8 allocate strings outside its young space, which costs more than the decoding.
const sliceChars = 64 * 1024

const spare: Buffer[] = []
const spareMax = 128

export type Base64Decoder<Sealed> = {
  /** Takes raw characters; nothing but the alphabet and the padding may be among them. */
  push: (chars: Buffer) => Promise<void> | undefined
  finish: () => Promise<Sealed>
  discard: () => Promise<void>
}

/**
 * Decodes into `draft` through one pooled buffer, so a picture costs the same memory whatever its size.
 * Rejects with BodyError on characters outside the alphabet, misplaced padding, or more than `maxBytes`.
 */
export function base64Decoder<Sealed>(draft: Draft<Sealed>, maxBytes: number, key: string): Base64Decoder<Sealed> {
  const output = spare.pop() ?? Buffer.allocUnsafeSlow(outputBytes)
  let filled = 0
  let total = 0
  // The last one to four characters always wait: only at the end is it known whether they hold the padding.
  let held = ""

  const broken = () => new BodyError("broken", "The base64 is not valid.", key)

  function decode(text: string) {
    const written = output.write(text, filled, "base64")
    if (written * 4 !== text.length * 3) throw broken()
    filled += written
    total += written
    if (total > maxBytes) throw new BodyError("too_large", `The picture is larger than ${maxBytes} bytes.`, key)
  }

  async function flush() {
    await draft.write(output.subarray(0, filled))
    filled = 0
  }

  function room(): number {
    return Math.min(sliceChars, Math.floor((outputBytes - filled) / 3) * 4)
  }

  /** Decodes as much as fits, and says where it stopped. */
  function take(chars: Buffer, from: number): number {
    let at = from
    if (held.length > 0 && chars.length - at > 4 - held.length) {
      const missing = 4 - held.length
      decode(held + chars.toString("latin1", at, at + missing))
      held = ""
      at += missing
    }
    while (held === "" && chars.length - at > 4 && room() >= 4) {
      const count = Math.min(room(), (chars.length - at - 1) & ~3)
      decode(chars.toString("latin1", at, at + count))
      at += count
    }
    if (chars.length - at + held.length <= 4) {
      held += chars.toString("latin1", at)
      at = chars.length
    }
    return at
  }

  async function drain(chars: Buffer, from: number) {
    for (let at = from; at < chars.length; at = take(chars, at)) if (room() < 8) await flush()
  }

  function recycle() {
    if (spare.length < spareMax && !spare.includes(output)) spare.push(output)
  }

  return {
    push(chars) {
      if (room() < 8) return flush().then(() => drain(chars, 0))
      const at = take(chars, 0)
      if (at < chars.length) return drain(chars, at)
      return undefined
    },
    async finish() {
      if (held !== "") {
        if (!/^[\w+/-]{2}(?:==|[\w+/-]=?|[\w+/-]{2})?$/.test(held)) throw broken()
        if (filled + 3 > outputBytes) await flush()
        const written = output.write(held, filled, "base64")
        filled += written
        total += written
      }
      if (total > maxBytes) throw new BodyError("too_large", `The picture is larger than ${maxBytes} bytes.`, key)
      if (filled > 0) await flush()
      const sealed = await draft.seal()
      recycle()
      return sealed
    },
    async discard() {
      await draft.discard()
      recycle()
    },
  }
}

/** Characters of base64, padding included, for so many bytes. */
export const base64Length = (bytes: number): number => Math.ceil(bytes / 3) * 4

/** Turns bytes into base64 text, whatever the borders of the pieces. */
export async function* encodeBase64(pieces: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let rest = Buffer.alloc(0)
  for await (const piece of pieces) {
    const bytes = rest.length === 0 ? piece : Buffer.concat([rest, piece])
    const whole = bytes.length - (bytes.length % 3)
    if (whole > 0) yield bytes.toString("base64", 0, whole)
    // A copy, because the reader may reuse its buffer.
    rest = Buffer.from(bytes.subarray(whole))
  }
  if (rest.length > 0) yield rest.toString("base64")
}
