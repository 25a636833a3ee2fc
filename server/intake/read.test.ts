import assert from "node:assert/strict"
import { describe, it } from "node:test"
import fc from "fast-check"
import sharp from "sharp"
import { GatewayError } from "../errors.ts"
import {
  animatedWebp,
  chunksOf,
  exifBlock,
  manifest,
  packedPng,
  pngOf,
  secrets,
  segment,
  webpChunksOf,
  webpFlags,
  webpHead,
  webpOf,
  withChunks,
  withSegments,
  xmpOf,
} from "../../tests/pictureFiles.ts"
import { orientationIn } from "./exif.ts"
import { readContents } from "./read.ts"

const [width, height] = [37, 23]
const noise = Buffer.from(
  Array.from({ length: width * height * 4 }, (_, index) => (index * 89 + (index >> 5) * 31) & 255),
)
const picture = () => sharp(noise, { raw: { width, height, channels: 4 } })
const png = await picture().png().toBuffer()
const jpeg = await picture().jpeg().toBuffer()
const webp = await picture().webp({ lossless: true }).toBuffer()
const pixels = (bytes: Buffer) => sharp(bytes).raw().toBuffer()

const text = (content: string) => Buffer.from(content, "latin1")
const trailing = text("PK\x03\x04 a whole archive %PDF-1.7")
const xmp = text(xmpOf("trainedAlgorithmicMedia"))
const jfif = (thumbnail: number[]) => text(`JFIF\0\x01\x02\x00\0\x01\0\x01${String.fromCharCode(...thumbnail)}`)

const laden = {
  png: Buffer.concat([
    withChunks(
      png,
      { name: "eXIf", content: exifBlock(1) },
      { name: "tEXt", content: text("Author\0Made by Jane Doe") },
      { name: "iTXt", content: Buffer.concat([text("XML:com.adobe.xmp\0\0\0\0\0"), xmp]) },
      { name: "zTXt", content: text("Comment\0\0????") },
      { name: "tIME", content: Buffer.alloc(7, 1) },
      { name: "caBX", content: manifest },
      { name: "prVt", content: text("Made by Jane Doe") },
    ),
    trailing,
  ]),
  jpeg: Buffer.concat([
    withSegments(
      jpeg,
      segment(0xe0, Buffer.concat([text("JFXX\0\x13\x01\x01"), Buffer.alloc(3, 9)])),
      segment(0xe1, Buffer.concat([text("Exif\0\0"), exifBlock(1)])),
      segment(0xe1, Buffer.concat([text("http://ns.adobe.com/xap/1.0/\0"), xmp])),
      segment(0xe2, Buffer.concat([text("MPF\0"), Buffer.alloc(40, 7)])),
      segment(0xeb, Buffer.concat([text("JP\0\x01\0\0\0\x01"), manifest])),
      segment(0xed, "Photoshop 3.0\0Made by Jane Doe"),
      segment(0xfe, "%PDF-1.7 Made by Jane Doe"),
    ),
    trailing,
  ]),
  webp: Buffer.concat([
    webpOf([
      webpHead(width, height, webpFlags.exif | webpFlags.xmp | webpFlags.alpha),
      ...webpChunksOf(webp),
      { name: "EXIF", content: exifBlock(1) },
      { name: "XMP ", content: xmp },
      { name: "C2PA", content: manifest },
      { name: "JANE", content: text("Made by Jane Doe") },
    ]),
    trailing,
  ]),
}
const plain = { png, jpeg, webp }

const refusal = (bytes: Buffer): string => {
  try {
    readContents(bytes)
    return "taken"
  } catch (error) {
    assert.ok(error instanceof GatewayError && error.failure.code === "image_invalid", String(error))
    return error.message
  }
}

describe("the contents of a file", () => {
  for (const kind of ["png", "jpeg", "webp"] as const) {
    it(`${kind}: is the very same where there is nothing but the picture`, () => {
      const read = readContents(plain[kind])
      assert.equal(read.bytes, plain[kind])
      const { bytes: _, ...facts } = read
      assert.deepEqual(facts, { mediaType: `image/${kind}`, width, height, frames: 1, orientation: 1, animated: false })
    })

    it(`${kind}: goes without what tells of places, makers and machines, and keeps every pixel`, async () => {
      const file = Buffer.from(laden[kind])
      const { bytes, width: w, height: h } = readContents(file)
      assert.ok(file.equals(laden[kind]), "the file that was read is left alone")
      for (const secret of secrets) assert.ok(!bytes.includes(text(secret)), secret)
      assert.deepEqual([w, h], [width, height])
      assert.ok((await pixels(bytes)).equals(await pixels(plain[kind])))
      assert.equal(readContents(bytes).bytes, bytes, "there is nothing left to take out")
    })

    it(`${kind}: is refused where it ends early, at every byte`, () => {
      const whole = plain[kind]
      for (let length = 0; length < whole.length; length++) assert.notEqual(refusal(whole.subarray(0, length)), "taken")
    })

    it(`${kind}: is read or refused, and never fails, whatever is damaged`, () => {
      const whole = laden[kind]
      const damage = fc.array(fc.tuple(fc.nat(Math.min(whole.length, 400) - 1), fc.nat(255)), { maxLength: 6 })
      const property = fc.property(damage, fc.nat(whole.length), (places, length) => {
        const bytes = Buffer.from(whole.subarray(0, length))
        for (const [at, value] of places) if (at < length) bytes[at] = value
        refusal(bytes)
      })
      fc.assert(property, { numRuns: 2000 })
    })
  }

  it("is nothing where it is another kind of file", () => {
    for (const bytes of [Buffer.alloc(0), text("GIF89a"), text("<svg/>"), text("\xff"), Buffer.alloc(5000)])
      assert.match(refusal(bytes), /no PNG, JPEG or WebP/)
  })
})

