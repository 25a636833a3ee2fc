import assert from "node:assert/strict"
import { mkdtempSync, readdirSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, describe, it } from "node:test"
import sharp from "sharp"
import {
  animatedWebp,
  chunksOf,
  exifBlock,
  manifest,
  packedPng,
  pngHeader,
  pngOf,
  segment,
  webpChunksOf,
  webpFlags,
  webpHead,
  webpOf,
  withChunks,
  withSegments,
  xmpOf,
} from "../../tests/pictureFiles.ts"
import { diskStorage } from "../storage/disk.ts"
import { decodeAll } from "./decode.ts"
import { createInspector } from "./inspector.ts"
import { readContents } from "./read.ts"

const folder = mkdtempSync(join(tmpdir(), "atelier-program-"))
const storage = await diskStorage(folder)
const deaths: unknown[] = []
const inspector = createInspector({ warn: (why: unknown) => void deaths.push(why) } as never)
after(() => {
  inspector.close()
  assert.deepEqual(deaths, [], "none of these ended its process")
  assert.deepEqual(readdirSync(join(folder, "drafts")), [], "nothing is left behind")
  rmSync(folder, { recursive: true })
})

const pictureOf = (bytes: Buffer) => ({
  bytes: bytes.length,
  async *read() {
    for (let at = 0; at < bytes.length; at += 50_000) yield bytes.subarray(at, at + 50_000)
  },
})

/** Why it was refused, or the picture as it may be kept. */
async function inspect(bytes: Buffer): Promise<{ refused: string } | { marks: string[]; bytes: Buffer }> {
  const found = await inspector.inspect(pictureOf(bytes), storage.draft)
  if ("refused" in found || !found.cleaned) return "refused" in found ? found : { marks: found.marks, bytes }
  const { marks, cleaned } = found
  const object = await cleaned.open()
  const kept = Buffer.alloc(cleaned.bytes)
  for (let at = 0; at < kept.length; at += await object.read(kept.subarray(at), at, kept.length - at)) continue
  await object.close()
  await cleaned.discard()
  return { marks, bytes: kept }
}

async function cleaned(bytes: Buffer): Promise<Buffer> {
  const found = await inspect(bytes)
  assert.ok("bytes" in found, JSON.stringify(found))
  return found.bytes
}

async function refusal(bytes: Buffer): Promise<string> {
  const found = await inspect(bytes)
  return "refused" in found ? found.refused : "taken"
}

const [width, height] = [61, 40]
const noise = Buffer.from(
  Array.from({ length: width * height * 4 }, (_, index) => (index * 89 + (index >> 5) * 31) & 255),
)
const picture = () => sharp(noise, { raw: { width, height, channels: 4 } })
const smooth = () =>
  sharp({ create: { width, height, channels: 3, background: "#204060" } }).composite([
    { input: { create: { width: 20, height: 30, channels: 3, background: "#e0a030" } }, left: 3, top: 2 },
  ])
const png = await picture().png().toBuffer()
const jpeg = await smooth().jpeg({ quality: 95 }).toBuffer()
const webp = await picture().webp({ lossless: true, exact: true }).toBuffer()
const pixels = (bytes: Buffer) => sharp(bytes).autoOrient().raw().toBuffer({ resolveWithObject: true })

const text = (content: string) => Buffer.from(content, "latin1")
const turned = {
  png: (orientation: number) => withChunks(png, { name: "eXIf", content: exifBlock(orientation) }),
  jpeg: (orientation: number) =>
    withSegments(jpeg, segment(0xe1, Buffer.concat([text("Exif\0\0"), exifBlock(orientation, { little: false })]))),
  webp: (orientation: number) =>
    webpOf([
      webpHead(width, height, webpFlags.exif | webpFlags.alpha),
      ...webpChunksOf(webp),
      { name: "EXIF", content: exifBlock(orientation) },
    ]),
}

