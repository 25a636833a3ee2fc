import assert from "node:assert/strict"
import { describe, it } from "node:test"
import sharp from "sharp"
import { z } from "zod"
import type { Stored } from "../bodies/write.ts"
import { GatewayError } from "../errors.ts"
import type { DrawingOrder } from "./drawing.ts"
import { createWorkshop } from "./workshop.ts"

type Changes = Parameters<typeof createWorkshop>[1]

const workshopWith = (changes: Changes = {}) => createWorkshop({ warn: () => undefined }, changes)

const order: DrawingOrder = {
  kind: "draw",
  wanted: { width: 20, height: undefined, fit: "inside", format: "webp", quality: 80 },
  xmp: undefined,
}

const stored = (bytes: Buffer): Stored => ({
  bytes: bytes.length,
  // In pieces that are written over, as those of storage are.
  async *read() {
    const piece = Buffer.alloc(1000)
    for (let at = 0; at < bytes.length; at += piece.length)
      yield piece.subarray(0, bytes.subarray(at, at + piece.length).copy(piece))
  },
})

const noise = (side: number) =>
  sharp({
    create: {
      width: side,
      height: side,
      channels: 3,
      background: "red",
      noise: { type: "gaussian", mean: 99, sigma: 50 },
    },
  })

async function read(told: unknown, picture: Stored) {
  const all: Buffer[] = []
  for await (const piece of picture.read()) all.push(Buffer.from(piece))
  assert.equal(Buffer.concat(all).length, picture.bytes)
  return { told, bytes: Buffer.concat(all) }
}

const drawing = (bytes: Buffer) => ({ asked: order, pictures: [stored(bytes)], told: z.unknown(), use: read })

const failureOf = (promise: Promise<unknown>) =>
  promise.then(
    () => assert.fail("it has not failed"),
    (error: unknown) => {
      assert.ok(error instanceof GatewayError, String(error))
      return [error.failure.code, error.failure.detail]
    },
  )

describe("workshop", () => {
  it("gives what was drawn, and what is told of it", async () => {
    const workshop = workshopWith()
    const { told, bytes } = await workshop.run(drawing(await noise(200).png().toBuffer()))
    assert.deepEqual(told, { width: 20, height: 20 })
    assert.equal((await sharp(bytes).metadata()).format, "webp")
  })

  it("fails for bytes that are no picture of the three kinds", async () => {
    const workshop = workshopWith()
    const gif = await noise(20).gif().toBuffer()
    const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>')
    const cut = (await noise(200).png().toBuffer()).subarray(0, 9000)
    for (const bytes of [gif, svg, cut, Buffer.from("no picture"), Buffer.alloc(0)])
      assert.deepEqual(await failureOf(workshop.run(drawing(bytes))), [...["image_invalid", "cannot be decoded"]])
  })

  it("fails for a picture of too many pixels before it draws one", async () => {
    const wide = await sharp({ create: { width: 10_001, height: 5000, channels: 3, background: "red" } })
      .png()
      .toBuffer()
    assert.deepEqual(await failureOf(workshopWith().run(drawing(wide))), [...["image_invalid", "cannot be decoded"]])
  })

  it("ends a process that takes too much time or memory", async () => {
    const job = drawing(await noise(1500).png().toBuffer())
    const hurried = workshopWith({ timeMaxMs: 5 })
    assert.deepEqual(await failureOf(hurried.run(job)), [
      ...["image_invalid", "takes more than 0.005 seconds to decode"],
    ])
    const cramped = workshopWith({ memoryMaxMib: 5 })
    assert.deepEqual(await failureOf(cramped.run(job)), [
      ...["image_invalid", "takes more than 5 MiB of memory to decode"],
    ])
  })

  it("ends it as well where what comes of it cannot be kept, and when the server closes", async () => {
    const workshop = workshopWith()
    const job = drawing(await noise(200).png().toBuffer())
    const full = new Error("the disk is full")
    await assert.rejects(workshop.run({ ...job, use: () => Promise.reject(full) }), full)
    const under = workshop.run(job)
    workshop.close()
    assert.equal((await failureOf(under))[0], "unavailable")
    assert.equal((await failureOf(workshop.run(job)))[0], "unavailable")
  })
})
