import assert from "node:assert/strict"
import { describe, it } from "node:test"
import fc from "fast-check"
import sharp from "sharp"
import { probe } from "./probe.ts"
import type { Probed } from "./probe.ts"

/** Probes bytes as a file would be read, and sees to it that little is read and nothing from before the start. */
async function probeBytes(bytes: Buffer): Promise<Probed | undefined> {
  let [reads, ended] = [0, false]
  const probed = await probe(async (position, length) => {
    assert.ok(Number.isSafeInteger(position) && position >= 0 && length > 0 && length <= 32)
    assert.ok(!ended, "reads on after the end")
    reads++
    const found = bytes.subarray(position, position + length)
    ended = found.length === 0
    // A copy of just these bytes: what reads further than it asked for fails.
    return Buffer.from(found)
  })
  assert.ok(reads <= 2001)
  return probed
}

const raw = (width: number, height: number, channels: 3 | 4 = 3) =>
  sharp({ create: { width, height, channels, background: { r: 9, g: 99, b: 199, alpha: 0.5 } } })

const sides = [
  [1, 1],
  [2, 300],
  [257, 3],
  [640, 480],
  [1025, 1023],
] as const

type Make = (width: number, height: number) => Promise<Buffer>

const jpeg: Make = (width, height) => raw(width, height).jpeg().toBuffer()

const kinds: Record<string, { type: string; make: Make }> = {
  PNG: {
    type: "image/png",
    make: (...size) =>
      raw(...size)
        .png()
        .toBuffer(),
  },
  "PNG with few colours": {
    type: "image/png",
    make: (...size) =>
      raw(...size)
        .png({ palette: true })
        .toBuffer(),
  },
  "JPEG, baseline": { type: "image/jpeg", make: jpeg },
  "JPEG, progressive": {
    type: "image/jpeg",
    make: (...size) =>
      raw(...size)
        .jpeg({ progressive: true })
        .toBuffer(),
  },
  "JPEG with EXIF and a profile": {
    type: "image/jpeg",
    make: (...size) =>
      raw(...size)
        .withExif({ IFD0: { Copyright: "x".repeat(9000) } })
        .withIccProfile("p3")
        .jpeg()
        .toBuffer(),
  },
  "WebP, lossy": {
    type: "image/webp",
    make: (...size) =>
      raw(...size)
        .webp()
        .toBuffer(),
  },
  "WebP, lossless": {
    type: "image/webp",
    make: (...size) =>
      raw(...size)
        .webp({ lossless: true })
        .toBuffer(),
  },
  "WebP, extended": {
    type: "image/webp",
    make: (...size) =>
      raw(...size, 4)
        .withIccProfile("p3")
        .webp()
        .toBuffer(),
  },
}

const segment = (marker: number, content: Buffer) => {
  const head = Buffer.from([0xff, marker, 0, 0])
  head.writeUInt16BE(content.length + 2, 2)
  return Buffer.concat([head, content])
}

/** Puts something between a JPEG's first two bytes and the rest. */
const withBefore = (bytes: Buffer, ...parts: Buffer[]) =>
  Buffer.concat([bytes.subarray(0, 2), ...parts, bytes.subarray(2)])

