// Bodies with pictures in them, written as they are sent: JSON with base64, and multipart forms.
import { randomUUID } from "node:crypto"
import { base64Length, encodeBase64 } from "./base64.ts"

/** Bytes kept somewhere. A piece that is read is valid only until the next is asked for. */
export type Stored = { bytes: number; read: () => AsyncIterable<Buffer> }

/** A chunk is valid only until the next is asked for: who queues it has to copy it. */
export type WrittenBody = { type: string; length: number; chunks: () => AsyncGenerator<Uint8Array> }

const marker = Symbol("picture in JSON")

type PictureInJson = { [marker]: Stored; prefix: string; toJSON: () => string }

/** Stands in a JSON value where the base64 of a stored picture belongs. */
export const base64Of = (stored: Stored, prefix = ""): unknown =>
  ({ [marker]: stored, prefix, toJSON: takePlace }) satisfies PictureInJson

type Splitting = { place: string; pictures: PictureInJson[] }

let splitting: Splitting | undefined

/** Called by `JSON.stringify`, which is faster with this than with a function that it has to ask about every value. */
function takePlace(this: PictureInJson): string {
  if (!splitting) throw new Error("a picture in JSON is written by jsonBody alone")
  splitting.pictures.push(this)
  // Random, so that no text of a caller can be taken for the place of a picture.
  return (splitting.place ||= randomUUID())
}

type JsonParts = { texts: string[]; pictures: PictureInJson[] }

function splitJson(value: unknown): JsonParts {
  const { pictures } = (splitting = { place: "", pictures: [] } as Splitting)
  try {
    const text = JSON.stringify(value)
    return { texts: pictures.length === 0 ? [text] : text.split(splitting.place), pictures }
  } finally {
    splitting = undefined
  }
}

export type WrittenJson = WrittenBody & {
  /** Whether there are pictures in it; where not, `text` is all of it. */
  streams: boolean
  text: string
}

/** JSON whose pictures are read from where they are kept, piece by piece, while the body is sent. */
export function jsonBody(value: unknown): WrittenJson {
  const { texts, pictures } = splitJson(value)
  const ofPictures = pictures.map(({ [marker]: stored, prefix }) => prefix.length + base64Length(stored.bytes))
  const length = [...texts.map((text) => Buffer.byteLength(text)), ...ofPictures].reduce((sum, part) => sum + part, 0)
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for (const [index, text] of texts.entries()) {
      const picture = pictures[index]
      yield Buffer.from(text + (picture?.prefix ?? ""))
      if (!picture) continue
      yield* encodeBase64(picture[marker].read())
    }
  }
  return { type: "application/json", length, chunks, streams: pictures.length > 0, text: texts[0]! }
}

export type FormPart = { name: string; value: string } | { name: string; fileName: string; type: string; file: Stored }

/** A multipart form whose files are read from where they are kept while it is sent. */
export function formBody(parts: FormPart[]): WrittenBody {
  const boundary = `atelier-${randomUUID()}`
  const heads = parts.map((part) => Buffer.from(partHead(boundary, part)))
  const end = Buffer.from(`--${boundary}--\r\n`)
  const length = parts.reduce((sum, part, index) => {
    const content = "file" in part ? part.file.bytes : Buffer.byteLength(part.value)
    return sum + heads[index]!.length + content + 2
  }, end.length)
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for (const [index, part] of parts.entries()) {
      yield heads[index]!
      if ("file" in part) yield* part.file.read()
      else yield Buffer.from(part.value)
      yield Buffer.from("\r\n")
    }
    yield end
  }
  return { type: `multipart/form-data; boundary=${boundary}`, length, chunks }
}

function partHead(boundary: string, part: FormPart): string {
  const file = "file" in part ? `; filename="${inHead(part.fileName)}"\r\nContent-Type: ${part.type}` : ""
  return `--${boundary}\r\nContent-Disposition: form-data; name="${inHead(part.name)}"${file}\r\n\r\n`
}

/** As browsers write names that would otherwise end the line or the quotation. */
const inHead = (name: string): string => name.replaceAll(/["\r\n]/g, encodeURIComponent)
