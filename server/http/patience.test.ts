import assert from "node:assert/strict"
import { it } from "node:test"
import type { TestContext } from "node:test"
import type { FastifyRequest } from "fastify"
import { GatewayError } from "../errors.ts"
import { withPatience } from "./patience.ts"

function begin(t: TestContext) {
  t.mock.timers.enable({ apis: ["setInterval"] })
  const raw = { complete: false, socket: { bytesRead: 0 } }
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const work = withPatience({ raw } as unknown as FastifyRequest, 30, promise)
  let ended: unknown
  work.then(
    (value) => (ended = value),
    (error: unknown) => (ended = error),
  )
  /** Half a minute in which so many bytes come. */
  const pass = async (bytes: number) => {
    raw.socket.bytesRead += bytes
    t.mock.timers.tick(30_000)
    await new Promise(setImmediate)
    return ended
  }
  return { raw, resolve, reject, pass }
}

it("a body that keeps coming may take as long as it likes, and one that stalls is cut off", async (t) => {
  const { pass, reject } = begin(t)
  for (let count = 0; count < 100; count++) assert.equal(await pass(30_000), undefined)
  const error = await pass(29_999)
  assert.ok(error instanceof GatewayError)
  assert.equal(error.failure.code, "too_slow")
  // What the reading still meets belongs to nobody.
  reject(new Error("aborted"))
  await new Promise(setImmediate)
})

it("a body that is there is given all the time its reading takes", async (t) => {
  const { raw, pass, resolve } = begin(t)
  raw.complete = true
  assert.equal(await pass(0), undefined)
  resolve("read")
  assert.equal(await pass(0), "read")
})
