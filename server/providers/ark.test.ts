import assert from "node:assert/strict"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, it } from "node:test"
import { ark } from "./ark.ts"
import { describeProvider, inputFor, requestFor } from "./provider.contract.ts"
import type { Recordings } from "./provider.contract.ts"
import { breaking, callWith, connectionError, respond } from "./run.contract.ts"

const recordings = JSON.parse(readFileSync(join(import.meta.dirname, "recordings/ark.json"), "utf8")) as Recordings

describeProvider(ark, recordings)

type Body = { size?: string; stream?: boolean; sequential_image_generation_options?: { max_images: number } }

const models = ["doubao-seedream-5-0-lite", "doubao-seedream-4-5", "doubao-seedream-4-0"]
const bodyFor = (model: string, given: object) => requestFor(ark, model, { prompt: "a kite", ...given }).json as Body

type Event = { event?: string; data: unknown }

const base64 = (text: string) => Buffer.from(text).toString("base64")
const text = (events: Event[]) =>
  events
    .map(({ event, data }) => `${event === undefined ? "" : `event: ${event}\n`}data: ${JSON.stringify(data)}\n\n`)
    .join("")
const type = "text/event-stream"
const streaming = (events: Event[], end = "") =>
  respond(text(events) + end, { headers: { "content-type": "text/event-stream; charset=utf-8" } })

const named = (type: string, more: object): Event => ({
  event: type,
  data: { type, model: "doubao-seedream-4-0-250828", created: 1790001300, ...more },
})
const succeeded = (image_index: number, more: object) =>
  named("image_generation.partial_succeeded", { image_index, size: "2048x2048", ...more })
const failed = (image_index: number, code: string) =>
  named("image_generation.partial_failed", { image_index, error: { code, message: "no. Request id: 0217x" } })
const usage = { generated_images: 2, output_tokens: 32768, total_tokens: 32768 }
const completed = named("image_generation.completed", { usage })
const bill = { usage: { input_tokens: 0, output_tokens: 32768, total_tokens: 32768 } }
const picture = (content: string) => ({ b64_json: base64(content) })

const refusedPicture = {
  code: "content_refused",
  refused: "picture",
  detail: "The vendor's filter refused a picture that was made.",
} as const

describe("Ark's stream", () => {
  it("brings a sequence picture by picture, and what it used at its end", async () => {
    const events = [succeeded(0, picture("spring")), succeeded(1, picture("summer")), completed]
    const { answered, kept, partials } = await callWith(ark, streaming(events, "data: [DONE]\n\n"))
    const marks = [{ mark: "stream:0" }, { mark: "stream:1" }]
    assert.deepEqual(answered.outcome, { state: "done", pictures: marks, bill })
    const texts = marks.map(({ mark }) => answered.pictures.get(mark)?.bytes.toString())
    assert.deepEqual(texts, ["spring", "summer"])
    assert.equal(kept(), 2)
    // The vendor calls whole pictures "partial"; they are no early states.
    assert.deepEqual(partials, [])
  })

  it("goes on after a picture that the filter refused", async () => {
    const events = [
      ...[succeeded(0, picture("spring")), failed(1, "OutputImageSensitiveContentDetected")],
      ...[succeeded(2, picture("autumn")), completed],
    ]
    const { answered, kept } = await callWith(ark, streaming(events))
    const pictures = [{ mark: "stream:0" }, { mark: "stream:1" }]
    assert.deepEqual(answered.outcome, { state: "done", pictures, missing: [refusedPicture], bill })
    assert.equal(kept(), 2)
  })

  it("takes links as well, and names or types alone", async () => {
    const link = "https://a.tos-cn-beijing.volces.com/0.jpeg?X-Tos-Expires=86400&X-Tos-Signature=ab12"
    const { data } = succeeded(0, { url: link, error: null })
    const { data: end } = completed
    for (const events of [
      [{ data }, { data: end }],
      [{ event: "image_generation.partial_succeeded", data: { url: link } }, completed],
    ]) {
      const { answered } = await callWith(ark, streaming(events))
      assert.deepEqual(answered.outcome, { state: "done", pictures: [{ url: link }], bill })
    }
  })

  it("fails with the reason of its first picture where none came", async () => {
    const events = [failed(0, "OutputImageSensitiveContentDetected.DeepFake"), failed(1, "InternalServiceError")]
    const { answered } = await callWith(ark, streaming([...events, named("image_generation.completed", {})]))
    assert.deepEqual(answered.outcome, { state: "failed", failure: refusedPicture })
  })

  it("fails with the error that ends it, under its name or in the data", async () => {
    const error = { code: "InternalServiceError", message: "no" }
    const refused = { code: "InputTextSensitiveContentDetected", message: "no" }
    const table = [
      [{ event: "error", data: { error } }, "provider_error"],
      [{ data: { error } }, "provider_error"],
      [{ event: "error", data: { error: refused } }, "content_refused"],
      [{ event: "error", data: { message: "nothing else" } }, "provider_error"],
      [{ event: "error", data: { error: "gone wrong" } }, "provider_error"],
      [named("image_generation.completed", { error: refused }), "content_refused"],
    ] as const
    for (const [event, code] of table) {
      const { answered, released } = await callWith(ark, streaming([event]))
      assert.ok(answered.outcome.state === "failed")
      assert.equal(answered.outcome.failure.code, code)
      assert.ok(released())
    }
  })

  it("keeps what came before an error, and before a break", async () => {
    const one = succeeded(0, picture("spring"))
    const fault = { event: "error", data: { error: { code: "InternalServiceError", message: "no" } } }
    const sends = [
      streaming([one, fault]),
      streaming([one]),
      breaking(text([one]), connectionError("ECONNRESET"), type),
      breaking(text([one]) + text([one]).slice(0, 90), connectionError("ECONNRESET"), type),
    ]
    for (const send of sends) {
      const { answered, kept } = await callWith(ark, send)
      assert.ok(answered.outcome.state === "done")
      assert.deepEqual(answered.outcome.pictures, [{ mark: "stream:0" }])
      assert.deepEqual(
        answered.outcome.missing?.map(({ code }) => code),
        ["provider_error"],
      )
      assert.equal(kept(), 1)
    }
  })

  it("passes by what means nothing, and counts a success without a picture as missing", async () => {
    const events = [
      named("image_generation.partial_image", { b64_json: base64("lost") }),
      { event: "ping", data: {} },
      succeeded(0, { b64_json: null }),
      succeeded(1, { ...picture("summer"), image_index: "last", size: 5, usage: "a few" }),
      completed,
    ]
    const { answered, kept } = await callWith(ark, streaming(events))
    const pictures = [{ mark: "stream:0" }]
    assert.deepEqual(answered.outcome, { state: "done", pictures, missing: [{ code: "provider_error" }], bill })
    assert.equal(kept(), 1)
  })
})

