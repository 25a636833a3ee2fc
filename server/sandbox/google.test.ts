// Google imitated, on its own wire: Gemini and Imagen, on the Gemini API and on Vertex AI.
import assert from "node:assert/strict"
import { describe, test } from "node:test"
import sharp from "sharp"
import { about, bodyOf, gemini, generate, partsOf, pictureIn, predict, project, send, vertex } from "./google-calls.ts"
import type { Content, Refusal } from "./google-calls.ts"

const inline = async (background: string, width = 90, height = 160) => {
  const bytes = await sharp({ create: { width, height, channels: 3, background } })
    .png()
    .toBuffer()
  return { inlineData: { mimeType: "image/png", data: bytes.toString("base64") } }
}

describe("Gemini", () => {
  test("draws what was asked for, and counts the tokens", async () => {
    const config = { imageConfig: { aspectRatio: "16:9", imageSize: "512" } }
    const { status, body } = await generate("gemini-3.1-flash-image", { prompt: "a red kite", config })
    assert.equal(status, 200)
    assert.equal(await about(pictureIn(body)), "688x384 jpeg")
    assert.equal(body.candidates?.[0]?.finishReason, "STOP")
    assert.equal(partsOf(body)[0]?.inlineData?.mimeType, "image/jpeg")
    assert.ok((partsOf(body)[0]?.thoughtSignature?.length ?? 0) > 100_000)
    assert.deepEqual(body.usageMetadata, {
      promptTokenCount: 3,
      candidatesTokenCount: 747,
      totalTokenCount: 930,
      promptTokensDetails: [{ modality: "TEXT", tokenCount: 3 }],
      candidatesTokensDetails: [{ modality: "IMAGE", tokenCount: 747 }],
      thoughtsTokenCount: 180,
    })
    assert.equal(body.modelVersion, "gemini-3.1-flash-image")
  })

  for (const [model, image, expected] of [
    ["gemini-2.5-flash-image", { aspectRatio: "21:9" }, "1536x672 png"],
    ["gemini-2.5-flash-image-preview", {}, "1024x1024 png"],
    ["gemini-3.1-flash-lite-image", { aspectRatio: "1:8", imageSize: "1K" }, "352x2928 jpeg"],
    ["gemini-3-pro-image", { aspectRatio: "2:3", imageSize: "2K" }, "1696x2528 jpeg"],
    ["gemini-nano-banana-2.1", { aspect_ratio: "4:5", image_size: "1K" }, "928x1152 jpeg"],
  ] as const) {
    test(`${model} draws ${expected}`, async () => {
      const { body } = await generate(model, { config: { imageConfig: image } })
      assert.equal(await about(pictureIn(body)), expected)
    })
  }

  test("repeats a picture by its seed, and only by it", async () => {
    const draw = async (config: object) => pictureIn((await generate("gemini-2.5-flash-image", { config })).body)
    assert.deepEqual(await draw({ seed: 7 }), await draw({ seed: 7 }))
    assert.notDeepEqual(await draw({}), await draw({}))
  })

  test("shows and follows the picture that was sent", async () => {
    const edit = async (colour: string) =>
      pictureIn((await generate("gemini-2.5-flash-image", { parts: [await inline(colour)], config: { seed: 1 } })).body)
    const [red, blue] = [await edit("red"), await edit("blue")]
    assert.equal(await about(red), "768x1344 png")
    assert.notDeepEqual(red, blue)
    const none = await generate("gemini-2.5-flash-image", {
      parts: [{ inlineData: { mimeType: "image/png", data: "bm8=" } }],
    })
    assert.equal(none.status, 400)
  })

  test("says something beside the picture where words may come, and thinks aloud where it is asked to", async () => {
    const config = { responseModalities: [], thinkingConfig: { thinkingLevel: "HIGH", includeThoughts: true } }
    const parts = partsOf((await generate("gemini-3.1-flash-lite-image", { config })).body)
    assert.deepEqual(
      parts.map((part) => (part.inlineData ? "picture" : part.thought ? "thought" : "words")),
      ["thought", "words", "picture"],
    )
    const words = await generate("gemini-3-pro-image", { config: { responseModalities: ["TEXT"] } })
    assert.equal(pictureIn(words.body).length, 0)
    assert.equal(words.body.candidates?.[0]?.finishReason, "STOP")
  })

  test("draws nothing after a search where pictures alone are asked for", async () => {
    const more = { tools: [{ google_search: {} }] }
    const alone = await generate("gemini-3-pro-image", { more })
    assert.equal(alone.body.candidates?.[0]?.finishReason, "NO_IMAGE")
    const both = await generate("gemini-3-pro-image", { more, config: { responseModalities: ["TEXT", "IMAGE"] } })
    assert.ok(pictureIn(both.body).length > 0)
  })

  test("writes another kind of file on Vertex AI, and knows one more ratio there", async () => {
    const imageOutputOptions = { mimeType: "image/png" }
    const imageConfig = { aspectRatio: "9:21", personGeneration: "ALLOW_NONE", imageOutputOptions }
    const { body } = await generate("gemini-3.1-flash-lite-image", { config: { imageConfig } }, vertex)
    assert.equal(await about(pictureIn(body)), "672x1584 png")
  })
})

