// The AI SDK's client for Azure against the sandbox. It speaks the route in the manner of OpenAI, by deployment, which
// Microsoft has for two FLUX models; the route that our adapter takes is covered by LiteLLM in azure.litellm.test.ts.
import assert from "node:assert/strict"
import { after, before, describe, it } from "node:test"
import { createAzure } from "@ai-sdk/azure"
import { APICallError, generateImage } from "ai"
import sharp from "sharp"
import { kindOf, plainPng } from "../calls.ts"
import { serveSandbox } from "./sandbox.ts"
import type { ServedSandbox } from "./sandbox.ts"

let sandbox: ServedSandbox

before(async () => {
  sandbox = await serveSandbox()
})
after(() => sandbox.end())

type Wanted = Pick<Parameters<typeof generateImage>[0], "prompt"> & { size?: `${number}x${number}`; n?: number }

function make(model: string, wanted: Wanted, apiKey = "any") {
  const options = { baseURL: `${sandbox.url}/azure/openai`, apiVersion: "preview", useDeploymentBasedUrls: true }
  return generateImage({ maxRetries: 0, ...wanted, model: createAzure({ ...options, apiKey }).image(model) })
}

async function sizeOf(bytes: Uint8Array): Promise<string> {
  const { width, height } = await sharp(bytes).metadata()
  return `${width}x${height} ${kindOf(bytes)}`
}

describe("the AI SDK at an imitated resource of Azure", () => {
  for (const [model, kind] of [
    ["FLUX.1-Kontext-pro", "png"],
    ["FLUX-1.1-pro", "jpeg"],
  ] as const)
    it(`makes pictures with ${model}`, async () => {
      const { images } = await make(model, { prompt: "a tram in fog", size: "512x256", n: 2 })
      const sizes = await Promise.all(images.map(({ uint8Array }) => sizeOf(uint8Array)))
      assert.deepEqual(sizes, [`512x256 ${kind}`, `512x256 ${kind}`])
      assert.notDeepEqual(images[0]?.uint8Array, images[1]?.uint8Array)
    })

  it("edits a picture with Kontext", async () => {
    const prompt = { text: "make it winter", images: [await plainPng()] }
    const { image } = await make("FLUX.1-Kontext-pro", { prompt, size: "256x256" })
    assert.equal(await sizeOf(image.uint8Array), "256x256 png")
  })

  const refusal = (model: string, wanted: Wanted, key?: string) =>
    make(model, wanted, key).then(
      () => assert.fail("a picture came"),
      (error: unknown) => (APICallError.isInstance(error) ? error : assert.fail(String(error))),
    )

  it("understands refusals, and which of them may pass", async () => {
    for (const [word, status, isRetryable] of [
      ["moderation", 400, false],
      ["moderation-output", 400, false],
      ["rate-limit", 429, true],
      ["no-credit", 403, false],
      ["overloaded", 503, true],
    ] as const) {
      const error = await refusal("FLUX.1-Kontext-pro", { prompt: `a tram sandbox:${word}` })
      assert.deepEqual([error.statusCode, error.isRetryable], [status, isRetryable], word)
      assert.match(error.message, /filter|rate limit|blocked|overloaded/)
    }
    assert.equal((await refusal("FLUX.1-Kontext-pro", { prompt: "a tram" }, "invalid")).statusCode, 401)
    const unknown = await refusal("FLUX.2-pro", { prompt: "a tram" })
    assert.deepEqual([unknown.statusCode, unknown.message], [404, "Resource not found"])
  })
})
