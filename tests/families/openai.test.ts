// OpenAI's models through the whole server: the documents' example for each, what each generation adds, and AIHubMix as
// the other way to them.
import assert from "node:assert/strict"
import { after, before, describe, it } from "node:test"
import { allModels } from "../../server/catalogue/catalogue.ts"
import { call, generate, plainPng } from "../calls.ts"
import type { Failure, Generation } from "../calls.ts"
import { composeServer, sandboxCalls } from "../harness.ts"
import type { InProcess } from "../harness.ts"

const models = allModels.filter(({ id }) => id.startsWith("openai/"))
const shapesOf = ({ images }: Generation) =>
  images.map(({ width, height, media_type }) => `${width}x${height} ${media_type.slice("image/".length)}`)

let server: InProcess
before(async () => {
  server = await composeServer()
})
after(() => server.end())

describe("OpenAI's models", () => {
  for (const { id, parameters } of models)
    it(`${id} draws the documents' example`, async () => {
      const isGpt = "moderation" in parameters.shape
      const example = {
        ...{ model: id, size: "1024x1024", n: 1, quality: "high" },
        ...(isGpt ? { moderation: "low", background: "auto" } : {}),
      }
      const { status, body } = await generate(server, "a deer drinking in the lake", example)
      assert.equal(status, 200, JSON.stringify(body))
      assert.deepEqual(shapesOf(body), ["1024x1024 png"])
    })

  for (const { id } of models.filter(({ parameters }) => "image" in parameters.shape))
    it(`${id} changes a picture`, async () => {
      const image = (await plainPng()).toString("base64")
      const wish = { model: id, image, size: "1536x1024", quality: "low", output_format: "webp" }
      assert.deepEqual(shapesOf((await generate(server, "a red room", wish)).body), ["1536x1024 webp"])
    })

  it("take what is new in 2.5 and 2.6, and nothing of it before", async () => {
    const wish = { size: "1024x640", quality: "xhigh" }
    for (const version of ["2.5-flare", "2.5-sunburst-2026-09-08", "2.6-flare"]) {
      const { body } = await generate(server, "a dense poster", { ...wish, model: `gpt-image-${version}` })
      assert.deepEqual(shapesOf(body), ["1024x640 png"])
    }
    const planned = { ...wish, model: "gpt-image-2.6-sunburst", complexity: "low", quality: "max" }
    assert.equal((await generate(server, "a dense poster", planned)).status, 200)
    for (const [model, change, param] of [
      ["gpt-image-2", { quality: "max" }, "quality"],
      ["gpt-image-2.5-flare", { complexity: "low" }, "complexity"],
      ["gpt-image-2.6-flare", { output_format: "svg" }, "output_format"],
      ["gpt-image-2.6-flare", { input_fidelity: "high" }, "input_fidelity"],
    ] as const) {
      const { status, body } = await generate(server, "a dense poster", { model, ...change })
      assert.equal(status, 400)
      assert.match((body as unknown as Failure).error.message, new RegExp(`\\b${param}\\b`))
    }
  })

  it("say which of them are leaving, and what comes after", async () => {
    const { headers, body } = await call<{ stage: string; successor: string }>(
      server,
      "/v1/models/openai/chatgpt-image-latest",
    )
    assert.equal(body.successor, "openai/gpt-image-2")
    assert.match(headers.get("sunset") ?? "", /01 Dec 2026/)
  })

  it("are made by AIHubMix where only its key is set, but for early states", async () => {
    const other = await composeServer({ AIHUBMIX_API_KEY: "any" })
    const wish = { model: "openai/gpt-image-2.6-flare", size: "1024x640", quality: "low", n: 2 }
    assert.deepEqual(shapesOf((await generate(other, "a lake", wish)).body), Array(2).fill("1024x640 png"))
    assert.deepEqual(
      sandboxCalls(other).map(({ vendor, path }) => `${vendor} ${path}`),
      ["aihubmix /v1/models/openai/gpt-image-2.6-flare/predictions"],
    )
    const { status } = await generate(other, "a lake", { ...wish, n: 1, partial_images: 1 })
    assert.equal(status, 400)
    await other.end()
  })
})
