import assert from "node:assert/strict"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, it } from "node:test"
import { describeProvider, inputFor, requestFor } from "./provider.contract.ts"
import type { Recordings } from "./provider.contract.ts"
import { answer, callWith, respond } from "./run.contract.ts"
import { stability } from "./stability.ts"

const recordings = JSON.parse(
  readFileSync(join(import.meta.dirname, "recordings/stability.json"), "utf8"),
) as Recordings

describeProvider(stability, recordings)

describe("Stability AI", () => {
  it("is sent a form even where there is no file", () => {
    for (const { model, given } of recordings.requests) {
      const { json, form } = requestFor(stability, model, given)
      assert.equal(json, undefined)
      assert.ok(form && form.length > 0)
    }
  })

  it("is asked for JSON alone, never for one type or another", async () => {
    const { sent } = await callWith(stability, answer({}))
    assert.equal(sent[0]!.headers["accept"], "application/json")
  })

  it("makes one picture a call", () => {
    for (const { model, given } of recordings.requests) {
      const { vendorModel, input } = inputFor(stability, model, given)
      assert.equal(stability.limits.imagesPerCall(vendorModel, input), 1)
    }
  })

  it("is not told a shape where Stable Diffusion starts from a picture, and is told the mode", () => {
    for (const { path, form } of recordings.requests) {
      const { mode, aspect_ratio } = form!.fields
      if (!path.endsWith("/sd3")) assert.equal(mode, undefined)
      else assert.equal(mode, form!.files.length > 0 ? "image-to-image" : "text-to-image")
      if (mode === "image-to-image") assert.equal(aspect_ratio, undefined)
    }
  })

  it("understands the type that it gives its JSON", async () => {
    const headers = { "content-type": "application/json; type=image/png" }
    const { answered } = await callWith(stability, respond(recordings.answers[0]!.body, { headers }))
    assert.deepEqual(answered.outcome, recordings.answers[0]!.outcome)
  })

  it("is waited for as long as it says, where it says it, and else a minute", async () => {
    const waited = async (headers: Record<string, string>) => {
      const { answered } = await callWith(stability, respond("{}", { status: 429, headers }))
      return answered.outcome.state === "failed" ? answered.outcome.failure.retryAfterSeconds : undefined
    }
    assert.equal(await waited({}), 60)
    assert.equal(await waited({ "retry-after": "4" }), 4)
  })
})
