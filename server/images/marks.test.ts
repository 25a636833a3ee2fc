import assert from "node:assert/strict"
import { describe, it } from "node:test"
import { crc32, deflateSync } from "node:zlib"
import fc from "fast-check"
import sharp from "sharp"
import { findMarks, readMarks } from "./marks.ts"
import type { Mark } from "./marks.ts"

/** As storage gives it; `read` counts what is read of it. */
function objectOf(bytes: Buffer) {
  const object = {
    read: 0,
    async readPart(buffer: Buffer, position: number, length: number) {
      assert.ok(Number.isSafeInteger(position) && position >= 0 && length >= 0 && buffer.length >= length)
      const count = bytes.subarray(position, position + length).copy(buffer)
      object.read += count
      return count
    },
  }
  return object
}

const find = (bytes: Buffer, size = bytes.length) => findMarks({ read: objectOf(bytes).readPart }, size)

const source = (name: string) => `http://cv.iptc.org/newscodes/digitalsourcetype/${name}`
const iptc = 'xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"'
const tc260 = 'xmlns:TC260="http://www.tc260.org.cn/ns/AIGC/1.0/"'

const packet = (attributes: string, elements = "") =>
  '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">' +
  `<rdf:Description rdf:about="" ${iptc} ${tc260} ${attributes}>${elements}</rdf:Description></rdf:RDF></x:xmpmeta>`

const label = '{"Label":"1","ContentProducer":"a & b <c>","ProduceID":"7"}'
const escaped = label.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;")

const trained: Mark = "xmp:trainedAlgorithmicMedia"
const composite: Mark = "xmp:compositeWithTrainedAlgorithmicMedia"

const packets: Record<string, [string, Mark[]]> = {
  "as an attribute": [packet(`Iptc4xmpExt:DigitalSourceType="${source("trainedAlgorithmicMedia")}"`), [trained]],
  "as an element": [
    packet("", `<Iptc4xmpExt:DigitalSourceType>${source("trainedAlgorithmicMedia")}</Iptc4xmpExt:DigitalSourceType>`),
    [trained],
  ],
  "as a reference, of a composite": [
    packet("", `<Iptc4xmpExt:DigitalSourceType rdf:resource='${source("compositeWithTrainedAlgorithmicMedia")}'/>`),
    [composite],
  ],
  "China's label as an element": [packet("", `<TC260:AIGC>${escaped}</TC260:AIGC>`), ["aigc"]],
  "China's label as an attribute": [packet(`TC260:AIGC="${escaped}"`), ["aigc"]],
  both: [
    packet(`Iptc4xmpExt:DigitalSourceType="${source("trainedAlgorithmicMedia")}" TC260:AIGC='${escaped}'`),
    [trained, "aigc"],
  ],
  "a camera's": [packet(`Iptc4xmpExt:DigitalSourceType="${source("digitalCapture")}"`), []],
  "one that only speaks of it": [packet("", `<dc:title>${source("trainedAlgorithmicMedia")}</dc:title>`), []],
  "a label of another namespace": [packet("", `<a:AIGC>x</a:AIGC>`).replaceAll(tc260, ""), []],
}

const plain = (format: "png" | "jpeg" | "webp", xmp?: string) => {
  const picture = sharp({ create: { width: 40, height: 30, channels: 3, background: "teal" } }).toFormat(format)
  return (xmp === undefined ? picture : picture.withXmp(xmp)).toBuffer()
}

const chunk = (type: string, content: Buffer) => {
  const body = Buffer.concat([Buffer.from(type, "latin1"), content])
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)]
  length.writeUInt32BE(content.length)
  sum.writeUInt32BE(crc32(body))
  return Buffer.concat([length, body, sum])
}

/** Chunks before the last one, which ends a PNG. */
const withChunks = async (...chunks: Buffer[]) => {
  const png = await plain("png")
  return Buffer.concat([png.subarray(0, -12), ...chunks, png.subarray(-12)])
}

const segment = (marker: number, content: Buffer) => {
  const head = Buffer.from([0xff, marker, 0, 0])
  head.writeUInt16BE(content.length + 2, 2)
  return Buffer.concat([head, content])
}

const withSegments = async (...segments: Buffer[]) => {
  const jpeg = await plain("jpeg")
  return Buffer.concat([jpeg.subarray(0, 2), ...segments, jpeg.subarray(2)])
}

const box = (type: string, content: Buffer) => {
  const head = Buffer.alloc(8)
  head.writeUInt32BE(content.length + 8)
  head.write(type, 4, "latin1")
  return Buffer.concat([head, content])
}
const manifest = (type = "c2pa") =>
  box(
    "jumb",
    Buffer.concat([box("jumd", Buffer.from(`${type}\0\x11\0\x10\x80\0\0\xaa\0\x38\x9b\x71\x03c2pa\0`, "latin1"))]),
  )
