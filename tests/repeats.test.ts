// The same request sent again: one call to the vendor, one charge, and the same answer for all.
import assert from "node:assert/strict"
import { after, before, describe, it } from "node:test"
import { setTimeout as sleep } from "node:timers/promises"
import { call, plainPng } from "./calls.ts"
import type { Failure, Generation, Reply } from "./calls.ts"
import { composeServer, sandboxCalls } from "./harness.ts"
import type { InProcess } from "./harness.ts"

let server: InProcess
before(async () => {
  server = await composeServer()
})
after(() => server.end())

const model = "openai/gpt-image-2"
const native = (prompt: string, more: object = {}) => ({ model, input: { prompt, quality: "low", ...more }, wait: 60 })

const send = <Body = Generation & Failure>(
  path: string,
  json: unknown,
  headers: Record<string, string>,
  signal?: AbortSignal,
) => call<Body>(server, path, { json, headers, ...(signal ? { signal } : {}) })

const keyed = (key: string) => ({ "idempotency-key": key })
const callsFor = (prompt: string) => sandboxCalls(server).filter((one) => one.prompt === prompt).length

/** Sends again while the first is worked on, as a client would. */
async function persist(path: string, json: unknown, key: string): Promise<Reply<Generation & Failure>> {
  for (let tries = 0; tries < 200; tries++, await sleep(25)) {
    const reply = await send(path, json, keyed(key))
    if (reply.status !== 409) return reply
    assert.equal(reply.body.error.code, "idempotency_in_progress")
    assert.ok(Number(reply.headers.get("retry-after")) >= 1)
  }
  return assert.fail("still in progress")
}

