// Reads JSON as it arrives: pictures in base64 go straight into drafts, all the rest is kept as text.
import { base64Decoder } from "./base64.ts"
import type { Base64Decoder } from "./base64.ts"
import { BodyError } from "./draft.ts"
import type { Draft } from "./draft.ts"
import { createNesting } from "./nesting.ts"

export type ScanOptions<Sealed> = {
  /**
   * Decides from a value's key (of an item in an array: the array's key) and its first characters, escapes
   * undone, whether it is a picture. Empty strings are never pictures and are not asked about.
   */
  isPicture: (key: string, head: string) => boolean
  /** Called once for each picture found. */
  openDraft: () => Promise<Draft<Sealed>>
  pictureMaxBytes: number
  picturesMax: number
  /** For all that is not a picture. */
  textMaxBytes: number
  depthMax: number
}

export type FoundPicture<Sealed> = { key: string; sealed: Sealed }
export type Scanned<Sealed> = { text: string; pictures: FoundPicture<Sealed>[] }

export type Scanner<Sealed> = {
  push: (chunk: Buffer) => Promise<void>
  /** Ends the scan; the text has `"picture:N"` where the Nth picture was. */
  finish: () => Scanned<Sealed>
  /** Forgets the picture that was being read. Those already sealed are the caller's, from `pictures`. */
  discard: () => Promise<void>
  pictures: FoundPicture<Sealed>[]
  /** The text so far. */
  peek: () => string
}

const quote = 0x22
const backslash = 0x5c
const headBytes = 128
const keyMaxBytes = 1024

/** How the scanned text refers to the Nth picture. */
export const pictureMark = (index: number): string => `picture:${index}`