const piece = (content: Buffer) => Buffer.concat([Buffer.from("JP\0\x01\0\0\0\x01", "latin1"), content])

const webpWith = async (type: string, content: Buffer) => {
  const webp = await plain("webp")
  const [head, odd] = [Buffer.alloc(8), Buffer.alloc(content.length % 2)]
  head.write(type, "latin1")
  head.writeUInt32LE(content.length, 4)
  return Buffer.concat([webp, head, content, odd])
}

describe("marks: XMP", () => {
  for (const [name, [xmp, expected]] of Object.entries(packets))
    for (const format of ["png", "jpeg", "webp"] as const)
      it(`${format}: ${name}`, async () => assert.deepEqual(await find(await plain(format, xmp)), expected))

  it("reads XMP where PNG has it, plain and compressed, and no more of one than a megabyte", async () => {
    const [xmp] = packets["both"]!
    const compressed = (text: string) =>
      chunk("iTXt", Buffer.concat([Buffer.from("XML:com.adobe.xmp\0\x01\0\0\0"), deflateSync(text)]))
    const head = "XML:com.adobe.xmp\0"
    const plainText = chunk("iTXt", Buffer.from(`${head}\0\0x-default\0XMP\0${xmp}`))
    for (const one of [compressed(xmp), plainText, chunk("tEXt", Buffer.from(head + xmp))])
      assert.deepEqual(await find(await withChunks(one)), [trained, "aigc"])
    assert.deepEqual(await find(await withChunks(compressed(" ".repeat(2_000_000) + xmp))), [])
  })

  it("gives the text of China's label as it was meant", async () => {
    const texts = [
      await plain("jpeg", packets["China's label as an element"]![0]),
      await plain("webp", packets["China's label as an attribute"]![0]),
      await withChunks(chunk("tEXt", Buffer.from(`AIGC\0${label}`))),
    ]
    for (const bytes of texts)
      assert.deepEqual(await readMarks({ read: objectOf(bytes).readPart }, bytes.length), {
        marks: ["aigc"],
        aigc: label,
      })
    assert.deepEqual(await find(await withChunks(chunk("tEXt", Buffer.from("AIGCs\0x")))), [])
  })
})

describe("marks: C2PA", () => {
  it("finds a manifest where each container has it", async () => {
    assert.deepEqual(await find(await withChunks(chunk("caBX", manifest()))), ["c2pa"])
    assert.deepEqual(await find(await withSegments(segment(0xeb, piece(manifest())))), ["c2pa"])
    assert.deepEqual(await find(await webpWith("C2PA", manifest())), ["c2pa"])
  })

  it("takes nothing else for one", async () => {
    assert.deepEqual(await find(await withChunks(chunk("caBX", manifest("json")), chunk("caXB", manifest()))), [])
    assert.deepEqual(await find(await withSegments(segment(0xeb, manifest()), segment(0xec, piece(manifest())))), [])
    assert.deepEqual(await find(await webpWith("EXIF", manifest())), [])
    for (const format of ["png", "jpeg", "webp"] as const) assert.deepEqual(await find(await plain(format)), [])
  })

  it("finds it behind many large parts, and reads little of them", async () => {
    const large = Array.from({ length: 40 }, () => segment(0xe2, Buffer.alloc(65_000)))
    const bytes = await withSegments(...large, segment(0xeb, piece(manifest())))
    const object = objectOf(bytes)
    assert.deepEqual(await findMarks({ read: object.readPart }, bytes.length), ["c2pa"])
    assert.ok(object.read < 2_000, String(object.read))
  })
})

describe("marks: files that are none", () => {
  it("finds nothing in other bytes, in a file of empty parts, and ends", async () => {
    for (const bytes of [Buffer.alloc(0), Buffer.from("GIF89a"), Buffer.from([0xff, 0xd8]), Buffer.alloc(5000, 0xff)])
      assert.deepEqual(await find(bytes), [])
    const empty = Buffer.concat(Array.from({ length: 11_000 }, () => chunk("aaAa", Buffer.alloc(0))))
    assert.deepEqual(await find(await withChunks(empty, chunk("caBX", manifest()))), [])
  })

  it("takes whatever is cut off or spoilt, and a size that is not true", async () => {
    const whole = await Promise.all([
      plain("jpeg", packets["both"]![0]),
      withChunks(chunk("caBX", manifest())),
      webpWith("C2PA", manifest()),
    ])
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...whole), fc.nat(), fc.nat(), fc.nat(255), async (bytes, cut, at, value) => {
        const spoilt = Buffer.from(bytes.subarray(0, cut % (bytes.length + 1)))
        if (spoilt.length > 0) spoilt[at % spoilt.length] = value
        await find(spoilt)
        await find(spoilt, bytes.length * 2)
      }),
    )
  })
})
