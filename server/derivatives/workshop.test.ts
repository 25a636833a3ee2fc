import assert from "node:assert/strict"
import { describe, it } from "node:test"
import sharp from "sharp"
import type { Stored } from "../bodies/write.ts"
import { GatewayError } from "../errors.ts"
import type { DrawingOrder } from "./drawing.ts"
import { createWorkshop } from "./workshop.ts"
import type { Finished } from "./workshop.ts"

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

async function read({ told, picture }: Finished) {
  const all: Buffer[] = []
  for await (const piece of picture.read()) all.push(Buffer.from(piece))
  assert.equal(Buffer.concat(all).length, picture.bytes)
  return { told, bytes: Buffer.concat(all) }
}

const failureOf = (promise: Promise<unknown>) =>
  promise.then(
    () => assert.fail("it has not failed"),
    (error: unknown) => {
      assert.ok(error instanceof GatewayError, String(error))
      return [error.failure.code, error.failure.detail]
    },
  )

describe("workshop: one piece of work", () => {
  it("gives what was drawn, and what is told of it", async () => {
    const workshop = createWorkshop()
    const { told, bytes } = await workshop.run(order, [stored(await noise(200).png().toBuffer())], read)
    assert.deepEqual(told, { width: 20, height: 20 })
    assert.equal((await sharp(bytes).metadata()).format, "webp")
  })

  it("fails for bytes that are no picture of the three kinds", async () => {
    const workshop = createWorkshop()
    const gif = await noise(20).gif().toBuffer()
    const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>')
    const cut = (await noise(200).png().toBuffer()).subarray(0, 9000)
    for (const bytes of [gif, svg, cut, Buffer.from("no picture"), Buffer.alloc(0)])
      assert.deepEqual(await failureOf(workshop.run(order, [stored(bytes)], read)), [
        ...["image_invalid", "The picture cannot be decoded."],
      ])
  })

  it("fails for a picture of too many pixels before it draws one", async () => {
    const wide = await sharp({ create: { width: 10_001, height: 5000, channels: 3, background: "red" } })
      .png()
      .toBuffer()
    assert.deepEqual(await failureOf(createWorkshop().run(order, [stored(wide)], read)), [
      ...["image_invalid", "The picture cannot be decoded."],
    ])
  })

  it("ends a process that takes too much time or memory", async () => {
    const picture = stored(await noise(1500).png().toBuffer())
    const hurried = createWorkshop({ timeMaxMs: 5 })
    assert.deepEqual(await failureOf(hurried.run(order, [picture], read)), [
      ...["image_invalid", "The picture takes too much time."],
    ])
    const cramped = createWorkshop({ memoryMaxMb: 5 })
    assert.deepEqual(await failureOf(cramped.run(order, [picture], read)), [
      ...["image_invalid", "The picture takes too much memory."],
    ])
  })

  it("ends it as well where what comes of it cannot be kept, and when the server closes", async () => {
    const workshop = createWorkshop()
    const picture = stored(await noise(200).png().toBuffer())
    const full = new Error("the disk is full")
    await assert.rejects(
      workshop.run(order, [picture], () => Promise.reject(full)),
      full,
    )
    const under = workshop.run(order, [picture], read)
    workshop.close()
    assert.equal((await failureOf(under))[0], "unavailable")
    assert.equal((await failureOf(workshop.run(order, [picture], read)))[0], "unavailable")
  })
})

describe("workshop: several", () => {
  it("has so many at once, and refuses when too many wait", async () => {
    const { inTurn } = createWorkshop({ atOnceMax: 2, waitingMax: 3 })
    let [now, most] = [0, 0]
    const gates = Array.from({ length: 5 }, () => Promise.withResolvers<void>())
    const all = gates.map(({ promise }, index) =>
      inTurn(async () => {
        most = Math.max(most, ++now)
        await promise
        now--
        if (index === 1) throw new Error("one fails")
        return index
      }),
    )
    assert.deepEqual((await failureOf(inTurn(async () => 5)))[0], "unavailable")
    for (const { resolve } of gates) resolve()
    const ended = await Promise.allSettled(all)
    assert.deepEqual(
      ended.map(({ status }) => status),
      ["fulfilled", "rejected", "fulfilled", "fulfilled", "fulfilled"],
    )
    assert.equal(most, 2)
    assert.equal(await inTurn(async () => 6), 6)
  })

  it("does once what is asked under one name, until it is done", async () => {
    const { once } = createWorkshop()
    let count = 0
    const work = async () => ++count
    assert.deepEqual(await Promise.all([once("a", work), once("a", work), once("b", work)]), [1, 1, 2])
    assert.equal(await once("a", work), 3)
    await assert.rejects(once("a", () => Promise.reject(new Error("no"))))
    assert.equal(await once("a", work), 4)
  })
})