describe("a stream", () => {
  const address = `${gemini}/models/gemini-2.5-flash-image:streamGenerateContent`
  const config = { responseModalities: ["TEXT", "IMAGE"], seed: 3 }

  const check = (chunks: Content[]) => {
    assert.deepEqual(
      chunks.map((chunk) => [Object.keys(partsOf(chunk)[0] ?? {}).join(), chunk.candidates?.[0]?.finishReason]),
      [
        ["text", undefined],
        ["inlineData", undefined],
        ["text", "STOP"],
      ],
    )
    assert.deepEqual(
      chunks.map(({ usageMetadata }) => usageMetadata !== undefined),
      [false, false, true],
    )
    assert.equal(new Set(chunks.map(({ responseId }) => responseId)).size, 1)
  }

  test("comes as events", async () => {
    const { type, text: answer } = await send(`${address}?alt=sse`, bodyOf({ config }))
    assert.equal(type, "text/event-stream")
    check(
      answer
        .trim()
        .split("\r\n\r\n")
        .map((event) => JSON.parse(event.replace(/^data: /, "")) as Content),
    )
  })

  test("comes as one list without alt=sse", async () => {
    const { type, text: answer } = await send(address, bodyOf({ config }))
    assert.match(type ?? "", /^application\/json/)
    check(JSON.parse(answer) as Content[])
  })

  test("has its error in a list, but as events", async () => {
    const wish = bodyOf({ prompt: "sandbox:rate-limit" })
    const [list, events] = [await send(address, wish), await send(`${address}?alt=sse`, wish)]
    assert.equal(list.status, 429)
    assert.equal((JSON.parse(list.text) as Refusal[])[0]?.error.status, "RESOURCE_EXHAUSTED")
    assert.equal((JSON.parse(events.text) as Refusal).error.status, "RESOURCE_EXHAUSTED")
  })
})

describe("Imagen", () => {
  test("draws as many pictures as asked, of one kind of file", async () => {
    const outputOptions = { mimeType: "image/jpeg", compressionQuality: 30 }
    const { body } = await predict("imagen-4.0-generate-001", { sampleCount: 2, aspectRatio: "9:16", outputOptions })
    const pictures = (body.predictions ?? []).map(({ bytesBase64Encoded }) =>
      Buffer.from(bytesBase64Encoded ?? "", "base64"),
    )
    assert.equal(pictures.length, 2)
    assert.notDeepEqual(pictures[0], pictures[1])
    for (const picture of pictures) assert.equal(await about(picture), "768x1408 jpeg")
  })

  test("makes four where no number is given, and tells of the prompt where that is wanted", async () => {
    const parameters = { sampleCount: null, includeSafetyAttributes: true }
    const { body } = await predict("imagen-3.0-generate-002", parameters)
    assert.equal(body.predictions?.filter(({ bytesBase64Encoded }) => bytesBase64Encoded).length, 4)
    assert.deepEqual(Object.keys(body.predictions?.at(-1) ?? {}), ["contentType", "safetyAttributes"])
  })

  test("draws the same by a seed on Vertex AI, in a project as well, and rewords the prompt on request", async () => {
    const parameters = { seed: 5, addWatermark: false, enhancePrompt: true, sampleImageSize: "2k", aspectRatio: "4:3" }
    const { body } = await predict("imagen-4.0-generate-001", parameters, vertex)
    const [first] = body.predictions ?? []
    assert.match(first?.prompt ?? "", /^a kite, /)
    assert.equal(await about(Buffer.from(first?.bytesBase64Encoded ?? "", "base64")), "2560x1792 png")
    const address = `${project}/models/imagen-4.0-generate-001:predict`
    const fields = { instances: [{ prompt: "a kite" }], parameters: { sampleCount: 1, ...parameters } }
    const again = await send(address, fields, { headers: { authorization: "Bearer ya29.token" } })
    assert.deepEqual((JSON.parse(again.text) as typeof body).predictions?.[0], first)
  })

  test("says why a picture is missing only where it is asked", async () => {
    const filter = async (parameters: object) =>
      (await predict("imagen-3.0-generate-002", parameters, gemini, "a kite sandbox:moderation-output")).body
    assert.match((await filter({ includeRaiReason: true })).predictions?.[0]?.raiFilteredReason ?? "", /Support codes/)
    assert.deepEqual(await filter({}), {})
  })
})

test("the models are listed, the retired ones too, as each API does", async () => {
  const list = async <Body>(address: string) => JSON.parse((await send(address)).text) as Body
  type Listed = { models: { name: string; supportedGenerationMethods: string[] }[]; nextPageToken?: string }
  const { models } = await list<Listed>(`${gemini}/models`)
  assert.ok(models.some(({ name }) => name === "models/imagen-3.0-generate-002"))
  const first = await list<Listed>(`${gemini}/models?pageSize=5`)
  const second = await list<Listed>(`${gemini}/models?pageSize=50&pageToken=${first.nextPageToken}`)
  assert.deepEqual([...first.models, ...second.models], models)
  const one = await list<Listed["models"][0]>(`${gemini}/models/gemini-3-pro-image`)
  assert.deepEqual(one.supportedGenerationMethods, ["generateContent", "countTokens"])
  const { publisherModels } = await list<{ publisherModels: { name: string }[] }>(`${vertex}/models`)
  assert.equal(publisherModels.length, models.length)
  assert.equal((await send(`${gemini}/models/gemini-9`)).status, 404)
})
