// The marks by which a picture's file says that a machine made it. Found by the structure of the file: whether a
// manifest holds good is for a C2PA reader to say.
import { promisify } from "node:util"
import * as zlib from "node:zlib"
import { partsOf } from "./parts.ts"
import type { Part } from "./parts.ts"
import type { ReadAt } from "./probe.ts"

/** A C2PA manifest; IPTC's DigitalSourceType in XMP; the label of China's GB 45438-2025 (TC260). */
export type Mark = "c2pa" | "xmp:trainedAlgorithmicMedia" | "xmp:compositeWithTrainedAlgorithmicMedia" | "aigc"

/** `aigc` is the text of that label, JSON by its standard. */
export type FoundMarks = { marks: Mark[]; aigc: string | undefined }

type Readable = { read(buffer: Buffer, position: number, length: number): Promise<number> }

/** The marks in a PNG, JPEG or WebP of so many bytes; none in anything else. Never reads the whole file. */
export async function findMarks(object: Readable, bytes: number): Promise<Mark[]> {
  return (await readMarks(object, bytes)).marks
}

const order: Mark[] = ["c2pa", "xmp:trainedAlgorithmicMedia", "xmp:compositeWithTrainedAlgorithmicMedia", "aigc"]

export async function readMarks(object: Readable, bytes: number): Promise<FoundMarks> {
  const found = new Set<Mark | undefined>()
  let aigc: string | undefined
  const readAt: ReadAt = async (position, length) => {
    const buffer = Buffer.alloc(length)
    return buffer.subarray(0, await object.read(buffer, position, length))
  }
  for await (const part of partsOf(readAt, bytes)) {
    if (await isManifest(readAt, part)) found.add("c2pa")
    const xmp = await readXmp(readAt, part)
    if (xmp !== undefined) found.add(sourceIn(xmp))
    const label = xmp === undefined ? await readLabel(readAt, part) : labelIn(xmp)
    if (label !== undefined && label.length <= labelMaxLength) aigc ??= label
  }
  if (aigc !== undefined) found.add("aigc")
  return { marks: order.filter((mark) => found.has(mark)), aigc }
}

// How many bytes stand before a manifest's first box. A JPEG's segments number their pieces; the first is piece 1.
const manifestsIn: Record<string, number> = { caBX: 0, C2PA: 0, APP11: 8 }

/** A box of boxes (`jumb`) whose description (`jumd`) has the type that C2PA gives its manifests. */
async function isManifest(readAt: ReadAt, { name, position, length }: Part): Promise<boolean> {
  const before = manifestsIn[name]
  if (before === undefined) return false
  const head = await readAt(position, Math.min(length, before + 20))
  const [box, type] = [head.toString("latin1", before + 4, before + 8), head.toString("latin1", before + 12)]
  return box === "jumb" && type === "jumdc2pa"
}

// More than this of a text is not read.
const textMaxBytes = 1_000_000
const inflated = promisify<Buffer, zlib.ZlibOptions, Buffer>(zlib.inflate)

const readText = (readAt: ReadAt, { position, length }: Part): Promise<Buffer> =>
  readAt(position, Math.min(length, textMaxBytes))

const jpegKeyword = "http://ns.adobe.com/xap/1.0/\0"
const pngKeyword = "XML:com.adobe.xmp\0"

async function readXmp(readAt: ReadAt, part: Part): Promise<string | undefined> {
  if (part.name === "XMP ") return (await readText(readAt, part)).toString()
  if (part.name === "APP1") return (await readAfter(readAt, part, jpegKeyword))?.toString()
  const content = await readPngText(readAt, part, pngKeyword)
  return content?.toString()
}

/** The text behind a keyword; undefined where the part begins otherwise. */
async function readAfter(readAt: ReadAt, part: Part, keyword: string): Promise<Buffer | undefined> {
  const head = await readAt(part.position, Math.min(part.length, keyword.length))
  return head.toString("latin1") === keyword ? (await readText(readAt, part)).subarray(keyword.length) : undefined
}

/** Of the three kinds of text that PNG has. XMP belongs into an iTXt; libvips writes a zTXt. */
async function readPngText(readAt: ReadAt, part: Part, keyword: string): Promise<Buffer | undefined> {
  if (!/^(tEXt|zTXt|iTXt)$/.test(part.name)) return undefined
  const content = await readAfter(readAt, part, keyword)
  if (!content || part.name === "tEXt") return content
  if (part.name === "zTXt") return inflate(content.subarray(1))
  // Two bytes that say whether it is compressed, a language, the keyword in that language.
  const start = content.indexOf(0, content.indexOf(0, 2) + 1) + 1
  return content[0] === 1 ? inflate(content.subarray(start)) : content.subarray(start)
}

const inflate = (content: Buffer): Promise<Buffer> =>
  inflated(content, { maxOutputLength: textMaxBytes }).catch(() => Buffer.alloc(0))

// As an attribute, as an element, or as an element that refers to it.
const digitalSource =
  /:DigitalSourceType(?:\s*=\s*["']|\s*>\s*|\s+rdf:resource\s*=\s*["'])https?:\/\/cv\.iptc\.org\/newscodes\/digitalsourcetype\/(\w+)/

function sourceIn(xmp: string): Mark | undefined {
  const mark = `xmp:${digitalSource.exec(xmp)?.[1]}`
  return order.find((known) => known === mark)
}

// A label has some hundred characters. A JPEG's segment holds no more than this.
const labelMaxLength = 32_000
const labelSpace = "http://www.tc260.org.cn/ns/AIGC/1.0/"
const entities: Record<string, string> = { quot: '"', apos: "'", lt: "<", gt: ">", amp: "&" }

/** The property AIGC, as an element or as an attribute, where the namespace is named as well. */
function labelIn(xmp: string): string | undefined {
  if (!xmp.includes(labelSpace)) return undefined
  const [, element, double, single] = /:AIGC(?:\s*>([^<]*)<|\s*=\s*"([^"<]*)"|\s*=\s*'([^'<]*)')/.exec(xmp) ?? []
  const written = element ?? double ?? single
  return written?.replaceAll(/&(\w+);/g, (all, name: string) => entities[name] ?? all).trim()
}

const labelKeyword = "AIGC\0"

/** Doubao writes the label into a PNG as a text of that name as well. */
const readLabel = async (readAt: ReadAt, part: Part): Promise<string | undefined> =>
  (await readPngText(readAt, part, labelKeyword))?.toString().trim()
