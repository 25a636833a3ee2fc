// Google imitated, as Google's own SDK and Vercel's AI SDK see it over HTTP.
import assert from "node:assert/strict"
import { after, before, describe, it } from "node:test"
import { createGoogleGenerativeAI } from "@ai-sdk/google"
import type { GenerateContentResponse } from "@google/genai"
import { ApiError, GoogleGenAI } from "@google/genai"
import { APICallError, generateImage, NoImageGeneratedError } from "ai"
import sharp from "sharp"
import { plainPng } from "../calls.ts"
import { serveSandbox } from "./sandbox.ts"
import type { ServedSandbox } from "./sandbox.ts"

let sandbox: ServedSandbox
before(async () => {
  sandbox = await serveSandbox()
})
after(() => sandbox.end())

const apis = {
  "the Gemini API": (apiKey = "k") => new GoogleGenAI({ apiKey, httpOptions: { baseUrl: `${sandbox.url}/google` } }),
  "Vertex AI in express mode": (apiKey = "k") =>
    new GoogleGenAI({ vertexai: true, apiKey, httpOptions: { baseUrl: `${sandbox.url}/vertex` } }),
}

const model = "gemini-2.5-flash-image"

const bytesOf = ({ candidates }: GenerateContentResponse) =>
  Buffer.from(candidates?.[0]?.content?.parts?.find((part) => part.inlineData)?.inlineData?.data ?? "", "base64")

async function about(bytes: Uint8Array) {
  const { width, height, format } = await sharp(bytes).metadata()
  return `${width}x${height} ${format}`
}

/** The status of Google's own words, out of the SDK's error. */
async function refused(promise: Promise<unknown>, status: number, word: string) {
  await assert.rejects(promise, (error) => {
    assert.ok(error instanceof ApiError, String(error))
    assert.equal(error.status, status)
    const { error: told } = JSON.parse(error.message) as { error: { status: string } }
    assert.equal(told.status, word)
    return true
  })
}

for (const [title, clientWith] of Object.entries(apis)) {
  describe(`@google/genai on ${title}`, () => {
    it("makes a picture and counts its tokens", async () => {
      const config = { responseModalities: ["IMAGE"], imageConfig: { aspectRatio: "16:9" } }
      const answer = await clientWith().models.generateContent({ model, contents: "a kite", config })
      assert.equal(await about(bytesOf(answer)), "1344x768 png")
      assert.equal(answer.usageMetadata?.candidatesTokenCount, 1290)
    })

    it("edits one, and answers in words as well", async () => {
      const data = (await plainPng({ width: 90, height: 160 })).toString("base64")
      const contents = [{ text: "make it red" }, { inlineData: { mimeType: "image/png", data } }]
      const answer = await clientWith().models.generateContent({ model, contents })
      assert.equal(await about(bytesOf(answer)), "768x1344 png")
      assert.match(answer.candidates?.[0]?.content?.parts?.[0]?.text ?? "", /painted offline/)
    })

    it("streams", async () => {
      const stream = await clientWith().models.generateContentStream({ model, contents: "a kite" })
      const chunks: GenerateContentResponse[] = []
      for await (const chunk of stream) chunks.push(chunk)
      assert.equal(chunks.length, 3)
      assert.equal(await about(bytesOf(chunks[1]!)), "1024x1024 png")
      assert.equal(chunks[2]?.candidates?.[0]?.finishReason, "STOP")
    })

    it("is told what is wrong, and what the filter blocks", async () => {
      const generate = (contents: string, apiKey?: string) =>
        clientWith(apiKey).models.generateContent({ model, contents })
      const wrong = { imageConfig: { imageSize: "2K" } }
      const sized = clientWith().models.generateContent({ model, contents: "a kite", config: wrong })
      await refused(sized, 400, "INVALID_ARGUMENT")
      await refused(generate("a kite", "invalid"), 400, "INVALID_ARGUMENT")
      await refused(generate("sandbox:rate-limit"), 429, "RESOURCE_EXHAUSTED")
      await refused(clientWith().models.generateContent({ model: "gemini-9", contents: "a kite" }), 404, "NOT_FOUND")
      const blocked = await generate("sandbox:moderation")
      assert.equal(blocked.promptFeedback?.blockReason, "PROHIBITED_CONTENT")
      const output = await generate("sandbox:moderation-output")
      assert.equal(output.candidates?.[0]?.finishReason, "IMAGE_SAFETY")
    })

    it("finds the models", async () => {
      const names: string[] = []
      for await (const one of await clientWith().models.list()) names.push(one.name ?? "")
      assert.ok(names.some((name) => name.endsWith("models/gemini-nano-banana-2.1")))
      const found = await clientWith().models.get({ model: "imagen-3.0-generate-002" })
      assert.ok(found.name?.endsWith("models/imagen-3.0-generate-002"))
    })
  })
}

