// A JPEG, segment by segment.
import { cutOff, refuse, selectFrom } from "./contents.ts"
import type { Contents, Selection } from "./contents.ts"
import { orientationIn } from "./exif.ts"

type Segment = { marker: number; start: number; content: number; end: number }

const marker = { startOfScan: 0xda, end: 0xd9, app0: 0xe0, app1: 0xe1, app2: 0xe2, app14: 0xee }

const isSize = (code: number): boolean => code >= 0xc0 && code <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(code)

// Sizes and the tables of Huffman and arithmetic coding, of quantization, of lines and of restarts.
const isTable = (code: number): boolean =>
  (code >= 0xc0 && code <= 0xcf && code !== 0xc8) || (code >= 0xdb && code <= 0xdd)

const isRestart = (code: number): boolean => code >= 0xd0 && code <= 0xd7

/** Throws `image_invalid` where it does not come to its end, or has no size. What stands after its end is left out. */
export function readJpeg(file: Buffer): Contents {
  const kept = selectFrom(file)
  kept.keep(0, 2)
  let size: { width: number; height: number } | undefined
  let exif: Buffer | undefined
  for (let at = 2; ;) {
    const segment = nextSegment(file, at)
    const { marker: code, start, content, end } = segment
    at = end
    if (code === marker.end) {
      kept.keep(start, end)
      break
    }
    if (code === marker.startOfScan) {
      at = endOfScan(file, end)
      kept.keep(start, at)
    } else if (isTable(code)) {
      if (isSize(code)) size = sizeIn(file, content, end)
      kept.keep(start, end)
    } else if (code === marker.app1 && startsWith(file, content, "Exif\0")) exif ??= file.subarray(content + 6, end)
    else keepSetting(kept, file, segment)
  }
  if (!size) return refuse("has no size")
  const orientation = exif ? orientationIn(exif) : 1
  return { mediaType: "image/jpeg", ...size, frames: 1, bytes: kept.all(), orientation, animated: false }
}

/** Fill bytes before a marker belong to its segment; what else stands between two segments is passed over. */
function nextSegment(file: Buffer, from: number): Segment {
  for (let at = file.indexOf(0xff, from); at >= 0 && at + 1 < file.length; at = file.indexOf(0xff, at + 1)) {
    const code = file[at + 1]!
    if (code === 0xff || code === 0 || isRestart(code)) continue
    const start = startOfFill(file, at, from)
    const content = at + 4
    if (code === marker.end) return { marker: code, start, content, end: at + 2 }
    if (content > file.length) return cutOff()
    const end = at + 2 + file.readUInt16BE(at + 2)
    if (end > file.length) return cutOff()
    if (end < content) return refuse("is damaged")
    return { marker: code, start, content, end }
  }
  return cutOff()
}

function startOfFill(file: Buffer, at: number, from: number): number {
  let start = at
  while (start > from && file[start - 1] === 0xff) start--
  return start
}

/** Pixels end at a marker that is neither a restart nor an escaped byte. */
function endOfScan(file: Buffer, from: number): number {
  for (let at = file.indexOf(0xff, from); at >= 0 && at + 1 < file.length; at = file.indexOf(0xff, at + 1)) {
    const code = file[at + 1]!
    if (code !== 0 && code !== 0xff && !isRestart(code)) return at
  }
  return cutOff()
}

const startsWith = (file: Buffer, at: number, text: string): boolean =>
  file.toString("latin1", at, at + text.length) === text

function sizeIn(file: Buffer, content: number, end: number) {
  if (end - content < 6) return refuse("has no size")
  return { width: file.readUInt16BE(content + 3), height: file.readUInt16BE(content + 1) }
}

/** What says how colours and pixels are meant stays: JFIF without its thumbnail, the profile, Adobe's transform. */
function keepSetting(kept: Selection, file: Buffer, { marker: code, start, content, end }: Segment): void {
  const is = (wanted: number, name: string) => code === wanted && startsWith(file, content, name)
  if (is(marker.app2, "ICC_PROFILE\0")) return kept.keep(start, end)
  const [length, thumbnail] = is(marker.app0, "JFIF\0") ? [14, 2] : is(marker.app14, "Adobe") ? [12, 0] : [0, 0]
  if (length === 0 || end - content < length) return undefined
  const isBare = end - content === length && file.subarray(end - thumbnail, end).every((byte) => byte === 0)
  if (isBare) return kept.keep(start, end)
  const short = Buffer.concat([Buffer.from([0xff, code, 0, length + 2]), file.subarray(content, content + length)])
  kept.put(short.fill(0, short.length - thumbnail))
}
