import assert from "node:assert/strict"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, it } from "node:test"
import { describeProvider, requestFor } from "./provider.contract.ts"
import type { Recordings } from "./provider.contract.ts"
import { answer, callWith } from "./run.contract.ts"
import { vertex } from "./vertex.ts"

const recordings = JSON.parse(readFileSync(join(import.meta.dirname, "recordings/vertex.json"), "utf8")) as Recordings

describeProvider(vertex, recordings)

describe("Vertex AI", () => {
  it("takes an access token for what it is, and any other key for an API key", () => {
    assert.deepEqual(vertex.authorize("ya29.a0AfH6SM"), { authorization: "Bearer ya29.a0AfH6SM" })
    assert.deepEqual(vertex.authorize("AQ.Ab8RN6I"), { "x-goog-api-key": "AQ.Ab8RN6I" })
  })

  it("asks the same below the address of a project", async () => {
    const baseUrl = "https://aiplatform.googleapis.com/v1/projects/p/locations/global/publishers/google"
    const request = requestFor(vertex, "google/gemini-3-pro-image", { prompt: "a key" })
    const { sent } = await callWith(vertex, answer({}), { request, baseUrl })
    assert.equal(sent[0]?.url, `${baseUrl}/models/gemini-3-pro-image:generateContent`)
  })
})