/** Rejects with BodyError as soon as the input is seen to be wrong. */
export function createScanner<Sealed>(options: ScanOptions<Sealed>): Scanner<Sealed> {
  const kept: Buffer[] = []
  const pictures: FoundPicture<Sealed>[] = []
  const nesting = createNesting(options.depthMax)
  let keptBytes = 0
  let mode: "outside" | "head" | "text" | "picture" = "outside"
  let head: number[] = []
  /** How many characters of an escape in the head are still to come; -1 just after its backslash. */
  let escape = 0
  /** Whether a text string's last chunk ended with an unpaired backslash. */
  let slashed = false
  /** The start of an escape inside a picture, cut by a chunk border. */
  let cut = ""
  let decoder: Base64Decoder<Sealed> | undefined

  function keep(bytes: Buffer) {
    keptBytes += bytes.length
    if (keptBytes > options.textMaxBytes)
      throw new BodyError("too_large", `There are more than ${options.textMaxBytes} bytes besides pictures.`)
    // A copy: a slice would hold the socket's whole chunk.
    kept.push(Buffer.from(bytes))
  }

  function scanOutside(chunk: Buffer, from: number): number {
    for (let at = from; at < chunk.length; at++) {
      if (chunk[at] === quote) {
        keep(chunk.subarray(from, at + 1))
        mode = "head"
        head = []
        return at + 1
      }
      nesting.see(chunk[at]!)
    }
    keep(chunk.subarray(from))
    return chunk.length
  }

  async function scanHead(chunk: Buffer, from: number): Promise<number> {
    const isKey = nesting.expectsKey()
    const wanted = isKey ? keyMaxBytes : headBytes
    for (let at = from; at < chunk.length; at++) {
      const byte = chunk[at]!
      if (escape === 0 && byte === quote) return endHead(isKey, at)
      if (escape === 0 && head.length >= wanted) return leaveHead(isKey, at)
      head.push(byte)
      if (escape === -1) escape = byte === 0x75 ? 4 : 0
      else if (escape > 0) escape--
      else if (byte === backslash) escape = -1
    }
    return chunk.length
  }

  /** The string is over within its head. */
  async function endHead(isKey: boolean, at: number): Promise<number> {
    const text = readString(head)
    if (isKey) nesting.key(text)
    else if (head.length > 0 && options.isPicture(nesting.currentKey(), text)) {
      await startPicture(text)
      return at
    }
    keep(Buffer.from([...head, quote]))
    mode = "outside"
    return at + 1
  }

  /** The string goes on: as a picture, or as text. */
  async function leaveHead(isKey: boolean, at: number): Promise<number> {
    if (isKey) throw new BodyError("broken", "A key is too long.")
    const text = readString(head)
    if (options.isPicture(nesting.currentKey(), text)) await startPicture(text)
    else {
      keep(Buffer.from(head))
      mode = "text"
      slashed = false
    }
    return at
  }

  async function startPicture(text: string) {
    const key = nesting.currentKey()
    if (pictures.length >= options.picturesMax)
      throw new BodyError("too_large", `There are more than ${options.picturesMax} pictures.`, key)
    const comma = text.startsWith("data:") ? text.indexOf(",") : -1
    if (text.startsWith("data:") && !/;base64,/i.test(text))
      throw new BodyError("broken", "The data URL is not base64.", key)
    decoder = base64Decoder(await options.openDraft(), options.pictureMaxBytes, key)
    mode = "picture"
    await decoder.push(Buffer.from(text.slice(comma + 1).replaceAll(/[\r\n]/g, ""), "latin1"))
  }

  function scanText(chunk: Buffer, from: number): number {
    let at = from
    for (;;) {
      at = chunk.indexOf(quote, at)
      const end = at < 0 ? chunk.length : at
      let slashes = 0
      while (end - 1 - slashes >= from && chunk[end - 1 - slashes] === backslash) slashes++
      const odd = (slashes % 2 === 1) !== (slashed && end - slashes === from)
      if (at < 0) {
        slashed = odd
        keep(chunk.subarray(from))
        return chunk.length
      }
      if (!odd) break
      at++
    }
    keep(chunk.subarray(from, at + 1))
    mode = "outside"
    return at + 1
  }

  async function scanPicture(chunk: Buffer, from: number): Promise<number> {
    const end = chunk.indexOf(quote, from)
    let part = chunk.subarray(from, end < 0 ? chunk.length : end)
    if (cut !== "" || part.includes(backslash)) part = undoEscapes(part, end >= 0)
    const pushed = decoder!.push(part)
    if (pushed) await pushed
    if (end < 0) return chunk.length
    const ended = decoder!
    const sealed = await ended.finish()
    decoder = undefined
    keep(Buffer.from(`${pictureMark(pictures.length)}"`))
    pictures.push({ key: nesting.currentKey(), sealed })
    mode = "outside"
    return end + 1
  }

  function undoEscapes(part: Buffer, ended: boolean): Buffer {
    let text = cut + part.toString("latin1")
    cut = ended ? "" : (/\\(?:u[0-9a-f]{0,3})?$/i.exec(text)?.[0] ?? "")
    text = text.slice(0, text.length - cut.length)
    return Buffer.from(text.replaceAll(/\\(?:u([0-9a-f]{4})|[^])?/gi, plainCharacter), "latin1")
  }

  const steps = { outside: scanOutside, head: scanHead, text: scanText, picture: scanPicture }

  return {
    pictures,
    peek: () => Buffer.concat(kept).toString("utf8"),
    async push(chunk) {
      for (let at = 0; at < chunk.length;) {
        const next = steps[mode](chunk, at)
        at = typeof next === "number" ? next : await next
      }
    },
    finish() {
      if (mode !== "outside" || nesting.depth() > 0) throw new BodyError("broken", "The body ended too early.")
      return { text: Buffer.concat(kept).toString("utf8"), pictures }
    },
    async discard() {
      await decoder?.discard()
      decoder = undefined
    },
  }
}

function readString(raw: number[]): string {
  try {
    return JSON.parse(`"${Buffer.from(raw).toString("utf8")}"`) as string
  } catch {
    throw new BodyError("broken", "The JSON has a broken string.")
  }
}

/** What an escape inside base64 stands for; line breaks are dropped, and what base64 cannot hold stays illegal. */
function plainCharacter(escaped: string, hex: string | undefined): string {
  if (hex !== undefined) {
    const code = Number.parseInt(hex, 16)
    return code > 0x7f ? "!" : String.fromCharCode(code)
  }
  return { "\\/": "/", "\\n": "", "\\r": "" }[escaped] ?? "!"
}
