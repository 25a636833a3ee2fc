// Google's API as this server speaks it, through Google's own client and by hand.
import assert from "node:assert/strict"
import { after, before, describe, it } from "node:test"
import { ApiError, GoogleGenAI } from "@google/genai"
import type { GenerateContentResponse } from "@google/genai"
import sharp from "sharp"
import { call, kindOf, plainPng } from "./calls.ts"
import { composeServer, sandboxCalls } from "./harness.ts"
import type { InProcess } from "./harness.ts"

const model = "gemini-2.5-flash-image"

let server: InProcess
let google: GoogleGenAI
before(async () => {
  server = await composeServer()
  google = new GoogleGenAI({ apiKey: server.testKey, httpOptions: { baseUrl: `${server.url}/gemini` } })
})
after(() => server.end())

const picturesIn = ({ candidates = [] }: GenerateContentResponse): Buffer[] =>
  candidates.flatMap(({ content }) =>
    (content?.parts ?? []).flatMap(({ inlineData }) => (inlineData ? [Buffer.from(inlineData.data!, "base64")] : [])),
  )

type Violation = { error: { code: number; status: string; message: string; details: Record<string, unknown>[] } }

describe("generateContent", () => {
  it("gives Google's client a picture in the asked shape", async () => {
    const config = { responseModalities: ["IMAGE"], imageConfig: { aspectRatio: "16:9" }, seed: 7 }
    const answer = await google.models.generateContent({ model, contents: "a brass key on velvet", config })
    const [picture] = picturesIn(answer)
    const { width = 0, height = 0 } = await sharp(picture).metadata()
    assert.ok(Math.abs(width / height - 16 / 9) < 0.1, `${width}x${height}`)
    assert.equal(answer.candidates?.[0]?.finishReason, "STOP")
    assert.equal(answer.modelVersion, model)
    assert.ok((answer.usageMetadata?.totalTokenCount ?? 0) > 0)
    const { body } = await call<{ status: string }>(server, `/v1/generations/${answer.responseId}`)
    assert.equal(body.status, "succeeded", "the same generation is read by every dialect")
  })

  it("starts from pictures in the contents, in either spelling of the names", async () => {
    const data = (await plainPng()).toString("base64")
    const prompt = "make it dusk"
    const parts = [{ text: prompt }, { inline_data: { mime_type: "image/png", data } }]
    const config = { response_modalities: ["TEXT", "IMAGE"], image_config: { aspect_ratio: "1:1" } }
    const { status, body } = await call<GenerateContentResponse>(server, path("generateContent"), {
      json: { contents: [{ role: "user", parts }], generation_config: config },
    })
    assert.equal(status, 200)
    assert.equal(picturesIn(body).length, 1)
    const id = body.responseId!
    const { input } = (await call<{ input: { image: unknown[] } }>(server, `/v1/generations/${id}`)).body
    assert.equal(input.image.length, 1)
  })

  it("goes on from a picture that the model made, with its long signature", async () => {
    const data = (await plainPng()).toString("base64")
    const thoughtSignature = Buffer.alloc(1_500_000, "signature").toString("base64")
    const contents = [
      { role: "user", parts: [{ text: "a bowl" }] },
      { role: "model", parts: [{ inlineData: { mimeType: "image/png", data }, thoughtSignature }] },
      { role: "user", parts: [{ text: "with cherries in it" }] },
    ]
    const { status, body } = await call<GenerateContentResponse>(server, path("generateContent"), {
      json: { contents },
    })
    assert.equal(status, 200)
    assert.equal(picturesIn(body).length, 1)
    assert.equal(sandboxCalls(server).at(-1)?.prompt?.replace("\n", " "), "a bowl with cherries in it")
  })

  it("answers refusals of a filter as Google does: 200, a reason and no picture", async () => {
    const prompt = await google.models.generateContent({ model, contents: "sandbox:moderation" })
    assert.ok(prompt.promptFeedback?.blockReason)
    assert.deepEqual(prompt.candidates ?? [], [])
    const picture = await google.models.generateContent({ model, contents: "sandbox:moderation-output" })
    assert.equal(picture.candidates?.[0]?.finishReason, "IMAGE_SAFETY")
    assert.deepEqual(picturesIn(picture), [])
  })

  it("names what is wrong by Google's names, as google.rpc.Status", async () => {
    const json = {
      contents: [{ parts: [{ text: "x" }] }],
      generationConfig: { imageConfig: { aspectRatio: "7:3", colour: 1 }, topK: 3 },
    }
    const { status, body } = await call<Violation>(server, path("generateContent"), { json })
    assert.deepEqual([status, body.error.code, body.error.status], [400, 400, "INVALID_ARGUMENT"])
    const violations = body.error.details.find(({ "@type": type }) => String(type).endsWith("BadRequest"))
    assert.match(JSON.stringify(violations), /generationConfig\.imageConfig\.colour/)
    delete (json.generationConfig.imageConfig as { colour?: number }).colour
    const ratio = await call<Violation>(server, path("generateContent"), { json })
    assert.match(ratio.body.error.message, /^generationConfig\.imageConfig\.aspectRatio must be .*"16:9"/)
  })

  it("raises its client's error for a wrong key, an unknown model and words instead of pictures", async () => {
    const stranger = new GoogleGenAI({ apiKey: "atl_test_wrong", httpOptions: { baseUrl: `${server.url}/gemini` } })
    const asked = { model, contents: "x" }
    const isApiError = (status: number) => (error: unknown) => error instanceof ApiError && error.status === status
    await assert.rejects(stranger.models.generateContent(asked), isApiError(401))
    await assert.rejects(google.models.generateContent({ ...asked, model: "gemini-none" }), isApiError(404))
    const config = { responseModalities: ["TEXT"] }
    await assert.rejects(google.models.generateContent({ ...asked, config }), isApiError(400))
  })

  it("tells what was passed over, such as the temperature of words", async () => {
    const generationConfig = { temperature: 1, seed: 3 }
    const json = { contents: [{ parts: [{ text: "a quiet lane" }] }], generationConfig, safetySettings: [] }
    const { headers } = await call(server, path("generateContent"), { json })
    assert.match(headers.get("atelier-warnings") ?? "", /generationConfig\.temperature.*passed over/)
  })
})

