// OpenAI's own SDK straight at the imitation of OpenAI, as its users would test without paying.
import assert from "node:assert/strict"
import { after, before, describe, it } from "node:test"
import OpenAI, { toFile } from "openai"
import sharp from "sharp"
import { plainPng } from "../calls.ts"
import { serveSandbox } from "./sandbox.ts"
import type { ServedSandbox } from "./sandbox.ts"

let sandbox: ServedSandbox
let client: OpenAI

before(async () => {
  sandbox = await serveSandbox()
  client = new OpenAI({ baseURL: `${sandbox.url}/openai/v1`, apiKey: "sk-any", maxRetries: 0 })
})
after(() => sandbox.end())

const bytesOf = (image: { b64_json?: string } | undefined) => Buffer.from(image?.b64_json ?? "", "base64")

async function shapeOf(image: Buffer): Promise<string> {
  const { width, height, format } = await sharp(image).metadata()
  return `${width}x${height} ${format}`
}

const quick = { quality: "low", output_format: "jpeg" } as const

describe("npm openai at the imitated OpenAI", () => {
  it("makes pictures with every model that is still served", async () => {
    const ids = ["gpt-image-2", "gpt-image-2.5-flare", "gpt-image-2.5-sunburst-2026-09-08", "gpt-image-2.6-sunburst"]
    for (const model of [...ids, "gpt-image-1.5", "gpt-image-1-mini", "chatgpt-image-latest"]) {
      const wish = { ...quick, model, prompt: "a paper boat on a pond", size: "1024x1536" } as const
      const { data, usage, size } = await client.images.generate(wish)
      assert.equal(await shapeOf(bytesOf(data?.[0])), "1024x1536 jpeg", model)
      assert.equal(size, "1024x1536")
      assert.equal(usage?.total_tokens, usage!.input_tokens + usage!.output_tokens)
    }
  })

  it("edits a picture where the mask is transparent, and nowhere else", async () => {
    const hole = await plainPng({ width: 32, height: 64 })
    const mask = await sharp(await plainPng())
      .composite([{ input: hole, left: 0, top: 0, blend: "dest-out" }])
      .png()
      .toBuffer()
    const { data } = await client.images.edit({
      model: "gpt-image-2",
      prompt: "a window",
      image: await toFile(await plainPng(), "room.png", { type: "image/png" }),
      mask: await toFile(mask, "mask.png", { type: "image/png" }),
      size: "1024x1024",
    })
    const coloursFrom = async (left: number) => {
      const part = sharp(bytesOf(data?.[0])).extract({ left, top: 0, width: 400, height: 1024 })
      const { channels } = await sharp(await part.removeAlpha().png().toBuffer()).stats()
      return channels.map(({ min, max }) => ({ min, max }))
    }
    const plain = [30, 90, 140].map((value) => ({ min: value, max: value }))
    assert.deepEqual(await coloursFrom(600), plain)
    assert.notDeepEqual(await coloursFrom(50), plain)
  })

  it("streams early states and then the picture", async () => {
    const wish = { ...quick, model: "gpt-image-2.6-flare", prompt: "a slow sunrise", size: "1024x1024" } as const
    const stream = await client.images.generate({ ...wish, stream: true, partial_images: 2 })
    const types: string[] = []
    for await (const event of stream) {
      types.push(event.type)
      assert.equal(await shapeOf(bytesOf(event)), "1024x1024 jpeg")
    }
    const partial = "image_generation.partial_image"
    assert.deepEqual(types, [partial, partial, "image_generation.completed"])
  })

  it("raises the SDK's own exceptions", async () => {
    const table = [
      [{ prompt: "sandbox:moderation" }, OpenAI.BadRequestError, "moderation_blocked"],
      [{ model: "gpt-image-1", size: "17x17" }, OpenAI.BadRequestError, "invalid_value"],
      [{ response_format: "b64_json" }, OpenAI.BadRequestError, "unknown_parameter"],
      [{ model: "gpt-image-9" }, OpenAI.NotFoundError, "model_not_found"],
      [{ prompt: "sandbox:rate-limit" }, OpenAI.RateLimitError, "rate_limit_exceeded"],
      [{ prompt: "sandbox:no-credit" }, OpenAI.RateLimitError, "insufficient_quota"],
      [{ prompt: "sandbox:overloaded" }, OpenAI.InternalServerError, "server_is_overloaded"],
    ] as const
    for (const [change, kind, code] of table) {
      const wish = {
        ...quick,
        model: "gpt-image-2",
        prompt: "a boat",
        ...change,
      } as OpenAI.ImageGenerateParamsNonStreaming
      await assert.rejects(client.images.generate(wish), (error) => {
        assert.ok(error instanceof kind && error instanceof OpenAI.APIError, String(error))
        assert.equal(error.code, code)
        return true
      })
    }
    const stranger = client.withOptions({ apiKey: "sk-invalid" })
    await assert.rejects(stranger.models.list(), OpenAI.AuthenticationError)
  })

  it("is tried again by the SDK where the service asks for it", async () => {
    const wish = { ...quick, model: "gpt-image-2", prompt: "sandbox:error-once" } as const
    const { data } = await client.withOptions({ maxRetries: 1 }).images.generate(wish)
    assert.equal(data?.length, 1)
  })
})
