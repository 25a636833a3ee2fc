// Reads JSON as it arrives: pictures in base64 go straight into drafts, all the rest is kept as text.
import { isUtf8 } from "node:buffer"
import { base64Decoder } from "./base64.ts"
import type { Base64Decoder } from "./base64.ts"
import { BodyError } from "./draft.ts"
import type { Draft } from "./draft.ts"
import { createNesting } from "./nesting.ts"
import type { Nesting } from "./nesting.ts"
import { takeTurn } from "./turn.ts"

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
  /**
   * For what callers send: refuses what would not reach us as it was meant: a name given twice, names that JavaScript
   * takes for something else, bytes that are not UTF-8, halves of characters.
   */
  strict?: boolean
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

type Mode = "outside" | "head" | "text" | "picture"

type Scan<Sealed> = {
  options: ScanOptions<Sealed>
  nesting: Nesting
  kept: Buffer[]
  keptBytes: number
  pictures: FoundPicture<Sealed>[]
  /** Where the next byte belongs: outside of strings, in the first bytes of one, further on in a text or a picture. */
  mode: Mode
  head: number[]
  /** How many characters of an escape in the head are still to come; -1 just after its backslash. */
  escape: number
  /** Whether a text's last chunk ended with an unpaired backslash. */
  slashed: boolean
  /** The start of an escape inside a picture, cut by a chunk border. */
  cut: string
  decoder: Base64Decoder<Sealed> | undefined
}

/** Takes bytes of a chunk from an index on, and answers the index it has come to. */
type Step = <Sealed>(scan: Scan<Sealed>, chunk: Buffer, from: number) => number | Promise<number>

const quote = 0x22
const backslash = 0x5c
const letterU = 0x75
const space = 0x20
const headBytes = 128
const keyMaxBytes = 1024

/** How the scanned text refers to the Nth picture. */
export const pictureMark = (index: number): string => `picture:${index}`

/** Rejects with BodyError as soon as the input is seen to be wrong. */
export function createScanner<Sealed>(options: ScanOptions<Sealed>): Scanner<Sealed> {
  const nesting = createNesting(options.depthMax, options.strict)
  const start = { mode: "outside" as Mode, head: [], escape: 0, slashed: false, cut: "", decoder: undefined }
  const scan: Scan<Sealed> = { options, nesting, kept: [], keptBytes: 0, pictures: [], ...start }
  const textSoFar = () => Buffer.concat(scan.kept).toString("utf8")
  return {
    pictures: scan.pictures,
    peek: textSoFar,
    async push(chunk) {
      const turn = takeTurn(chunk.length)
      if (turn) await turn
      for (let at = 0; at < chunk.length;) {
        const next = steps[scan.mode](scan, chunk, at)
        at = typeof next === "number" ? next : await next
      }
    },
    finish() {
      if (scan.mode !== "outside" || nesting.depth() > 0) throw new BodyError("broken", "The body ended too early.")
      const text = Buffer.concat(scan.kept)
      if (options.strict && !isUtf8(text)) throw new BodyError("broken", "The body is not UTF-8.")
      return { text: text.toString("utf8"), pictures: scan.pictures }
    },
    async discard() {
      await scan.decoder?.discard()
      scan.decoder = undefined
    },
  }
}

function keep<Sealed>(scan: Scan<Sealed>, bytes: Buffer) {
  const { textMaxBytes } = scan.options
  scan.keptBytes += bytes.length
  if (scan.keptBytes > textMaxBytes)
    throw new BodyError("too_large", `There are more than ${textMaxBytes} bytes besides pictures.`)
  // A copy: a slice would hold the socket's whole chunk.
  scan.kept.push(Buffer.from(bytes))
}

const scanOutside: Step = (scan, chunk, from) => {
  for (let at = from; at < chunk.length; at++) {
    if (chunk[at] === quote) {
      keep(scan, chunk.subarray(from, at + 1))
      scan.mode = "head"
      scan.head = []
      return at + 1
    }
    scan.nesting.see(chunk[at]!)
  }
  keep(scan, chunk.subarray(from))
  return chunk.length
}

const scanHead: Step = (scan, chunk, from) => {
  const { head } = scan
  const isKey = scan.nesting.expectsKey()
  const wanted = isKey ? keyMaxBytes : headBytes
  const end = plainEnd(scan, chunk, from, wanted)
  if (end !== undefined && takePlain(scan, isKey, chunk.subarray(from, end + 1))) return end + 1
  for (let at = from; at < chunk.length; at++) {
    const byte = chunk[at]!
    if (scan.escape === 0 && byte === quote) return endHead(scan, isKey, at)
    if (scan.escape === 0 && head.length >= wanted) return leaveHead(scan, isKey, at)
    head.push(byte)
    if (scan.escape === -1) scan.escape = byte === letterU ? 4 : 0
    else if (scan.escape > 0) scan.escape--
    else if (byte === backslash) scan.escape = -1
  }
  return chunk.length
}

/** Where a string ends that is all here, short, and without an escape, as most are. */
function plainEnd<Sealed>({ head }: Scan<Sealed>, chunk: Buffer, from: number, most: number): number | undefined {
  if (head.length > 0) return undefined
  const to = Math.min(chunk.length, from + most + 1)
  for (let at = from; at < to; at++) {
    const byte = chunk[at]!
    if (byte === quote) return at
    if (byte === backslash || byte < space) return undefined
  }
  return undefined
}