describe("Ark's calls", () => {
  it("make one picture each, and a whole sequence at once", () => {
    const perCall = (given: object) =>
      models.map((model) => {
        const { vendorModel, input } = inputFor(ark, model, { prompt: "a kite", ...given })
        return ark.limits.imagesPerCall(vendorModel, input)
      })
    assert.deepEqual(perCall({ n: 10 }), [1, 1, 1])
    assert.deepEqual(perCall({ sequential_image_generation: "disabled", n: 10 }), [1, 1, 1])
    for (const sequential_image_generation of ["auto", "enabled"])
      for (const n of [1, 10]) assert.deepEqual(perCall({ sequential_image_generation, n }), [15, 15, 15])
  })

  it("stream where there are several pictures to keep, and nowhere else", () => {
    for (const model of models) {
      assert.equal(bodyFor(model, {}).stream, undefined)
      assert.equal(bodyFor(model, { sequential_image_generation: "auto" }).stream, true)
    }
  })

  it("never send what the vendor has not, nor a seed below zero", () => {
    const given = { n: 4, aspect_ratio: "4:3", seed: -1, output_format: "jpeg" }
    for (const model of models) {
      const fields = Object.keys(bodyFor(model, given)).filter((field) => field !== "output_format")
      const known = ["model", "prompt", "size", "sequential_image_generation", "watermark", "response_format"]
      assert.deepEqual(fields.sort(), [...known, "optimize_prompt_options"].sort())
      assert.equal("output_format" in bodyFor(model, given), model.includes("5-0"))
    }
  })

  it("ask for legal pixels of every ratio in every size", () => {
    const ratios = ["1:1", "4:3", "3:4", "3:2", "2:3", "16:9", "9:16", "21:9", "9:21"]
    const sizes = { "1K": 1, "2K": 4, "3K": 9, "4K": 16, auto: 4 }
    for (const model of models) {
      for (const [size, megapixels] of Object.entries(sizes)) {
        if ((size === "1K" && !model.includes("4-0")) || (size === "3K" && !model.includes("5-0"))) continue
        for (const aspect_ratio of ratios) {
          const [width = 0, height = 0] = bodyFor(model, { size, aspect_ratio }).size!.split("x").map(Number)
          const [across = 0, down = 0] = aspect_ratio.split(":").map(Number)
          const found = `${width}x${height} for ${aspect_ratio} in ${size}`
          assert.ok(Math.abs((width / height / across) * down - 1) < 0.02, found)
          const share = (width * height) / (megapixels * 1024 * 1024)
          assert.ok(share > 0.87 && share < 1.09, found)
          assert.ok(width * height >= (model.includes("4-0") ? 921_600 : 3_686_400), found)
          assert.ok(width * height <= 16_777_216, found)
        }
      }
    }
  })

  it("ask for as many pictures of a sequence as the caller does", () => {
    const most = (given: object) =>
      bodyFor("doubao-seedream-4-5", { sequential_image_generation: "auto", ...given })
        .sequential_image_generation_options?.max_images
    assert.equal(most({}), 15)
    assert.equal(most({ n: 4 }), 4)
    assert.equal(most({ sequential_image_generation_options: {} }), 15)
    assert.equal(most({ sequential_image_generation_options: { max_images: 1 } }), 1)
    assert.equal(most({ sequential_image_generation_options: { max_images: 15 } }), 15)
  })
})