describe("probe", () => {
  for (const [name, { type, make }] of Object.entries(kinds)) {
    it(`tells the size of a ${name}`, async () => {
      for (const [width, height] of sides)
        assert.deepEqual(await probeBytes(await make(width, height)), { mediaType: type, width, height })
    })
  }

  it("has seen each kind of WebP", async () => {
    const heads = await Promise.all(
      Object.values(kinds)
        .filter(({ type }) => type === "image/webp")
        .map(async ({ make }) => (await make(8, 8)).toString("latin1", 12, 16)),
    )
    assert.deepEqual(heads, ["VP8 ", "VP8L", "VP8X"])
  })

  it("tells the largest sizes", async () => {
    const png = await kinds["PNG"]!.make(16_384, 1)
    assert.equal((await probeBytes(png))?.width, 16_384)
    const webp = await kinds["WebP, lossless"]!.make(16_383, 1)
    assert.equal((await probeBytes(webp))?.width, 16_383)
    assert.equal((await probeBytes(await jpeg(1, 65_500)))?.height, 65_500)
  })

  it("passes by hundreds of kilobytes of segments before the size of a JPEG", async () => {
    const plain = await jpeg(640, 480)
    // As in a provenance manifest: bytes that look like markers and sizes are among them.
    const manifest = Buffer.alloc(65_533, Buffer.from([0xff, 0xc0, 0x00, 0x11, 0x08, 0x00, 0x01, 0x00, 0x01]))
    const parts = Array.from({ length: 20 }, () => segment(0xeb, manifest))
    const expected = { mediaType: "image/jpeg", width: 640, height: 480 }
    assert.deepEqual(await probeBytes(withBefore(plain, ...parts)), expected)
    assert.deepEqual(await probeBytes(withBefore(plain, segment(0xfe, Buffer.alloc(0)))), expected)
    const small = Array.from({ length: 1900 }, () => segment(0xe1, Buffer.alloc(1)))
    assert.deepEqual(await probeBytes(withBefore(plain, ...small)), expected)
    const endless = Array.from({ length: 2100 }, () => segment(0xe1, Buffer.alloc(1)))
    assert.equal(await probeBytes(withBefore(plain, ...endless)), undefined)
  })

  it("passes by fill bytes before a JPEG's markers", async () => {
    const plain = await jpeg(640, 480)
    const fill = Buffer.alloc(7, 0xff)
    const filled = withBefore(plain, fill, segment(0xe5, Buffer.alloc(100)), fill)
    assert.deepEqual(await probeBytes(filled), { mediaType: "image/jpeg", width: 640, height: 480 })
  })

  it("takes tables before the size of a JPEG for tables", async () => {
    const plain = await jpeg(640, 480)
    // Huffman tables, arithmetic coding and an extension stand among the markers of sizes.
    const tables = [0xc4, 0xcc, 0xc8].map((marker) => segment(marker, Buffer.alloc(20, 1)))
    assert.equal((await probeBytes(withBefore(plain, ...tables)))?.width, 640)
  })

  it("knows no size where there is none, or of nothing", async () => {
    const png = await kinds["PNG"]!.make(5, 5)
    const flat = Buffer.from(png)
    flat.writeUInt32BE(0, 20)
    assert.equal(await probeBytes(flat), undefined)
    const soi = Buffer.from([0xff, 0xd8])
    const size = segment(0xc0, Buffer.from([8, 0, 0, 0, 5, 3, 1, 0, 0]))
    assert.equal(await probeBytes(Buffer.concat([soi, size])), undefined)
    assert.equal(await probeBytes(Buffer.concat([soi, Buffer.from([0xff, 0xd9])])), undefined)
    assert.equal(await probeBytes(Buffer.alloc(3000, 0xff).fill(0xd8, 1, 2)), undefined)
  })

  it("knows no other kind of file, whatever it claims", async () => {
    const gif = await raw(5, 5).gif().toBuffer()
    const avif = await raw(64, 64).avif({ effort: 0 }).toBuffer()
    const tiff = await raw(5, 5).tiff().toBuffer()
    const svg = Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" width="5" height="5"/>`.padEnd(99))
    const html = Buffer.from("<!doctype html><title>image/png</title>".padEnd(99))
    const sound = Buffer.concat([Buffer.from("RIFF\x40\0\0\0WAVEfmt "), Buffer.alloc(60)])
    const unknown = Buffer.concat([Buffer.from("RIFF\x40\0\0\0WEBPVP9 "), Buffer.alloc(60)])
    for (const bytes of [gif, avif, tiff, svg, html, sound, unknown, Buffer.alloc(0), Buffer.alloc(99)])
      assert.equal(await probeBytes(bytes), undefined)
  })

  it("answers or not, and never fails, whatever bytes come", async () => {
    const heads = [
      "",
      "\x89PNG\r\n\x1a\n",
      "RIFF\x40\0\0\0WEBPVP8 ",
      "RIFF\x40\0\0\0WEBPVP8L",
      "RIFF\x40\0\0\0WEBPVP8X",
    ]
    const head = fc
      .constantFrom(...heads, "\xff\xd8", "\xff\xd8\xff\xe0\x00\x00")
      .map((text) => Buffer.from(text, "latin1"))
    const property = fc.asyncProperty(head, fc.uint8Array({ maxLength: 200 }), async (start, rest) => {
      const probed = await probeBytes(Buffer.concat([start, rest]))
      if (probed) assert.ok(probed.width > 0 && probed.height > 0)
    })
    await fc.assert(property, { numRuns: 1000 })
  })

  it("answers right or not at all for a file that is cut off, and lives with one that is damaged", async () => {
    for (const { make, type } of Object.values(kinds)) {
      const whole = await make(33, 44)
      for (let length = 0; length < Math.min(whole.length, 3000); length++) {
        const probed = await probeBytes(whole.subarray(0, length))
        if (probed) assert.deepEqual(probed, { mediaType: type, width: 33, height: 44 })
      }
      const damage = fc.array(fc.tuple(fc.nat(Math.min(whole.length, 200) - 1), fc.nat(255)), { maxLength: 5 })
      const property = fc.asyncProperty(damage, async (places) => {
        const bytes = Buffer.from(whole)
        for (const [at, value] of places) bytes[at] = value
        await probeBytes(bytes)
      })
      await fc.assert(property, { numRuns: 200 })
    }
  })
})
