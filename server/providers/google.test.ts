import assert from "node:assert/strict"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, it } from "node:test"
import { google } from "./google.ts"
import { describeProvider, inputFor, requestFor } from "./provider.contract.ts"
import type { Recordings } from "./provider.contract.ts"
import { answer, callWith } from "./run.contract.ts"

const recordings = JSON.parse(readFileSync(join(import.meta.dirname, "recordings/google.json"), "utf8")) as Recordings

describeProvider(google, recordings)

describe("the Gemini API", () => {
  it("makes one picture a call of Gemini and of Imagen Ultra, and four of the other Imagens", () => {
    for (const { model } of recordings.requests) {
      const { vendorModel, input } = inputFor(google, model, { prompt: "a key", n: 4 })
      const alone = model.includes("gemini") || model.includes("ultra")
      assert.equal(google.limits.imagesPerCall(vendorModel, input), alone ? 1 : 4, model)
    }
  })

  it("never asks Gemini for several candidates, which are not to be relied on", () => {
    const { json } = requestFor(google, "google/gemini-3-pro-image", { prompt: "a key", n: 4 })
    assert.doesNotMatch(JSON.stringify(json), /candidateCount/)
  })

  it("always asks Imagen why pictures are missing", () => {
    for (const { model } of recordings.requests.filter(({ path }) => path.endsWith(":predict"))) {
      const { parameters } = requestFor(google, model, { prompt: "a key" }).json as { parameters: object }
      assert.equal((parameters as { includeRaiReason?: boolean }).includeRaiReason, true)
    }
  })

  it("keeps a picture whose signature is megabytes of base64, and nothing of the signature", async () => {
    const thoughtSignature = Buffer.alloc(3_000_000, "thoughts").toString("base64")
    const picture = { inlineData: { mimeType: "image/png", data: "aGVsbG8=" }, thoughtSignature }
    // Together more than the text of an answer may be.
    const parts = [{ text: "planning", thought: true, thoughtSignature }, picture]
    const body = { candidates: [{ content: { parts }, finishReason: "STOP" }] }
    const { answered, kept } = await callWith(google, answer(body), { pictureMaxBytes: 10_000_000 })
    assert.deepEqual(answered.outcome, { state: "done", pictures: [{ mark: "picture:1" }] })
    assert.equal(answered.pictures.get("picture:1")?.bytes.toString(), "hello")
    assert.equal(kept(), 1)
  })
})
