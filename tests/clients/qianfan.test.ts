// OpenAI's client at Qianfan, where others point it as well: Baidu's own, qianfan 0.4 of PyPI and @baiducloud/qianfan 0.2 of
// npm, know only the older addresses for pictures. The wire's facts are Baidu's pages qianfan-api/s/8m7u6un8a (pictures),
// Rm9m76ekf (edits, which are JSON and no form) and rmwbl43x7 (errors).
import assert from "node:assert/strict"
import { after, before, describe, it } from "node:test"
import OpenAI, { APIError } from "openai"
import sharp from "sharp"
import { download, plainPng } from "../calls.ts"
import { serveSandbox } from "./sandbox.ts"
import type { ServedSandbox } from "./sandbox.ts"

let sandbox: ServedSandbox
let openai: OpenAI

before(async () => {
  sandbox = await serveSandbox()
  openai = clientWith("bce-v3/ALTAK-any/any")
})
after(() => sandbox.end())

const clientWith = (apiKey: string) => new OpenAI({ baseURL: `${sandbox.url}/qianfan/v2`, apiKey, maxRetries: 0 })

const small = { model: "qwen-image", prompt: "a red kite", size: "512x1024" as never }

async function sidesOf({ data }: OpenAI.ImagesResponse, index = 0): Promise<string> {
  const { width, height, format } = await sharp(await download(data?.[index]?.url ?? "")).metadata()
  return `${width}x${height} ${format}`
}

const pngOf = async (width: number, height: number) =>
  `data:image/png;base64,${(await plainPng({ width, height })).toString("base64")}`

const edit = (body: object) => openai.post<OpenAI.ImagesResponse>("/images/edits", { body })

describe("OpenAI's client at Qianfan", () => {
  it("makes a picture, with fields that it does not know itself", async () => {
    const extra = { seed: 7, guidance: 4, watermark: false, prompt_extend: false, negative_prompt: "rain" }
    const answer = await openai.images.generate({ ...small, ...extra } as OpenAI.ImageGenerateParamsNonStreaming)
    assert.equal(answer.data?.length, 1)
    assert.equal(await sidesOf(answer), "512x1024 png")
  })

  it("makes several pictures after one, where they are iRAG's", async () => {
    const wish = { ...small, model: "irag-1.0", n: 3, refer_image: await pngOf(512, 512) }
    const answer = await openai.images.generate(wish)
    assert.equal(answer.data?.length, 3)
    assert.equal(await sidesOf(answer, 2), "512x1024 png")
  })

  it("edits pictures, erases from them and varies them", async () => {
    const image = await pngOf(512, 512)
    const text = { prompt: "at night" }
    const sizes = await Promise.all(
      [
        { model: "qwen-image-edit", ...text, image: [image, image], size: "512x768" },
        { model: "ernie-irag-edit", image, mask: image, feature: "erase" },
        { model: "ernie-irag-edit", ...text, image, feature: "variation" },
      ].map(async (body) => sidesOf(await edit(body))),
    )
    assert.deepEqual(sizes, ["512x768 png", "512x512 png", "1024x1024 png"])
  })

  it("understands refusals", async () => {
    const refusalOf = async (more: object, client = openai) => {
      const asked = client.images.generate({ ...small, ...more })
      const error: unknown = await asked.catch((reason: unknown) => reason)
      assert.ok(error instanceof APIError)
      return [error.status, error.code, error.type]
    }
    const filtered = await refusalOf({ prompt: "a kite sandbox:moderation" })
    assert.deepEqual(filtered, [400, "invalid_image_genration_prompt", "invalid_request_error"])
    assert.deepEqual(await refusalOf({ size: "64x64" }), [400, "invalid_argument", "invalid_request_error"])
    assert.deepEqual(await refusalOf({ model: "gpt-image-1" }), [401, "invalid_model", "invalid_request_error"])
    const limited = await refusalOf({ prompt: "a kite sandbox:rate-limit" })
    assert.deepEqual(limited, [429, "rpm_rate_limit_exceeded", "rate_limit_exceeded"])
    const unknown = await refusalOf({}, clientWith("an-invalid-key"))
    assert.deepEqual(unknown, [401, "invalid_iam_token", "invalid_request_error"])
  })
})
