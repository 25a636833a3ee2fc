// Google's models through Atelier, from the request to the picture: by either of its APIs, and by names of models long gone.
import assert from "node:assert/strict"
import { after, before, describe, it } from "node:test"
import { createKey } from "../../server/accounts/keys.ts"
import { defaultProject } from "../../server/accounts/projects.ts"
import { google } from "../../server/catalogue/google.ts"
import { call, generate, plainPng } from "../calls.ts"
import type { Failure, Generation, Reply } from "../calls.ts"
import { composeServer, sandboxCalls } from "../harness.ts"
import type { InProcess } from "../harness.ts"

const sizesOf = ({ body }: Reply<Generation>) => body.images.map(({ width, height }) => `${width}x${height}`)
const typesOf = ({ body }: Reply<Generation>) => body.images.map(({ media_type }) => media_type)

const callsAbout = (server: InProcess, prompt: string) => sandboxCalls(server).filter((one) => one.prompt === prompt)

const failureOf = (reply: Reply<Generation>) => (reply as unknown as Reply<Failure>).body.error

describe("Google's models on the Gemini API", () => {
  let server: InProcess
  before(async () => {
    // With this key alone the sandbox is asked as the Gemini API, and not as Vertex AI.
    server = await composeServer({ GOOGLE_API_KEY: "any" })
  })
  after(() => server.end())

  const draw = (model: string, prompt: string, more: object = {}) => generate(server, prompt, { model, ...more })

  for (const { id, names } of google) {
    const [, short = ""] = id.split("/")
    for (const name of [short, ...names]) {
      it(`${name} makes a square by its bare name, though it may be gone`, async () => {
        const reply = await draw(name, `a deer drinking in the lake, for ${name}`)
        assert.deepEqual(sizesOf(reply), ["1024x1024"], JSON.stringify(reply.body))
        assert.equal(reply.body.model, id)
      })
    }
  }

  it("Imagen makes as many as numberOfImages says, by the path and the body of the documents", async () => {
    const prompt = "a deer drinking in the lake, Sakura petals falling"
    const json = { input: { prompt, numberOfImages: 5 } }
    const path = "/v1/models/google/imagen-3.0-generate-002/predictions"
    const { status } = await call(server, path, { json })
    assert.equal(status, 200)
    assert.equal(callsAbout(server, prompt).length, 2, "four pictures come of one call")
  })

  it("Imagen makes the asked shape, size and kind of file", async () => {
    const more = { aspect_ratio: "3:4", size: "2k", output_format: "jpg", output_compression: 50 }
    const reply = await draw("imagen-4.0-generate-001", "a pier", { ...more, person_generation: "dont_allow" })
    assert.deepEqual([sizesOf(reply), typesOf(reply)], [["1792x2560"], ["image/jpeg"]])
  })

  it("Gemini makes the asked shape and size, one call for each picture", async () => {
    const more = { n: 2, aspect_ratio: "16:9", size: "512", seed: 5, thinking_level: "minimal", google_search: true }
    const reply = await draw("gemini-3.1-flash-image", "two lighthouses", more)
    assert.deepEqual(sizesOf(reply), ["688x384", "688x384"])
    assert.notEqual(reply.body.images[0]?.sha256, reply.body.images[1]?.sha256)
    assert.equal(callsAbout(server, "two lighthouses").length, 2)
    const panorama = await draw("gemini-nano-banana-2.1", "a coast", { aspect_ratio: "8x1", safety_setting: "off" })
    assert.deepEqual(sizesOf(panorama), ["2928x352"])
  })

  it("Gemini changes pictures, and keeps to the shape of the first", async () => {
    const image = [await plainPng({ width: 160, height: 90 }), await plainPng()].map((one) => one.toString("base64"))
    assert.deepEqual(sizesOf(await draw("gemini-2.5-flash-image", "at night", { image })), ["1344x768"])
    const square = await draw("gemini-2.5-flash-image", "at noon", { image, size: "1024*1024" })
    assert.deepEqual(sizesOf(square), ["1024x1024"])
  })

  it("what it cannot do is refused, with the API that can", async () => {
    const refused = async (model: string, more: object) => {
      const reply = await draw(model, "never drawn", more)
      assert.equal(reply.status, 400)
      return failureOf(reply).message
    }
    const elsewhere = "is taken by Vertex AI only, not by the Gemini API"
    assert.equal(await refused("gemini-3-pro-image", { output_format: "png" }), `output_format ${elsewhere}`)
    assert.equal(await refused("imagen-4.0-generate-001", { negative_prompt: "rain" }), `negative_prompt ${elsewhere}`)
    assert.match(await refused("imagen-4.0-generate-001", { seed: 1 }), /seed needs watermark false/)
    assert.match(await refused("imagen-4.0-fast-generate-001", { size: "2K" }), /size must be "auto", "1K"/)
    assert.match(await refused("imagen-4.0-generate-001", { quality: "high" }), /has no parameter quality/)
    assert.match(await refused("gemini-nano-banana-2.1", { size: "512" }), /size must be/)
    assert.match(await refused("gemini-3-pro-image", { size: "1024x1024", aspect_ratio: "16:9" }), /must be "1:1"/)
  })

  it("what the filter takes is refused, or missing", async () => {
    for (const model of ["gemini-2.5-flash-image", "imagen-3.0-generate-002"]) {
      for (const word of ["moderation", "moderation-output"]) {
        const { body } = await draw(model, `sandbox:${word} ${model}`)
        assert.equal(body.error?.code, "content_refused", `${word} of ${model}`)
      }
    }
  })
})

