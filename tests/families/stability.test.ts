// Stability AI through Atelier itself: each model with the documents' example, and pictures to start from.
import assert from "node:assert/strict"
import { after, before, describe, it } from "node:test"
import sharp from "sharp"
import { call, download, plainPng } from "../calls.ts"
import type { Failure, Generation, Reply } from "../calls.ts"
import { composeServer, sandboxCalls } from "../harness.ts"
import type { InProcess } from "../harness.ts"

let server: InProcess
before(async () => {
  server = await composeServer()
})
after(() => server.end())

const start = (model: string, input: object): Promise<Reply<Generation & Failure>> =>
  call(server, "/v1/generations", { json: { model, input, wait: 30 } })

async function sizeOf({ body, text }: Reply<Generation>): Promise<string> {
  assert.equal(body.status, "succeeded", text)
  const { width, height, format } = await sharp(await download(body.images[0]!.url)).metadata()
  return `${width}x${height} ${format}`
}

const models: [string, string, object, string][] = [
  ["stability/Stable-Diffusion-3-5-Large", "sd3.5-large", {}, "1024x1024 png"],
  ["sd3", "sd3.5-large", { aspect_ratio: "16:9" }, "1344x768 png"],
  ["stability/Stable-Diffusion-3-5-Large-Turbo", "sd3.5-large-turbo", { output_format: "jpeg" }, "1024x1024 jpeg"],
  ["stability/Stable-Diffusion-3-5-Medium", "sd3.5-medium", { size: "1024*1024", seed: 5 }, "1024x1024 png"],
  ["stability/Stable-Diffusion-3-5-Flash", "sd3.5-flash", { size: "1k", aspect_ratio: "9x16" }, "768x1344 png"],
  ["stable-image-ultra", "stable-image-ultra", { output_format: "webp", aspect_ratio: "3:2" }, "1280x832 webp"],
  ["stable-image-core", "stable-image-core", { negative_prompt: "rust", style_preset: "anime" }, "1280x1280 png"],
]

describe("Stability AI through Atelier", () => {
  for (const [name, vendorModel, input, size] of models)
    it(`makes a picture with ${name}`, async () => {
      const prompt = `a deer drinking in the lake, for ${name}`
      assert.equal(await sizeOf(await start(name, { prompt, n: 1, ...input })), size)
      assert.equal(sandboxCalls(server).find((one) => one.prompt === prompt)?.model, vendorModel)
    })

  it("makes several pictures in as many calls, which are not the same", async () => {
    const { body } = await start("sd3.5-medium", { prompt: "two foxes", n: 2, seed: 4294967294 })
    assert.equal(new Set(body.images.map(({ sha256 }) => sha256)).size, 2)
    assert.equal(sandboxCalls(server).filter(({ prompt }) => prompt === "two foxes").length, 2)
  })

  it("starts from a picture, whose shape Stable Diffusion keeps", async () => {
    const picture = await plainPng({ width: 192, height: 128 })
    const image = `data:image/png;base64,${picture.toString("base64")}`
    const diffusion = await start("stability/Stable-Diffusion-3-5-Large", { prompt: "repainted", image, strength: 0.8 })
    assert.equal(await sizeOf(diffusion), "192x128 png")
    const ultra = await start("stable-image-ultra", { prompt: "repainted", image, aspect_ratio: "4:5" })
    assert.equal(await sizeOf(ultra), "896x1152 png")
    const { status, body } = await start("sd3", { prompt: "x", image, aspect_ratio: "1:1" })
    assert.deepEqual([status, body.error.param], [400, "input.aspect_ratio"])
  })

  it("does not hand on what the filter blurred, and says why a picture is missing", async () => {
    assert.equal((await start("stable-image-core", { prompt: "sandbox:rate-limit-once" })).body.status, "succeeded")
    const codes: Record<string, string> = {
      "sandbox:moderation": "content_refused",
      "sandbox:moderation-output": "content_refused",
      "sandbox:no-credit": "provider_unavailable",
      "sandbox:no-image": "provider_error",
      "sandbox:bad-base64": "provider_error",
      "sandbox:html": "provider_error",
    }
    for (const [prompt, code] of Object.entries(codes)) {
      const { body, text } = await start("stable-image-core", { prompt })
      assert.equal(JSON.parse(text).error.code, code, prompt)
      assert.equal(body.images?.length ?? 0, 0)
    }
  })
})
