import assert from "node:assert/strict"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, it } from "node:test"
import { openai } from "./openai.ts"
import { describeProvider, inputFor } from "./provider.contract.ts"
import type { Recordings } from "./provider.contract.ts"
import type { Outcome } from "./provider.ts"
import { callWith, respond } from "./run.contract.ts"

const recordings = JSON.parse(readFileSync(join(import.meta.dirname, "recordings/openai.json"), "utf8")) as Recordings

describeProvider(openai, recordings)

const base64 = (text: string) => Buffer.from(text).toString("base64")

type Event = { event?: string; data: unknown }

const streaming = (events: Event[], end = "") => {
  const lines = events.map(
    ({ event, data }) => `${event === undefined ? "" : `event: ${event}\n`}data: ${JSON.stringify(data)}\n\n`,
  )
  return respond(lines.join("") + end, { headers: { "content-type": "text/event-stream; charset=utf-8" } })
}

const partial = (kind: string, index: number, text: string): Event => {
  const type = `${kind}.partial_image`
  return { event: type, data: { type, b64_json: base64(text), created_at: 1790000130, partial_image_index: index } }
}

const completed = (kind: string, text: string, more: object = {}): Event => {
  const type = `${kind}.completed`
  return { event: type, data: { type, b64_json: base64(text), created_at: 1790000131, output_format: "png", ...more } }
}

const usage = { input_tokens: 14, output_tokens: 272, total_tokens: 286 }
const countedUsage = { ...usage, output_tokens_details: { image_tokens: 272, text_tokens: 0 } }
const aPicture = { state: "done", pictures: [{ mark: "picture:0", notes: {} }] } as const

describe("OpenAI's stream", () => {
  for (const kind of ["image_generation", "image_edit"]) {
    it(`${kind}: hands on each early state in its order, and ends with the picture and its tokens`, async () => {
      const events = [partial(kind, 0, "dim"), partial(kind, 1, "clearer"), completed(kind, "clear", { usage })]
      const { answered, partials, kept } = await callWith(openai, streaming(events))
      assert.deepEqual(partials, [
        { index: 0, text: "dim" },
        { index: 1, text: "clearer" },
      ])
      assert.deepEqual(answered.outcome, { ...aPicture, bill: { usage: countedUsage } })
      assert.equal(answered.pictures.get("picture:0")?.bytes.toString(), "clear")
      assert.equal(kept(), 1)
    })
  }

  it("tells events apart by their type where the event has no name", async () => {
    const named = [partial("image_edit", 2, "dim"), completed("image_edit", "clear")]
    const { answered, partials } = await callWith(openai, streaming(named.map(({ data }) => ({ data }))))
    assert.deepEqual(partials, [{ index: 2, text: "dim" }])
    assert.deepEqual(answered.outcome, aPicture)
  })

  it("tells events apart by their name where the data has no type", async () => {
    const events = [{ event: "image_generation.completed", data: { b64_json: base64("clear") } }]
    assert.deepEqual((await callWith(openai, streaming(events))).answered.outcome, aPicture)
  })

  it("passes by what means nothing, pictures in it too, and does not mind nulls", async () => {
    const events = [
      { event: "keepalive", data: {} },
      { event: "image_generation.sketch", data: { type: "image_generation.sketch", b64_json: base64("lost") } },
      { event: "image_generation.partial_image", data: { type: null, b64_json: null, partial_image_index: null } },
      completed("image_generation", "clear", { error: null, usage: null, partial_image_index: null }),
    ]
    const { answered, kept } = await callWith(openai, streaming(events, "data: [DONE]\n\n"))
    assert.deepEqual(answered.outcome, aPicture)
    assert.equal(kept(), 1)
  })

  it("does not lose the picture to tokens that nobody understands", async () => {
    const { answered } = await callWith(openai, streaming([completed("image_edit", "clear", { usage: "a few" })]))
    assert.deepEqual(answered.outcome, aPicture)
  })

  it("takes an end without the picture for a failure", async () => {
    const half = [partial("image_generation", 0, "dim")]
    for (const send of [
      streaming([]),
      streaming([], "data: [DONE]\n\n"),
      streaming(half),
      streaming(half, ": bye\n"),
    ]) {
      const { answered, kept } = await callWith(openai, send)
      const failure = { code: "provider_error", detail: "The vendor's stream ended without a picture." }
      assert.deepEqual(answered.outcome, { state: "failed", failure })
      assert.equal(kept(), 0)
    }
  })

  it("takes a last event without a picture for a failure", async () => {
    const data = { type: "image_generation.completed", usage }
    const { answered } = await callWith(openai, streaming([{ data }]))
    assert.equal(failureOf(answered.outcome).detail, "The vendor answered without a picture.")
  })

  const failureOf = (outcome: Outcome) => {
    assert.ok(outcome.state === "failed")
    return outcome.failure
  }

  it("takes an error for what it is, under its name or in the data", async () => {
    const blocked = { message: "m", type: "image_generation_user_error", param: null, code: "moderation_blocked" }
    const fault = { message: "The server had an error", type: "server_error", param: null, code: null }
    const table = [
      [{ event: "error", data: { type: "error", error: blocked } }, "content_refused"],
      [{ data: { error: blocked } }, "content_refused"],
      [{ event: "error", data: { type: "error", error: fault } }, "provider_error"],
      [{ data: { error: "gone wrong" } }, "provider_error"],
      [{ event: "error", data: { error: { ...fault, code: "insufficient_quota" } } }, "provider_unavailable"],
    ] as const
    for (const [event, code] of table) {
      const { answered, kept, released } = await callWith(openai, streaming([partial("image_edit", 0, "dim"), event]))
      assert.equal(failureOf(answered.outcome).code, code)
      assert.equal(kept(), 0)
      assert.ok(released())
    }
  })

  it("takes an event that it cannot understand for a failure, and keeps nothing of it", async () => {
    const events = [{ b64_json: base64("lost"), partial_image_index: "first", type: "x.partial_image" }, "ping", 5, []]
    for (const data of events) {
      const { answered, kept, released } = await callWith(openai, streaming([{ data }]))
      assert.equal(failureOf(answered.outcome).code, "provider_error")
      assert.equal(kept(), 0)
      assert.ok(released())
    }
  })
})

describe("OpenAI's calls", () => {
  it("make up to ten pictures, and one where each has early states or the model makes no more", () => {
    const perCall = (model: string, given: object) => {
      const { vendorModel, input } = inputFor(openai, model, { prompt: "a boat", ...given })
      return openai.limits.imagesPerCall(vendorModel, input)
    }
    assert.equal(perCall("gpt-image-2", {}), 10)
    assert.equal(perCall("gpt-image-1", { n: 10, partial_images: 0 }), 10)
    assert.equal(perCall("gpt-image-1", { partial_images: 1 }), 1)
    assert.equal(perCall("dall-e-3", {}), 1)
  })

  it("never ask a GPT model for a form of answer, which it refuses", () => {
    for (const { json, model } of recordings.requests)
      assert.equal(JSON.stringify(json ?? {}).includes("response_format"), model === "openai/dall-e-3")
  })
})