describe("the contents of a PNG", () => {
  it("keep what says how its colours are meant", async () => {
    const coloured = await picture().withIccProfile("p3").png({ palette: true }).toBuffer()
    const gamma = withChunks(coloured, { name: "gAMA", content: Buffer.from([0, 0, 0xb1, 0x8f]) })
    const names = chunksOf(readContents(withChunks(gamma, { name: "tEXt", content: text("a\0b") })).bytes)
    assert.deepEqual(
      names.map(({ name }) => name),
      chunksOf(gamma).map(({ name }) => name),
    )
    assert.ok(names.some(({ name }) => name === "iCCP") && names.some(({ name }) => name === "tRNS"))
  })

  it("of an animation are its first picture, and the number of frames", () => {
    const frames = Buffer.alloc(8)
    frames.writeUInt32BE(101)
    const moving = withChunks(png, { name: "acTL", content: frames }, { name: "fcTL", content: Buffer.alloc(26) })
    const end = chunksOf(moving).pop()!
    const file = pngOf([...chunksOf(moving).slice(0, -1), { name: "fdAT", content: Buffer.alloc(90) }, end])
    const { bytes, frames: count } = readContents(file)
    assert.ok(bytes.equals(png))
    assert.equal(count, 101)
  })

  it("need a header, pixels and no parts that nobody knows", () => {
    const [header, pixel, end] = chunksOf(packedPng(8, 8)) as [never, never, never]
    assert.equal(refusal(pngOf([header, pixel, end])), "taken")
    assert.match(refusal(pngOf([header, header, pixel, end])), /header/)
    assert.match(refusal(pngOf([pixel, header, end])), /header/)
    assert.match(refusal(pngOf([header, end])), /no pixels/)
    assert.match(refusal(withChunks(png, { name: "CgBI", content: Buffer.alloc(4) })), /no reader/)
  })
})

describe("the contents of a JPEG", () => {
  it("keep the profile and Adobe's transform, and of JFIF all but the thumbnail", async () => {
    const cmyk = await picture().flatten().toColourspace("cmyk").withIccProfile("cmyk").jpeg().toBuffer()
    assert.ok(cmyk.includes("Adobe") && cmyk.includes("ICC_PROFILE"))
    assert.equal(readContents(cmyk).bytes, cmyk)
    const withThumbnail = withSegments(jpeg, segment(0xe0, Buffer.concat([jfif([1, 1]), Buffer.alloc(3, 88)])))
    assert.ok(readContents(withThumbnail).bytes.equals(withSegments(jpeg, segment(0xe0, jfif([0, 0])))))
    const bare = withSegments(jpeg, segment(0xe0, jfif([0, 0])))
    assert.equal(readContents(bare).bytes, bare)
  })

  it("may have fill bytes and rubbish between segments", async () => {
    const filled = withSegments(jpeg, Buffer.alloc(5, 0xff))
    assert.equal(readContents(filled).bytes, filled)
    const littered = withSegments(jpeg, text("Made by Jane Doe\xff\x00"))
    assert.ok(readContents(littered).bytes.equals(jpeg))
  })

  it("of many scans are all of them", async () => {
    const progressive = await picture().jpeg({ progressive: true, mozjpeg: true }).toBuffer()
    assert.equal(readContents(progressive).bytes, progressive)
    const tail = readContents(Buffer.concat([progressive, jpeg])).bytes
    assert.ok(tail.equals(progressive), "a second picture behind the first is left out")
  })
})

describe("the contents of a WebP", () => {
  it("of an animation stay together until it is drawn anew", () => {
    const moving = animatedWebp(webp, width, height, 3)
    const { bytes, ...facts } = readContents(moving)
    assert.equal(bytes, moving)
    assert.deepEqual([facts.frames, facts.animated, facts.width, facts.height], [3, true, width, height])
  })

  it("do not promise what has been taken out", () => {
    const promising = webpOf([webpHead(width, height, webpFlags.exif | webpFlags.alpha), ...webpChunksOf(webp)])
    const { bytes } = readContents(promising)
    assert.equal(bytes[20], webpFlags.alpha)
    assert.equal(bytes.length, promising.length)
  })
})

describe("EXIF's orientation", () => {
  it("is read in both orders of bytes, and from where each kind of file has it", () => {
    for (const little of [true, false])
      for (let orientation = 1; orientation <= 8; orientation++) {
        const block = exifBlock(orientation, { little })
        const inJpeg = withSegments(jpeg, segment(0xe1, Buffer.concat([text("Exif\0\0"), block])))
        const chunk = { name: "EXIF", content: Buffer.concat([text("Exif\0\0"), block]) }
        const inWebp = webpOf([webpHead(width, height, webpFlags.exif), ...webpChunksOf(webp), chunk])
        for (const file of [withChunks(png, { name: "eXIf", content: block }), inJpeg, inWebp])
          assert.equal(readContents(file).orientation, orientation)
      }
  })

  it("is 1 where it is none", () => {
    for (const orientation of [0, 9, 65_535]) assert.equal(orientationIn(exifBlock(orientation)), 1)
    const property = fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      const block = Buffer.concat([text("II*\0\x08\0\0\0"), bytes])
      assert.ok(orientationIn(block) >= 1 && orientationIn(block) <= 8)
      orientationIn(Buffer.from(bytes))
    })
    fc.assert(property)
  })
})
