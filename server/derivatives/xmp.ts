// The XMP that goes into a derivative: how the picture was made, and the label it came with.
import { crc32 } from "node:zlib"
import type { DigitalSource } from "../images/source.ts"
import { digitalSourceUri } from "../images/source.ts"

/** What the file is to say. `aigc` is the text of the label of China's GB 45438-2025, as the original has it. */
export type Saying = { source: DigitalSource | undefined; aigc: string | undefined }

const escapes: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" }
const escaped = (text: string): string => text.replaceAll(/[&<>"]/g, (sign) => escapes[sign]!)

/** Undefined where there is nothing to say. */
export function writeXmp({ source, aigc }: Saying): string | undefined {
  if (source === undefined && aigc === undefined) return undefined
  const made = source && `<Iptc4xmpExt:DigitalSourceType>${digitalSourceUri(source)}</Iptc4xmpExt:DigitalSourceType>`
  const label = aigc === undefined ? undefined : `<TC260:AIGC>${escaped(aigc)}</TC260:AIGC>`
  return [
    '<?xpacket begin="\u{feff}" id="W5M0MpCehiHzreSzNTczkc9d"?>',
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">',
    '<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"' +
      ' xmlns:TC260="http://www.tc260.org.cn/ns/AIGC/1.0/">',
    ...[made, label].filter((line) => line !== undefined),
    "</rdf:Description></rdf:RDF></x:xmpmeta>",
    '<?xpacket end="w"?>',
  ].join("\n")
}

// A PNG's signature and its first chunk, which is always of this length.
const headBytes = 8 + 25

/** A PNG with XMP where the standard wants it. libvips writes it as another kind of text, which few readers look at. */
export function putXmpIntoPng(png: Buffer, xmp: string): Buffer {
  const text = Buffer.from(`iTXtXML:com.adobe.xmp\0\0\0\0\0${xmp}`)
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)]
  length.writeUInt32BE(text.length - 4)
  sum.writeUInt32BE(crc32(text))
  return Buffer.concat([png.subarray(0, headBytes), length, text, sum, png.subarray(headBytes)])
}
