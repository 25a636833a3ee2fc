// The examples of AIHubMix's two documents for the other families, word for word.
import assert from "node:assert/strict"
import { after, before, describe, it } from "node:test"
import sharp from "sharp"
import { call, download, kindOf } from "./calls.ts"
import { composeServer } from "./harness.ts"
import type { InProcess } from "./harness.ts"
import type { Prediction } from "./seedClients.ts"

let server: InProcess
before(async () => {
  server = await composeServer()
})
after(() => server.end())

const deer =
  "A deer drinking in the lake, Sakura petals falling, green and clean water, japanese temple, dappled sunlight, cinematic lighting, expansive view, peace"

const imagen = `{"input": {"prompt": "${deer}", "numberOfImages": 1}}`

const qwen = `{
    "input": {
      "prompt": "A beautiful sunset over a calm ocean",
      "refer_image": "",
      "n": 1,
      "size": "1024x1024",
      "watermark": false
    }
  }`

const doubao = `{
    "input": {
      "prompt": "Interstellar, black hole, a vintage train bursting out of a black hole, vying for visual impact, cinematic blockbuster, apocalyptic feel, dynamic, contrasting colors, oc rendering, ray tracing, motion blur, depth of field, surrealism, deep blue, the scene is shaped by delicate rich color layers creating the subject and scene, realistic texture, the lighting effects of a dark background create an atmosphere, combining artistic fantasy, exaggerated wide-angle perspective, glare, reflection, extreme light and shadow, strong gravity, devouring",
      "size": "2K",
      "sequential_image_generation": "disabled",
      "stream": false,
      "response_format": "url",
      "watermark": true
    }
  }`

const ideogram = `{
  "input": {
    "prompt": "${deer}, in the style of Pixar 3D",
    "rendering_speed": "QUALITY",
    "aspect_ratio": "2x1"
  }
}`

const irag = `{
    "input": {
      "prompt": "A beautiful sunset over a calm ocean",
      "refer_image": "",
      "n": 1,
      "size": "1024x1024",
      "guidance": 7.5,
      "watermark": false
    }
  }`

const stability = `{"input": {"prompt": "${deer}", "n": 1}}`

type Item = { url?: string; bytesBase64?: string }
type Example = { path: string; body: string; key: keyof Item; size?: [number, number] }

const older = [
  "ultra-generate-preview-06-06",
  "generate-preview-06-06",
  "ultra-generate-exp-05-20",
  "generate-preview-05-20",
]
const newer = ["ultra-generate-001", "generate-001", "fast-generate-001", "fast-generate-preview-06-06"]
const imagens = [...[...older, ...newer].map((name) => `imagen-4.0-${name}`), "imagen-3.0-generate-002"]

const examples: Example[] = [
  ...imagens.map((name): Example => ({ path: `google/${name}`, body: imagen, key: "bytesBase64", size: [1024, 1024] })),
  // The older document writes them without their provider.
  ...imagens.map((name): Example => ({ path: name, body: imagen, key: "bytesBase64" })),
  { path: "qianfan/qwen-image", body: qwen, key: "url", size: [1024, 1024] },
  { path: "doubao/doubao-seedream-4-0", body: doubao, key: "url" },
  { path: "doubao/doubao-seedream-4-5", body: doubao, key: "url" },
  { path: "ideogram/V3", body: ideogram, key: "url", size: [1408, 704] },
  { path: "qianfan/irag-1.0", body: irag, key: "url", size: [1024, 1024] },
  { path: "stability/Stable-Diffusion-3-5-Large", body: stability, key: "url", size: [1024, 1024] },
]

describe("the documents' example", { concurrency: 2 }, () => {
  for (const { path, body, key, size } of examples)
    it(`for ${path} is answered with one picture`, async () => {
      const headers = { "content-type": "application/json" }
      const reply = await call<Prediction>(server, `/v1/models/${path}/predictions`, { body, headers })
      assert.equal(reply.status, 200, reply.text.slice(0, 500))
      assert.deepEqual(Object.keys(reply.body), ["output"])
      const [item, ...others] = reply.body.output as Item[]
      assert.deepEqual([Object.keys(item!), others], [[key], []])
      const picture = item!.url ? await download(item!.url) : Buffer.from(item!.bytesBase64!, "base64")
      assert.ok(kindOf(picture))
      const { width, height } = await sharp(picture).metadata()
      if (size) assert.deepEqual([width, height], size)
    })

  it("names every parameter that the tables list for its family, and the model takes or refuses it by name", async () => {
    const tables: Record<string, Record<string, unknown>> = {
      "openai/gpt-image-1.5": { input_fidelity: "high", moderation: "low", output_format: "webp", quality: "low" },
      "bfl/flux-2-pro": { safety_tolerance: 6, aspect_ratio: "4:3", seed: 7, raw: true },
      "qianfan/qwen-image": { watermark: true, seed: 2147483647 },
      "doubao/doubao-seedream-4-0": { sequential_image_generation_options: { max_images: 16 }, seed: -2 },
    }
    const refused: Record<string, string[]> = {
      // Fidelity needs a picture to start from.
      "openai/gpt-image-1.5": ["input.input_fidelity"],
      "bfl/flux-2-pro": ["input.raw", "input.safety_tolerance"],
      "qianfan/qwen-image": [],
      "doubao/doubao-seedream-4-0": ["input.seed", "input.sequential_image_generation_options.max_images"],
    }
    for (const [model, input] of Object.entries(tables)) {
      const json = { model, input: { prompt: "x", ...input } }
      const { body } = await call<{ error?: { problems: { param: string }[] } }>(server, "/v1/quotes", { json })
      assert.deepEqual((body.error?.problems ?? []).map(({ param }) => param).sort(), refused[model])
    }
  })
})
