// Whole bodies, read as they arrive: JSON, and server-sent events that carry JSON.
import { BodyError } from "./draft.ts"
import { createScanner } from "./scanner.ts"
import type { FoundPicture, ScanOptions, Scanner } from "./scanner.ts"

export type ReadBody<Sealed> = { value: unknown; pictures: FoundPicture<Sealed>[] }
export type ReadOptions<Sealed> = ScanOptions<Sealed> & {
  /** Called with each picture of a body that turned out broken, so that none is left behind. */
  forget: (sealed: Sealed) => Promise<void>
}

/**
 * Reads one JSON body; the value has `"picture:N"` where the Nth picture was.
 * Rejects with BodyError if the body is cut off, not JSON, or over a limit, and then leaves no picture behind.
 */
export async function readJson<Sealed>(
  chunks: AsyncIterable<Buffer>,
  options: ReadOptions<Sealed>,
): Promise<ReadBody<Sealed>> {
  const scanner = createScanner(options)
  try {
    for await (const chunk of chunks) await scanner.push(chunk)
    const body = parse(scanner)
    if (options.strict) refuseHalves(body.value)
    return body
  } catch (error) {
    await forgetAll(scanner, options)
    throw error
  }
}

/** Half of a character, as "\\ud800" spells it, would become another one on its way. */
function refuseHalves(value: unknown, key = ""): void {
  if (typeof value === "string" && !value.isWellFormed())
    throw new BodyError("broken", "The text has half of a character in it.", key)
  if (typeof value !== "object" || value === null) return
  for (const [name, inner] of Object.entries(value)) {
    refuseHalves(name, key)
    refuseHalves(inner, Array.isArray(value) ? key : name)
  }
}

export type ReadEvent<Sealed> = ReadBody<Sealed> & { event: string }

/** Reads server-sent events whose data is JSON. `[DONE]` and comments are passed over. */
export async function* readEvents<Sealed>(
  chunks: AsyncIterable<Buffer>,
  options: ReadOptions<Sealed>,
): AsyncGenerator<ReadEvent<Sealed>> {
  let scanner = createScanner(options)
  let event = ""
  let hasData = false
  try {
    for await (const part of readLines(chunks)) {
      if (part.field === "event" && part.bytes) event += part.bytes.toString("utf8")
      if (part.field === "data" && part.bytes) {
        hasData = true
        await scanner.push(part.bytes)
      }
      if (part.field !== "end" || !hasData) continue
      const body = parse(scanner, true)
      if (body) yield { event: event.trim() || "message", ...body }
      scanner = createScanner(options)
      event = ""
      hasData = false
    }
    if (hasData) throw new BodyError("broken", "The stream of events ended too early.")
  } catch (error) {
    await forgetAll(scanner, options)
    throw error
  }
}

type LinePart = { field: string; bytes?: Buffer }

const fieldMaxChars = 64

/** Cuts a stream of events into pieces of lines, so that a line of megabytes is never put together. */
async function* readLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<LinePart> {
  let name = ""
  let field: string | undefined
  let fresh = false
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length;) {
      if (field === undefined) {
        const character = String.fromCharCode(chunk[at++]!)
        if (character === "\n") {
          if (name === "" || name === "\r") yield { field: "end" }
          name = ""
        } else if (character === ":") [field, fresh, name] = [name, true, ""]
        else if (name.length >= fieldMaxChars) throw new BodyError("broken", "This is not a stream of events.")
        else name += character
        continue
      }
      if (fresh && chunk[at] === 0x20) at++
      fresh = false
      const newline = chunk.indexOf(0x0a, at)
      const end = newline < 0 ? chunk.length : newline
      if (end > at) yield { field, bytes: chunk.subarray(at, end) }
      at = newline < 0 ? chunk.length : newline + 1
      if (newline >= 0) field = undefined
    }
  }
}

function parse<Sealed>(scanner: Scanner<Sealed>): ReadBody<Sealed>
function parse<Sealed>(scanner: Scanner<Sealed>, inStream: true): ReadBody<Sealed> | undefined
function parse<Sealed>(scanner: Scanner<Sealed>, inStream = false): ReadBody<Sealed> | undefined {
  if (inStream && scanner.pictures.length === 0 && scanner.peek().trim() === "[DONE]") return undefined
  const { text, pictures } = scanner.finish()
  try {
    return { value: JSON.parse(text) as unknown, pictures }
  } catch {
    throw new BodyError("broken", "The body is not valid JSON.")
  }
}

async function forgetAll<Sealed>(scanner: Scanner<Sealed>, options: ReadOptions<Sealed>) {
  await scanner.discard()
  for (const picture of scanner.pictures) await options.forget(picture.sealed)
}