describe("Google's models on Vertex AI", () => {
  let server: InProcess
  before(async () => {
    server = await composeServer({ VERTEX_API_KEY: "any" })
  })
  after(() => server.end())

  it("take what the Gemini API does not", async () => {
    const gemini = { output_format: "png", person_generation: "dont_allow", prominent_people: "block", size: "512" }
    const reply = await generate(server, "a pier", { model: "gemini-3.1-flash-image", ...gemini })
    assert.deepEqual([sizesOf(reply), typesOf(reply)], [["512x512"], ["image/png"]])
    const imagen = { negative_prompt: "rain", seed: 3, watermark: false, prompt_upsampling: true, n: 2 }
    const pictures = async () => {
      const { body } = await generate(server, "a quay", { model: "imagen-3.0-generate-002", ...imagen })
      return body.images.map(({ sha256 }) => sha256)
    }
    const [one, two] = await pictures()
    assert.notEqual(one, two)
    assert.deepEqual(await pictures(), [one, two])
    assert.deepEqual(new Set(sandboxCalls(server).map(({ vendor }) => vendor)), new Set(["vertex"]))
  })
})

describe("Google's models where both of its APIs have a key", () => {
  let server: InProcess
  before(async () => {
    server = await composeServer({ GOOGLE_API_KEY: "any", VERTEX_API_KEY: "any" })
  })
  after(() => server.end())

  it("are tried at the other where the first has no time", async () => {
    const prompt = "sandbox:overloaded twice"
    const { body } = await generate(server, prompt, { model: "gemini-2.5-flash-image" })
    assert.equal(body.error?.code, "provider_busy")
    assert.deepEqual(new Set(callsAbout(server, prompt).map(({ vendor }) => vendor)), new Set(["google", "vertex"]))
  })

  it("go to the Gemini API, but for what only Vertex AI takes", async () => {
    await generate(server, "plain", { model: "gemini-2.5-flash-image" })
    await generate(server, "as png", { model: "gemini-2.5-flash-image", output_format: "png" })
    await generate(server, "unmarked", { model: "imagen-3.0-generate-002", watermark: false })
    await generate(server, "marked", { model: "imagen-3.0-generate-002", watermark: true })
    const calls = sandboxCalls(server).slice(-4)
    assert.deepEqual(
      calls.map(({ vendor }) => vendor),
      ["google", "vertex", "vertex", "google"],
    )
  })
})

describe("live keys and Google's models that are gone", () => {
  it("are told which model to use instead, and which key is missing", async () => {
    const server = await composeServer({ GOOGLE_API_KEY: "any" })
    server.atelier.app.clock.now = () => Date.parse("2026-11-20T12:00:00Z")
    const target = { url: server.url, testKey: await createKey(server.atelier.app, defaultProject, "live") }
    const refused = async (model: string) => {
      const reply = await generate(target, "never drawn", { model })
      return [reply.status, failureOf(reply).code, failureOf(reply).message] as const
    }
    const [status, code, message] = await refused("imagen-4.0-generate-preview-05-20")
    assert.deepEqual([status, code], [410, "model_retired"])
    assert.match(message, /Use google\/gemini-nano-banana-2\.1 instead/)
    assert.equal((await refused("gemini-2.5-flash-image"))[1], "model_retired")
    // Until 2027 Vertex AI serves it, which has no key here.
    const closed = await refused("imagen-4.0-generate-001")
    assert.deepEqual(closed.slice(0, 2), [503, "provider_unavailable"])
    assert.match(closed[2], /VERTEX_API_KEY/)
    await server.end()
  })
})
