// AIHubMix's own provider for the AI SDK at the imitation of AIHubMix. Its address is fixed, so that its `fetch` leads it
// here. It speaks the OpenAI routes alone; the predictions are held to what other clients read in
// server/sandbox/aihubmix.test.ts.
import assert from "node:assert/strict"
import { after, before, describe, it } from "node:test"
import { createAihubmix } from "@aihubmix/ai-sdk-provider"
import { APICallError, generateImage } from "ai"
import sharp from "sharp"
import { serveSandbox } from "./sandbox.ts"
import type { ServedSandbox } from "./sandbox.ts"

const theirs = "https://aihubmix.com/"

let sandbox: ServedSandbox
before(async () => {
  sandbox = await serveSandbox()
})
after(() => sandbox.end())

const modelWith = (name: string, apiKey = "sk-any") =>
  createAihubmix({
    apiKey,
    fetch: (address, options) => {
      const url = address instanceof Request ? address.url : String(address)
      assert.ok(url.startsWith(theirs), url)
      return fetch(`${sandbox.url}/aihubmix/${url.slice(theirs.length)}`, options)
    },
  }).imageModel(name)

const make = (name: string, wanted: { prompt?: string; size?: `${number}x${number}`; n?: number } = {}, key?: string) =>
  generateImage({ prompt: "a bridge", maxRetries: 0, ...wanted, model: modelWith(name, key) })

describe("AIHubMix's provider for the AI SDK at the imitated AIHubMix", () => {
  it("makes pictures", async () => {
    const { images } = await make("gpt-image-2", { size: "1024x640", n: 2 })
    assert.equal(images.length, 2)
    for (const { uint8Array } of images) assert.equal((await sharp(uint8Array).metadata()).height, 640)
  })

  it("understands refusals", async () => {
    const table = [
      [make("gpt-image-2", { prompt: "sandbox:moderation" }), 400, /safety system/],
      [make("gpt-image-9"), 404, /does not exist/],
      [make("gpt-image-2", {}, "sk-invalid"), 401, /Invalid token \(tid: /],
    ] as const
    for (const [promise, status, message] of table)
      await assert.rejects(promise, (error) => {
        assert.ok(APICallError.isInstance(error), String(error))
        assert.equal(error.statusCode, status)
        assert.match(error.responseBody ?? "", message)
        return true
      })
  })
})