/** In one go what `endHead` does. False where the string is a picture. */
function takePlain<Sealed>(scan: Scan<Sealed>, isKey: boolean, raw: Buffer): boolean {
  const { nesting, options } = scan
  const text = raw.toString("utf8", 0, raw.length - 1)
  if (isKey) nesting.key(readKey(text, scan))
  else if (text !== "" && options.isPicture(nesting.currentKey(), text)) return false
  keep(scan, raw)
  scan.mode = "outside"
  return true
}

/** The string is over within its head. */
async function endHead<Sealed>(scan: Scan<Sealed>, isKey: boolean, at: number): Promise<number> {
  const { head, nesting, options } = scan
  const text = readString(head)
  if (isKey) nesting.key(readKey(text, scan))
  else if (head.length > 0 && options.isPicture(nesting.currentKey(), text)) {
    await startPicture(scan, text)
    return at
  }
  keep(scan, Buffer.from([...head, quote]))
  scan.mode = "outside"
  return at + 1
}

/** A key that JavaScript takes for something else would be dropped on its way. */
function readKey<Sealed>(text: string, { nesting, options }: Scan<Sealed>): string {
  if (text === "__proto__" || (options.strict && (text === "constructor" || text === "prototype")))
    throw new BodyError("broken", "No parameter may be called so.", nesting.pathOf(text))
  return text
}

/** The string goes on: as a picture, or as text. */
async function leaveHead<Sealed>(scan: Scan<Sealed>, isKey: boolean, at: number): Promise<number> {
  if (isKey) throw new BodyError("broken", "A key is too long.")
  const text = readString(scan.head)
  if (scan.options.isPicture(scan.nesting.currentKey(), text)) await startPicture(scan, text)
  else {
    keep(scan, Buffer.from(scan.head))
    scan.mode = "text"
    scan.slashed = false
  }
  return at
}

async function startPicture<Sealed>(scan: Scan<Sealed>, text: string) {
  const { nesting, options, pictures } = scan
  const key = nesting.currentKey()
  if (pictures.length >= options.picturesMax)
    throw new BodyError("too_large", `There are more than ${options.picturesMax} pictures.`, key)
  const isDataUrl = text.startsWith("data:")
  if (isDataUrl && !/;base64,/i.test(text)) throw new BodyError("broken", "The data URL is not base64.", key)
  scan.decoder = base64Decoder(await options.openDraft(), options.pictureMaxBytes, key)
  scan.mode = "picture"
  const chars = isDataUrl ? text.slice(text.indexOf(",") + 1) : text
  await scan.decoder.push(Buffer.from(chars.replaceAll(/[\r\n]/g, ""), "latin1"))
}

const scanText: Step = (scan, chunk, from) => {
  for (let at = chunk.indexOf(quote, from); ; at = chunk.indexOf(quote, at + 1)) {
    const end = at < 0 ? chunk.length : at
    let slashes = 0
    while (end - 1 - slashes >= from && chunk[end - 1 - slashes] === backslash) slashes++
    const escaped = (slashes % 2 === 1) !== (scan.slashed && end - slashes === from)
    if (at < 0) {
      scan.slashed = escaped
      keep(scan, chunk.subarray(from))
      return chunk.length
    }
    if (escaped) continue
    keep(scan, chunk.subarray(from, at + 1))
    scan.mode = "outside"
    return at + 1
  }
}

const scanPicture: Step = (scan, chunk, from) => {
  const end = chunk.indexOf(quote, from)
  const ended = end >= 0
  const raw = chunk.subarray(from, ended ? end : chunk.length)
  const chars = scan.cut !== "" || raw.includes(backslash) ? undoEscapes(scan, raw, ended) : raw
  const pushed = scan.decoder!.push(chars)
  if (!ended) return pushed ? pushed.then(() => chunk.length) : chunk.length
  return endPicture(scan, pushed, end + 1)
}

async function endPicture<Sealed>(
  scan: Scan<Sealed>,
  pushed: Promise<void> | undefined,
  next: number,
): Promise<number> {
  await pushed
  const sealed = await scan.decoder!.finish()
  scan.decoder = undefined
  keep(scan, Buffer.from(`${pictureMark(scan.pictures.length)}"`))
  scan.pictures.push({ key: scan.nesting.currentKey(), sealed })
  scan.mode = "outside"
  return next
}

function undoEscapes<Sealed>(scan: Scan<Sealed>, raw: Buffer, ended: boolean): Buffer {
  const text = scan.cut + raw.toString("latin1")
  scan.cut = ended ? "" : (/\\(?:u[0-9a-f]{0,3})?$/i.exec(text)?.[0] ?? "")
  const whole = text.slice(0, text.length - scan.cut.length)
  return Buffer.from(whole.replaceAll(/\\(?:u([0-9a-f]{4})|[^])?/gi, plainCharacter), "latin1")
}

const steps: Record<Mode, Step> = { outside: scanOutside, head: scanHead, text: scanText, picture: scanPicture }

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