describe("a request with an Idempotency-Key", () => {
  it("is worked on once for 64 who send it at once, some of whom hang up", async () => {
    const prompt = "one gate for all"
    const before = (await call<{ available: number }>(server, "/v1/credits")).body.available
    const told = await Promise.all(
      Array.from({ length: 64 }, async (_, index) => {
        if (index % 8 !== 0) return persist("/v1/generations", native(prompt), "one-gate")
        const hangUp = AbortSignal.timeout(1 + index)
        return send("/v1/generations", native(prompt), keyed("one-gate"), hangUp).catch(() => undefined)
      }),
    )
    const answers = told.filter((reply) => reply?.status === 200).map((reply) => reply!)
    assert.ok(answers.length >= 56, told.map((reply) => reply?.status).join())
    assert.equal(new Set(answers.map(({ body }) => body.id)).size, 1)
    assert.equal(new Set(answers.map(({ body }) => body.images[0]?.sha256)).size, 1)
    assert.equal(callsFor(prompt), 1)
    const after = (await call<{ available: number }>(server, "/v1/credits")).body.available
    const { body } = await call<{ data: { credits: number }[] }>(server, "/v1/usage")
    assert.ok(before - after > 0 && before - after < 3, `${before - after} for one picture of low quality`)
    assert.ok(body.data.length > 0)
  })

  it("is told to be a repetition, and answers what it answered, in every dialect", async () => {
    const bodies: [string, (prompt: string) => unknown][] = [
      ["/v1/generations", (prompt) => native(prompt)],
      ["/v1/images/generations", (prompt) => ({ model, prompt, quality: "low" })],
      [`/v1/models/${model}/predictions`, (prompt) => ({ input: { prompt, quality: "low" } })],
      ["/v1/models/bfl/flux-2-pro/predictions", (prompt) => ({ input: { prompt } })],
      [
        "/gemini/v1beta/models/gemini-2.5-flash-image:generateContent",
        (text) => ({ contents: [{ parts: [{ text }] }] }),
      ],
      ["/ideogram/v1/ideogram-v3/generate", (prompt) => ({ prompt, rendering_speed: "TURBO" })],
    ]
    for (const [path, bodyOf] of bodies) {
      const prompt = `again by ${path}`
      const first = await send(path, bodyOf(prompt), keyed("again"))
      const second = await send(path, bodyOf(prompt), keyed("again"))
      assert.deepEqual([first.status, second.status], [200, 200], first.text.slice(0, 300))
      assert.deepEqual(
        [first, second].map(({ headers }) => headers.get("idempotent-replayed")),
        [null, "true"],
      )
      assert.equal(second.headers.get("atelier-generation"), first.headers.get("atelier-generation"), path)
      // A task is begun by the worker.
      for (let looks = 0; callsFor(prompt) === 0 && looks < 100; looks++) await sleep(20)
      assert.equal(callsFor(prompt), 1, path)
    }
  })

  it("answers the same failure again, and none that came before it was accepted", async () => {
    const failing = native("sandbox:moderation again")
    const [first, second] = [
      await send("/v1/images/generations", { model, prompt: "sandbox:moderation again" }, keyed("failing")),
      await send("/v1/images/generations", { model, prompt: "sandbox:moderation again" }, keyed("failing")),
    ]
    assert.deepEqual([first!.body.error.code, second!.body.error.code], ["content_refused", "content_refused"])
    assert.equal(second!.body.error.generation_id, first!.body.error.generation_id)
    assert.equal((await send("/v1/generations", { ...failing, model: "nobody" }, keyed("corrected"))).status, 404)
    assert.equal((await send("/v1/generations", native("corrected now"), keyed("corrected"))).status, 200)
  })

  it("is refused with 422 for another request, and is another's for another project, route and day", async () => {
    await send("/v1/generations", native("mine"), keyed("shared"))
    const other = await send("/v1/generations", native("not mine"), keyed("shared"))
    assert.deepEqual([other.status, other.body.error.code], [422, "idempotency_mismatch"])
    const elsewhere = await send("/v1/images/generations", { model, prompt: "mine", quality: "low" }, keyed("shared"))
    assert.equal(elsewhere.headers.get("idempotent-replayed"), null)
    const { app } = server.atelier
    const { now } = app.clock
    app.clock.now = () => Date.now() + 24 * 3_600_000 + 1
    try {
      const { status, headers } = await send("/v1/generations", native("not mine"), keyed("shared"))
      assert.deepEqual([status, headers.get("idempotent-replayed")], [200, null])
    } finally {
      app.clock.now = now
    }
  })

  it("is the same whatever the order of its fields, and by its pictures' content", async () => {
    const image = (await plainPng({ width: 128, height: 128 })).toString("base64")
    const first = await send("/v1/generations", native("with a picture", { image }), keyed("picture"))
    const turned = {
      wait: 60,
      input: { image: `data:image/png;base64,${image}`, quality: "low", prompt: "with a picture" },
      model,
    }
    const second = await send("/v1/generations", turned, keyed("picture"))
    assert.equal(second.body.id, first.body.id)
    const other = (await plainPng({ width: 130, height: 128 })).toString("base64")
    const third = await send("/v1/generations", native("with a picture", { image: other }), keyed("picture"))
    assert.equal(third.status, 422)
  })

  it("has a key of 1 to 255 visible characters", async () => {
    for (const key of ["a b", "x".repeat(256), "é"]) {
      const { status, body } = await send("/v1/generations", native("x"), {
        "idempotency-key": encodeURI(key) === key ? key : "a b",
      })
      assert.deepEqual([status, body.error.param], [400, "Idempotency-Key"])
    }
  })
})

describe("a request that an SDK sends again by itself", () => {
  const retry = (count: number) => ({ "x-stainless-retry-count": String(count) })

  it("joins the first, where its answer was never delivered", async () => {
    const prompt = "sandbox:slow bridge"
    const json = { model, prompt, quality: "low" }
    const hangUp = AbortSignal.timeout(300)
    await assert.rejects(send("/v1/images/generations", json, retry(0), hangUp))
    const { status, headers } = await send("/v1/images/generations", json, retry(1))
    assert.deepEqual([status, headers.get("idempotent-replayed")], [200, "true"])
    assert.equal(callsFor(prompt), 1)
  })

  it("is another request where the first was answered, or failed", async () => {
    const json = { model, prompt: "an answered bridge", quality: "low" }
    for (const count of [0, 0, 1]) {
      const { status, headers } = await send("/v1/images/generations", json, retry(count))
      assert.deepEqual([status, headers.get("idempotent-replayed")], [200, null])
    }
    assert.equal(callsFor("an answered bridge"), 3)
    const failing = { model, prompt: "sandbox:no-image bridge" }
    for (const count of [0, 1, 2])
      assert.equal((await send("/v1/images/generations", failing, retry(count))).status, 502)
    assert.equal(callsFor("sandbox:no-image bridge"), 3)
  })
})
