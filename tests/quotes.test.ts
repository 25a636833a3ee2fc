// Quotes: what a request would cost, checked like the request itself and kept nowhere.
import assert from "node:assert/strict"
import { after, before, describe, it } from "node:test"
import { call } from "./calls.ts"
import type { Failure } from "./calls.ts"
import { composeServer } from "./harness.ts"
import type { InProcess } from "./harness.ts"

type Quote = { model: string; images: number; credits_per_image: number; credits: number; usd: number }

let server: InProcess
before(async () => {
  server = await composeServer()
})
after(() => server.end())

const quote = (model: string, input: Record<string, unknown>) =>
  call<Quote & Failure>(server, "/v1/quotes", { json: { model, input } })

describe("a quote", () => {
  it("prices what the vendor prices by the picture", async () => {
    const { status, body } = await quote("bfl/flux-kontext-max", { prompt: "a pier", n: 3 })
    assert.equal(status, 200)
    assert.deepEqual(body, { model: "bfl/flux-kontext-max", images: 3, credits_per_image: 8, credits: 24, usd: 0.24 })
  })

  it("grows with size and with every reference picture, without looking at one of them", async () => {
    const price = async (input: Record<string, unknown>) =>
      (await quote("flux-2-pro", { prompt: "a pier", ...input })).body.credits
    assert.equal(await price({}), 3)
    assert.equal(await price({ size: "2K", aspect_ratio: "1:1" }), 7.5)
    assert.equal(await price({ width: 2048, height: 1024 }), 4.5)
    assert.equal(await price({ image: "https://nowhere.invalid/a.png" }), 4.5)
    assert.equal(await price({ image: ["https://nowhere.invalid/a.png", "img_none"], n: 2 }), 12)
  })

  it("grows with quality where the vendor bills tokens", async () => {
    const credits = await Promise.all(
      ["low", "medium", "high"].map(async (quality) => {
        const { body } = await quote("openai/gpt-image-2", { prompt: "a pier", quality, size: "1024x1024" })
        return body.credits
      }),
    )
    assert.deepEqual(
      credits,
      credits.toSorted((a, b) => a - b),
    )
    assert.equal(new Set(credits).size, 3)
  })

  it("refuses what the request itself would be refused for, by name", async () => {
    const { status, body } = await quote("bfl/flux-2-pro", { prompt: "a pier", n: 11, colour: "red" })
    assert.deepEqual([status, body.error.code], [400, "invalid_request"])
    assert.deepEqual(body.error.problems?.map(({ param }) => param).sort(), ["input.colour", "input.n"])
    assert.equal((await quote("bfl/flux-9", { prompt: "x" })).status, 404)
    assert.equal((await call(server, "/v1/quotes", { json: { model: "x", input: {} }, key: null })).status, 401)
  })

  it("is kept nowhere", async () => {
    const { body } = await call<{ data: unknown[] }>(server, "/v1/generations")
    assert.deepEqual(body.data, [])
  })
})

describe("a model of the operator's own", () => {
  it("has no price until he gives it one", async () => {
    const own = await composeServer({
      ATELIER_COMPATIBLE_MODELS: "sketches, paintings=sdxl@0.002",
      COMPATIBLE_BASE_URL: "http://127.0.0.1:9/v1",
    })
    try {
      const priced = async (model: string) => {
        const json = { model, input: { prompt: "a pier", n: 2 } }
        const { status, body } = await call<Quote & Failure>(own, "/v1/quotes", { json })
        return status === 200 ? body.credits : [status, body.error.code, body.error.message]
      }
      assert.equal(await priced("compatible/paintings"), 0.4)
      const message = "The operator has not set a price for compatible/sketches."
      assert.deepEqual(await priced("sketches"), [503, "price_missing", message])
      const { body } = await call<{ data: { id: string; credits_from: number | null }[] }>(own, "/v1/models")
      const prices = new Map(body.data.map(({ id, credits_from }) => [id, credits_from]))
      assert.deepEqual([prices.get("compatible/sketches"), prices.get("compatible/paintings")], [null, 0.2])
    } finally {
      await own.end()
    }
  })
})
