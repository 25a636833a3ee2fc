// The AI SDK's client for Black Forest Labs against the sandbox: submitted, polled and fetched as it does with the vendor.
import assert from "node:assert/strict"
import { after, before, describe, it } from "node:test"
import { createBlackForestLabs } from "@ai-sdk/black-forest-labs"
import { APICallError, generateImage } from "ai"
import sharp from "sharp"
import { kindOf, plainPng } from "../calls.ts"
import { serveSandbox } from "./sandbox.ts"
import type { ServedSandbox } from "./sandbox.ts"

let sandbox: ServedSandbox
let flux: ReturnType<typeof createBlackForestLabs>

const clientWith = (apiKey: string) =>
  createBlackForestLabs({ baseURL: `${sandbox.url}/bfl/v1`, apiKey, pollIntervalMillis: 10, pollTimeoutMillis: 100 })

before(async () => {
  sandbox = await serveSandbox()
  flux = clientWith("any")
})
after(() => sandbox.end())

type Wanted = Omit<Parameters<typeof generateImage>[0], "model" | "prompt"> & {
  prompt?: Parameters<typeof generateImage>[0]["prompt"]
}

const make = (model: string, wanted: Wanted = {}, client = flux) =>
  generateImage({ prompt: "a red kite", maxRetries: 0, ...wanted, model: client.image(model) })

async function sizeOf(bytes: Uint8Array): Promise<string> {
  const { width, height } = await sharp(bytes).metadata()
  return `${width}x${height} ${kindOf(bytes)}`
}

describe("the AI SDK makes FLUX pictures", () => {
  for (const [model, options, size] of [
    ["flux-2-pro", { width: 512, height: 256, outputFormat: "png" }, "512x256 png"],
    ["flux-2-flex", { width: 256, height: 256, steps: 20, guidance: 4, promptUpsampling: false }, "256x256 jpeg"],
    ["flux-2-klein-4b", { width: 256, height: 256 }, "256x256 jpeg"],
    ["flux-pro-1.1", { width: 320, height: 256, promptUpsampling: true }, "320x256 jpeg"],
    ["flux-dev", { width: 320, height: 256, steps: 28, guidance: 3 }, "320x256 jpeg"],
  ] as const)
    it(`${model} in pixels`, async () => {
      const { image } = await make(model, { seed: 7, providerOptions: { blackForestLabs: options } })
      assert.equal(await sizeOf(image.uint8Array), size)
    })

  for (const [model, size] of [
    ["flux-kontext-pro", "672x1568 png"],
    ["flux-kontext-max", "672x1568 png"],
    ["flux-pro-1.1-ultra", "1344x3136 jpeg"],
  ] as const)
    it(`${model} in a ratio`, async () => {
      const options = model.endsWith("ultra") ? { raw: true } : {}
      const wanted = { aspectRatio: "9:21", providerOptions: { blackForestLabs: options } } as const
      assert.equal(await sizeOf((await make(model, wanted)).image.uint8Array), size)
    })

  it("and hears by which seed, how large and for how much", async () => {
    const blackForestLabs = { width: 256, height: 256 }
    const { providerMetadata } = await make("flux-2-pro", { seed: 11, providerOptions: { blackForestLabs } })
    const [{ seed, cost, outputMegapixels, duration }] = providerMetadata["blackForestLabs"]!.images as [
      Record<string, number>,
    ]
    assert.deepEqual([seed, cost, outputMegapixels, duration], [11, 3, 0.07, 0])
  })
})

describe("the AI SDK edits pictures with FLUX", () => {
  for (const model of ["flux-2-pro", "flux-2-klein-9b", "flux-kontext-max"])
    it(`${model}: two pictures, whose first one says the size`, async () => {
      const images = await Promise.all([plainPng({ width: 256, height: 128 }), plainPng()])
      const { image } = await make(model, { prompt: { text: "repaint", images } })
      const { width, height } = await sharp(image.uint8Array).metadata()
      assert.ok(Math.abs(width / height - 2) < 0.1, `${width}x${height}`)
      assert.notDeepEqual(image.uint8Array, (await make(model, { prompt: "repaint" })).image.uint8Array)
    })

  it("flux-pro-1.1-ultra: one to remix", async () => {
    const imagePrompt = (await plainPng()).toString("base64")
    const blackForestLabs = { imagePrompt, imagePromptStrength: 0.5 }
    const wanted = { aspectRatio: "1:1", providerOptions: { blackForestLabs } } as const
    const { image } = await make("flux-pro-1.1-ultra", wanted)
    assert.equal(await sizeOf(image.uint8Array), "2048x2048 jpeg")
  })
})

describe("the AI SDK understands that FLUX refuses", () => {
  const small = { providerOptions: { blackForestLabs: { width: 256, height: 256 } } }
  const refusal = (model: string, wanted: Wanted, client = flux) =>
    make(model, { ...small, ...wanted }, client).then(
      () => assert.fail("a picture came"),
      (error: Error) => error,
    )

  it("a key, an account, a queue and a fault, with what was said of each", async () => {
    for (const [word, status, message] of [
      ["no-credit", 402, "Insufficient credits"],
      ["rate-limit", 429, "Too many active tasks"],
      ["error", 500, "Internal Server Error"],
      ["overloaded", 503, "Service Unavailable"],
    ] as const) {
      const error = await refusal("flux-2-pro", { prompt: `a kite sandbox:${word}` })
      assert.ok(APICallError.isInstance(error), String(error))
      assert.deepEqual([error.statusCode, error.message], [status, message])
      assert.equal(error.isRetryable, status !== 402)
    }
    const error = await refusal("flux-2-pro", {}, clientWith("invalid"))
    assert.ok(APICallError.isInstance(error) && error.statusCode === 401)
  })

  it("a value, with the field that it was in", async () => {
    const error = await refusal("flux-2-pro", { providerOptions: { blackForestLabs: { width: 300, height: 256 } } })
    assert.ok(APICallError.isInstance(error) && error.statusCode === 422)
    const [{ loc }] = JSON.parse(error.message) as [{ loc: unknown }]
    assert.deepEqual(loc, ["body", "width"])
  })

  it("a task that failed; one that was moderated it asks for until its patience ends, as it does with the vendor", async () => {
    const ends = {
      "task-error": /failed/,
      moderation: /timed out/,
      "moderation-output": /Invalid JSON response|status/,
    }
    for (const [word, message] of Object.entries(ends))
      assert.match((await refusal("flux-2-pro", { prompt: `a kite sandbox:${word}` })).message, message)
  })
})
