// What goes to Google and what the sandbox answers in its name, held against Google's own description of the Gemini API.
import assert from "node:assert/strict"
import { readFileSync } from "node:fs"
import { after, before, describe, it } from "node:test"
import { serveSandbox } from "../clients/sandbox.ts"
import type { ServedSandbox } from "../clients/sandbox.ts"
import { fromDiscovery } from "./discovery.ts"
import { createExcuses, describeApi, needsSpecs, readSpec } from "./openapi.ts"
import type { Description } from "./openapi.ts"

type Recorded = { name: string; path: string; json: unknown }

const recordings = new URL("../../server/providers/recordings/google.json", import.meta.url)
const { requests } = JSON.parse(readFileSync(recordings, "utf8")) as { requests: Recorded[] }

const excuses = createExcuses([])

describe("Google's description of the Gemini API", needsSpecs, () => {
  let api: Description
  let sandbox: ServedSandbox
  before(async () => {
    api = describeApi(fromDiscovery(readSpec("gemini.discovery.json") as Parameters<typeof fromDiscovery>[0]))
    sandbox = await serveSandbox()
  })
  after(() => sandbox.end())

  for (const { name, path, json } of requests)
    it(`has every field that is sent: ${name}`, () => {
      assert.deepEqual(excuses.apply(api.request(`POST /v1beta${path}`, json)), [])
    })

  it("knows a wrong request", () => {
    const operation = "POST /v1beta/models/gemini-3-pro-image:generateContent"
    const wrong = { contents: [{ parts: [{ txt: "x" }] }], generationConfig: { imageConfig: { aspectRatio: 1 } } }
    assert.equal(api.request(operation, wrong).length, 2)
  })

  const content = (text: string) => ({ contents: [{ role: "user", parts: [{ text }] }], generationConfig })
  const generationConfig = { responseModalities: ["TEXT", "IMAGE"] }
  const asked: [string, string, unknown][] = [
    ["a picture", "gemini-2.5-flash-image:generateContent", content("a key")],
    ["a refused prompt", "gemini-2.5-flash-image:generateContent", content("sandbox:moderation")],
    ["a refused picture", "gemini-2.5-flash-image:generateContent", content("sandbox:moderation-output")],
    ["no picture", "gemini-2.5-flash-image:generateContent", content("sandbox:no-image")],
    ["Imagen's pictures", "imagen-4.0-fast-generate-001:predict", { instances: [{ prompt: "a key" }], parameters: {} }],
  ]
  for (const [name, path, json] of asked)
    it(`has every field that the sandbox answers: ${name}`, async () => {
      const response = await fetch(`${sandbox.url}/google/v1beta/models/${path}`, {
        method: "POST",
        headers: { "x-goog-api-key": "any", "content-type": "application/json" },
        body: JSON.stringify(json),
      })
      assert.equal(response.status, 200)
      assert.deepEqual(excuses.apply(api.answer(`POST /v1beta/models/${path}`, 200, await response.json())), [])
    })

  it("needs no excuse that no longer holds", () => {
    assert.deepEqual(excuses.unused(), [])
  })
})
