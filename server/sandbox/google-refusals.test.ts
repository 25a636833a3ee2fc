// What Google imitated refuses, in Google's own way.
import assert from "node:assert/strict"
import { describe, test } from "node:test"
import { bodyOf, gemini, generate, predict, project, send, vertex } from "./google-calls.ts"
import type { Refusal, Wish } from "./google-calls.ts"

describe("refusals", () => {
  const content: [string, Wish, string, RegExp][] = [
    ["gemini-3.1-flash-image", { config: { imageConfig: { imageSize: "1k" } } }, gemini, /image_size/],
    ["gemini-nano-banana-2.1", { config: { imageConfig: { imageSize: "512" } } }, gemini, /image_size/],
    ["gemini-2.5-flash-image", { config: { imageConfig: { imageSize: "1K" } } }, gemini, /image_size/],
    ["gemini-2.5-flash-image", { config: { imageConfig: { aspectRatio: "1:8" } } }, gemini, /aspect_ratio/],
    ["gemini-3.1-flash-image", { config: { imageConfig: { aspectRatio: "9:21" } } }, gemini, /aspect_ratio/],
    [
      "gemini-3.1-flash-image",
      { config: { imageConfig: { imageOutputOptions: { mimeType: "image/png" } } } },
      gemini,
      /Unknown name "imageOutputOptions" at 'generation_config.image_config': Cannot find field/,
    ],
    ["gemini-3.1-flash-image", { config: { imageConfig: { personGeneration: "ALLOW_ALL" } } }, gemini, /Unknown name/],
    ["gemini-3.1-flash-image", { more: { labels: {} } }, gemini, /Unknown name "labels": Cannot find field/],
    [
      "gemini-3.1-flash-image",
      { config: { sampleCount: 2 } },
      vertex,
      /Unknown name "sampleCount" at 'generation_config'/,
    ],
    ["gemini-3.1-flash-image", { config: { candidateCount: 2 } }, gemini, /Multiple candidates/],
    ["gemini-3.1-flash-image", { config: { seed: "7" } }, gemini, /Invalid value at 'generation_config.seed'/],
    ["gemini-3.1-flash-image", { config: { thinkingConfig: { thinkingLevel: "MEDIUM" } } }, gemini, /thinking_level/],
    ["gemini-2.5-flash-image", { more: { tools: [{ googleSearch: {} }] } }, gemini, /google_search/],
    ["gemini-2.5-flash-image", { parts: [{ picture: "x" }] }, gemini, /'contents\[0\].parts\[1\]'/],
  ]
  for (const [model, wish, base, message] of content) {
    test(`${model} ${JSON.stringify(wish)}`, async () => {
      const { status, body } = await generate(model, wish, base)
      assert.deepEqual([status, body.error.code, body.error.status], [400, 400, "INVALID_ARGUMENT"])
      assert.match(body.error.message, message)
    })
  }

  const imagen: [string, object, string][] = [
    ["imagen-4.0-generate-001", { seed: 1 }, gemini],
    ["imagen-4.0-generate-001", { negativePrompt: "rust" }, gemini],
    ["imagen-4.0-generate-001", { addWatermark: true }, gemini],
    ["imagen-4.0-generate-001", { seed: 1 }, vertex],
    ["imagen-4.0-generate-001", { sampleCount: 5 }, vertex],
    ["imagen-4.0-generate-001", { aspectRatio: "3:2" }, vertex],
    ["imagen-4.0-generate-001", { language: "de" }, vertex],
    ["imagen-4.0-fast-generate-001", { sampleImageSize: "1K" }, vertex],
    ["imagen-3.0-generate-002", { sampleImageSize: "2K" }, vertex],
    ["imagen-4.0-ultra-generate-001", { sampleCount: 2 }, gemini],
  ]
  for (const [model, parameters, base] of imagen) {
    test(`${model} ${JSON.stringify(parameters)} at ${new URL(base).hostname}`, async () => {
      const { status, body } = await predict(model, parameters, base)
      assert.deepEqual([status, body.error.status], [400, "INVALID_ARGUMENT"])
    })
  }

  test("keys that are missing, wrong, or of the wrong kind", async () => {
    const refused = async (base: string, headers: Record<string, string>, query = "") => {
      const address = `${base}/models/gemini-2.5-flash-image:generateContent${query}`
      const { status, text: answer } = await send(address, bodyOf({}), { headers })
      const { error } = JSON.parse(answer) as Refusal
      return [status, error.status, error.details?.[0]?.["reason"]]
    }
    assert.deepEqual(await refused(gemini, {}), [403, "PERMISSION_DENIED", undefined])
    assert.deepEqual(await refused(gemini, {}, "?key=invalid"), [400, "INVALID_ARGUMENT", "API_KEY_INVALID"])
    assert.deepEqual(await refused(vertex, {}), [401, "UNAUTHENTICATED", "CREDENTIALS_MISSING"])
    const wrong = { authorization: "Bearer ya29.invalid" }
    assert.deepEqual(await refused(project, wrong), [401, "UNAUTHENTICATED", "ACCESS_TOKEN_TYPE_UNSUPPORTED"])
    const apiKey = { "x-goog-api-key": "k" }
    assert.deepEqual(await refused(project, apiKey), [401, "UNAUTHENTICATED", "CREDENTIALS_MISSING"])
  })

  test("models and methods that there are not", async () => {
    assert.equal((await generate("gemini-9")).status, 404)
    assert.equal((await generate("imagen-4.0-generate-001")).body.error.status, "NOT_FOUND")
    assert.equal((await predict("gemini-2.5-flash-image", {}, vertex)).status, 404)
    assert.equal((await send(`${gemini}/files`)).status, 404)
    const broken = await send(`${gemini}/models/gemini-2.5-flash-image:generateContent`, undefined, { method: "POST" })
    assert.equal(broken.status, 400)
  })

  test("what the filter blocks is a success without a picture, but for Imagen's prompts", async () => {
    const { status, body } = await generate("gemini-2.5-flash-image", { prompt: "sandbox:moderation" })
    assert.deepEqual(
      [status, body.promptFeedback, body.candidates],
      [200, { blockReason: "PROHIBITED_CONTENT" }, undefined],
    )
    const output = await generate("gemini-2.5-flash-image", { prompt: "sandbox:moderation-output" })
    assert.equal(output.body.candidates?.[0]?.finishReason, "IMAGE_SAFETY")
    assert.equal(output.body.candidates[0].content, undefined)
    const imagenPrompt = await predict("imagen-3.0-generate-002", {}, gemini, "sandbox:moderation")
    assert.match(imagenPrompt.body.error.message, /sensitive words/)
  })
})