describe("pictures in the child process", { timeout: 120_000 }, () => {
  for (const kind of ["png", "jpeg", "webp"] as const)
    it(`${kind}: are turned upright in each of the eight ways, and say no more of it`, async () => {
      for (let orientation = 1; orientation <= 8; orientation++) {
        const file = turned[kind](orientation)
        assert.equal((await sharp(file).metadata()).orientation, orientation)
        const upright = await cleaned(file)
        const [expected, found] = [await pixels(file), await pixels(upright)]
        const metadata = await sharp(upright).metadata()
        assert.deepEqual([metadata.format, metadata.exif, metadata.orientation], [kind, undefined, undefined])
        assert.deepEqual([found.info.width, found.info.height], [expected.info.width, expected.info.height])
        const worst = found.data.reduce((most, value, at) => Math.max(most, Math.abs(value - expected.data[at]!)), 0)
        assert.ok(worst <= (kind === "jpeg" ? 12 : 0), `${orientation}: ${worst}`)
      }
    })

  it("keep their profile, their depth and their transparency when they are turned", async () => {
    const wide = await picture().withIccProfile("p3").png().toBuffer()
    const profile = (await sharp(wide).metadata()).icc!
    const upright = await cleaned(withChunks(wide, { name: "eXIf", content: exifBlock(6) }))
    assert.deepEqual((await sharp(upright).metadata()).icc, profile)
    assert.deepEqual(await sharp(upright).raw().toBuffer(), await sharp(wide).rotate(90).raw().toBuffer())
    const deep = await picture().toColourspace("rgb16").png().toBuffer()
    const turnedDeep = await cleaned(withChunks(deep, { name: "eXIf", content: exifBlock(3) }))
    assert.equal((await sharp(turnedDeep).metadata()).depth, "ushort")
    const cmyk = await smooth().toColourspace("cmyk").jpeg().toBuffer()
    const exif = segment(0xe1, Buffer.concat([text("Exif\0\0"), exifBlock(8)]))
    assert.equal(await refusal(withSegments(cmyk, exif)), "taken")
  })

  it("lose their frames after the first", async () => {
    const moving = animatedWebp(webp, width, height, 100)
    const still = await cleaned(moving)
    assert.equal((await sharp(still).metadata()).pages ?? 1, 1)
    assert.deepEqual(await sharp(still).raw().toBuffer(), await sharp(webp).raw().toBuffer())
    assert.match(await refusal(animatedWebp(webp, width, height, 101)), /101 frames; at most 100/)
    const frames = Buffer.alloc(8)
    frames.writeUInt32BE(5_000)
    assert.match(await refusal(withChunks(png, { name: "acTL", content: frames })), /5000 frames; at most 100/)
  })

  it("are told by the marks that they came with, which they lose", async () => {
    const xmp = text(`http://ns.adobe.com/xap/1.0/\0${xmpOf("trainedAlgorithmicMedia")}`)
    const found = await inspect(withSegments(jpeg, segment(0xe1, xmp)))
    assert.deepEqual(found, { marks: ["xmp:trainedAlgorithmicMedia"], bytes: jpeg })
    const signed = await inspect(withChunks(png, { name: "caBX", content: manifest }))
    assert.deepEqual(signed, { marks: ["c2pa"], bytes: png })
    assert.deepEqual(await inspect(png), { marks: [], bytes: png })
  })

  it("are refused where pixels are missing or another size is promised", async () => {
    for (const make of [
      () => picture().png(),
      () => picture().png({ progressive: true }),
      () => picture().jpeg(),
      () => picture().jpeg({ progressive: true }),
      () => picture().webp(),
      () => picture().webp({ lossless: true }),
    ]) {
      const whole = await make().toBuffer()
      assert.equal(await refusal(whole), "taken")
      for (const share of [0.5, 0.8, 0.95])
        assert.notEqual(await refusal(whole.subarray(0, Math.floor(whole.length * share))), "taken")
    }
    const [, ...rest] = chunksOf(png)
    assert.equal(await refusal(pngOf([pngHeader(width, height * 2, { colour: 6 }), ...rest])), "cannot be decoded")
    const large = Buffer.from(jpeg)
    large.writeUInt16BE(4_000, large.indexOf(Buffer.from([0xff, 0xc0])) + 5)
    assert.equal(await refusal(large), "cannot be decoded")
    // What some cameras write after the pixels means nothing.
    const padded = Buffer.concat([jpeg.subarray(0, -2), Buffer.alloc(9), text("\xff\xd9")])
    assert.equal(await refusal(padded), "taken")
    const canvas = webpOf([webpHead(width * 3, height, webpFlags.alpha), ...webpChunksOf(webp)])
    assert.match(await refusal(canvas), /cannot be decoded|another picture/)
  })

  it("are refused where the very last pixels are missing, although the file has an end", async () => {
    const tall = { raw: { width: 300, height: 400, channels: 3 as const } }
    const lines = Buffer.from(Array.from({ length: 360_000 }, (_, index) => (index * 89 + (index >> 5) * 31) & 255))
    for (const progressive of [true, false]) {
      const photo = await sharp(lines, tall).jpeg({ progressive }).toBuffer()
      for (const bytes of [10, 60, 1_000])
        assert.equal(await refusal(Buffer.concat([photo.subarray(0, -bytes), text("\xff\xd9")])), "cannot be decoded")
      const drawing = await sharp(lines, tall).png({ progressive }).toBuffer()
      const data = Buffer.concat(chunksOf(drawing).flatMap(({ name, content }) => (name === "IDAT" ? [content] : [])))
      for (const bytes of [10, 60, 1_000]) {
        const short = { name: "IDAT", content: data.subarray(0, -bytes) }
        const file = pngOf([chunksOf(drawing)[0]!, short, { name: "IEND", content: Buffer.alloc(0) }])
        assert.equal(await refusal(file), "cannot be decoded", `${progressive} ${bytes}`)
      }
    }
  })

  it("are refused where their data is damaged, or says it is cut off although its file has an end", async () => {
    for (const at of [0.3, 0.6, 0.9]) {
      const damaged = Buffer.from(png)
      damaged[Math.floor(png.length * at)]! ^= 0x5a
      assert.equal(await refusal(damaged), "is damaged")
    }
    const half = chunksOf(png).map(({ name, content }) =>
      name === "IDAT" ? { name, content: content.subarray(0, content.length / 2) } : { name, content },
    )
    assert.equal(await refusal(pngOf(half)), "cannot be decoded")
    assert.equal(
      await refusal(Buffer.concat([text("\xff\xd8"), segment(0xfe, "only words"), text("\xff\xd9")])),
      "has no size",
    )
  })

  it("too large by their headers are refused here as well", async () => {
    assert.match(await refusal(packedPng(60_000, 60_000)), /60000x60000 pixels; at most 16384/)
    assert.match(await refusal(packedPng(8_000, 6_251)), /8000x6251 pixels; at most 50 million/)
  })

  it("that unpack to far more than they show cost no more than they show", async () => {
    const profile = Buffer.concat([text("p\0\0"), packedPng(9, 9, 60_000_000).subarray(41)])
    assert.equal(await refusal(withChunks(png, { name: "zTXt", content: profile })), "taken")
    assert.equal(await refusal(packedPng(64, 64, 60_000_000)), "taken")
  })
})

describe("the decoders", () => {
  it("take nothing for what it is not", async () => {
    const contents = readContents(png)
    await decodeAll(contents)
    for (const wrong of [{ width: width + 1 }, { height: height - 1 }, { mediaType: "image/webp" as const }])
      await assert.rejects(decodeAll({ ...contents, ...wrong }), /another picture/)
  })

  it("of other kinds of files are switched off", async () => {
    const tiff = text("II*\0\x08\0\0\0")
    const gif = Buffer.from("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7", "base64")
    for (const bytes of [
      gif,
      text('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'),
      text("%PDF-1.7"),
      tiff,
    ])
      await assert.rejects(sharp(bytes).metadata())
    assert.equal((await sharp(png).metadata()).format, "png")
    await assert.rejects(sharp(join(import.meta.dirname, "../../docs/picture.jpg")).metadata())
  })
})