const path = (verb: string, name = model): string => `/gemini/v1beta/models/${name}:${verb}`

describe("streamGenerateContent", () => {
  it("streams to Google's client", async () => {
    const pictures: Buffer[] = []
    for await (const chunk of await google.models.generateContentStream({ model, contents: "a swing" }))
      pictures.push(...picturesIn(chunk))
    assert.equal(pictures.length, 1)
    assert.ok(kindOf(pictures[0]!))
  })

  it("answers one JSON array without alt=sse, as clients that do not stream expect", async () => {
    const json = { contents: [{ parts: [{ text: "a slide" }] }] }
    const { status, text, headers } = await call(server, path("streamGenerateContent"), { json })
    assert.deepEqual([status, headers.get("content-type")], [200, "application/json; charset=utf-8"])
    const chunks = JSON.parse(text) as GenerateContentResponse[]
    assert.equal(chunks.flatMap(picturesIn).length, 1)
  })
})

describe("predict", () => {
  type Predictions = { predictions: { mimeType?: string; bytesBase64Encoded?: string; raiFilteredReason?: string }[] }
  const imagen = path("predict", "imagen-4.0-fast-generate-001")
  const predict = (prompt: string, parameters: Record<string, unknown> = {}) =>
    call<Predictions & Violation>(server, imagen, { json: { instances: [{ prompt }], parameters } })

  it("makes as many pictures as sampleCount says, and one without it", async () => {
    for (const [parameters, count] of [
      [{ sampleCount: 2, aspectRatio: "4:3", outputOptions: { mimeType: "image/jpeg" }, includeRaiReason: true }, 2],
      [{}, 1],
    ] as const) {
      const { status, body } = await predict("a paper crane", parameters)
      assert.equal(status, 200)
      assert.equal(body.predictions.length, count)
      for (const { mimeType, bytesBase64Encoded = "" } of body.predictions)
        assert.equal(`image/${kindOf(Buffer.from(bytesBase64Encoded, "base64"))}`, mimeType)
    }
  })

  it("answers what the filter refuses with its reason", async () => {
    const { status, body } = await predict("sandbox:moderation-output")
    assert.equal(status, 200)
    assert.ok(body.predictions[0]?.raiFilteredReason)
    assert.equal(body.predictions[0]?.bytesBase64Encoded, undefined)
  })

  it("refuses by Google's names", async () => {
    const { status, body } = await predict("a crane", { sampleCount: 11 })
    assert.equal(status, 400)
    assert.match(body.error.message, /^parameters\.sampleCount must be at most 10/)
  })
})