describe("@google/genai with Imagen on Vertex AI", () => {
  const draw = (prompt: string, config: object) =>
    apis["Vertex AI in express mode"]().models.generateImages({ model: "imagen-4.0-generate-001", prompt, config })

  it("makes two pictures, and repeats them by their seed", async () => {
    const config = {
      numberOfImages: 2,
      seed: 4,
      addWatermark: false,
      outputMimeType: "image/jpeg",
      enhancePrompt: true,
    }
    const bytes = async () =>
      ((await draw("a kite", config)).generatedImages ?? []).map(({ image }) => image?.imageBytes ?? "")
    const [one, two] = await bytes()
    assert.equal(await about(Buffer.from(one ?? "", "base64")), "1024x1024 jpeg")
    assert.notEqual(one, two)
    assert.deepEqual(await bytes(), [one, two])
  })

  it("is told why a picture is missing, and of the prompt's safety", async () => {
    const { generatedImages } = await draw("sandbox:moderation-output", { includeRaiReason: true })
    assert.match(generatedImages?.[0]?.raiFilteredReason ?? "", /Support codes/)
    const safe = await draw("a kite", { numberOfImages: 1, includeSafetyAttributes: true })
    assert.equal(safe.generatedImages?.length, 1)
    assert.equal(safe.positivePromptSafetyAttributes?.contentType, "Positive Prompt")
    await refused(draw("a kite", { seed: 4 }), 400, "INVALID_ARGUMENT")
  })
})

describe("@ai-sdk/google", () => {
  const modelWith = (apiKey: string, id: string) =>
    createGoogleGenerativeAI({ apiKey, baseURL: `${sandbox.url}/google/v1beta` }).image(id)
  const draw = (prompt: Parameters<typeof generateImage>[0]["prompt"], more: object = {}, key = "k") =>
    generateImage({ model: modelWith(key, model), prompt, maxRetries: 0, ...more })

  it("makes a picture of a shape, the same by its seed", async () => {
    const one = await draw("a kite", { aspectRatio: "3:2", seed: 9 })
    const two = await draw("a kite", { aspectRatio: "3:2", seed: 9 })
    assert.equal(await about(one.image.uint8Array), "1248x832 png")
    assert.equal(one.image.base64, two.image.base64)
    assert.ok((one.usage?.totalTokens ?? 0) > 1290)
  })

  it("edits one", async () => {
    const images = [await plainPng({ width: 120, height: 80 })]
    assert.equal(await about((await draw({ text: "make it red", images })).image.uint8Array), "1248x832 png")
  })

  it("asks for a size and for thought in its own options", async () => {
    const providerOptions = { google: { imageConfig: { imageSize: "512" }, thinkingConfig: { thinkingLevel: "high" } } }
    const flash = modelWith("k", "gemini-3.1-flash-image")
    const { image } = await generateImage({ model: flash, prompt: "a kite", providerOptions })
    assert.equal(await about(image.uint8Array), "512x512 jpeg")
  })

  it("raises what its users know for refusals, and for pictures that are not made", async () => {
    await assert.rejects(
      draw("a kite", {}, "invalid"),
      (error) => APICallError.isInstance(error) && error.statusCode === 400,
    )
    await assert.rejects(draw("sandbox:overloaded"), (error) => APICallError.isInstance(error) && error.isRetryable)
    for (const word of ["moderation", "moderation-output", "no-image"])
      await assert.rejects(draw(`sandbox:${word}`), (error) => NoImageGeneratedError.isInstance(error), word)
  })
})
