// OpenAI's own SDK at a server that only speaks its API, as the documents of such servers tell their users to do.
import assert from "node:assert/strict"
import { after, before, describe, it } from "node:test"
import OpenAI, { toFile } from "openai"
import sharp from "sharp"
import { download, plainPng } from "../calls.ts"
import { serveSandbox } from "./sandbox.ts"
import type { ServedSandbox } from "./sandbox.ts"

let sandbox: ServedSandbox
let client: OpenAI

before(async () => {
  sandbox = await serveSandbox()
  client = new OpenAI({ baseURL: `${sandbox.url}/compatible/v1`, apiKey: "none", maxRetries: 0 })
})
after(() => sandbox.end())

const wish = { model: "Qwen/Qwen-Image", prompt: "a white cat" } as const
const sizeOf = async (bytes: Buffer) => (({ width, height }) => `${width}x${height}`)(await sharp(bytes).metadata())

describe("npm openai at a compatible server", () => {
  it("makes a picture, with the server's own parameters beside OpenAI's", async () => {
    const more = { size: "256x512", seed: 7, num_inference_steps: 4, guidance_scale: 3.5 } as object
    const { data } = await client.images.generate({ ...wish, ...more, response_format: "b64_json" })
    assert.equal(await sizeOf(Buffer.from(data?.[0]?.b64_json ?? "", "base64")), "256x512")
  })

  it("makes a picture behind a link", async () => {
    const { data } = await client.images.generate({ ...wish, size: "256x256", response_format: "url" })
    assert.equal(await sizeOf(await download(data?.[0]?.url ?? "")), "256x256")
  })

  it("edits a picture", async () => {
    const image = await toFile(await plainPng(), "room.png", { type: "image/png" })
    const { data } = await client.images.edit({ ...wish, image, size: "512x512" })
    assert.equal(await sizeOf(Buffer.from(data?.[0]?.b64_json ?? "", "base64")), "512x512")
  })

  it("raises what it raises for OpenAI, by the status", async () => {
    const table = [
      [{ size: "large" }, OpenAI.UnprocessableEntityError],
      [{ prompt: "sandbox:moderation" }, OpenAI.BadRequestError],
      [{ prompt: "sandbox:rate-limit" }, OpenAI.RateLimitError],
      [{ prompt: "sandbox:overloaded" }, OpenAI.InternalServerError],
    ] as const
    for (const [change, kind] of table)
      await assert.rejects(client.images.generate({ ...wish, ...(change as object) }), kind)
    const stranger = client.withOptions({ apiKey: "invalid" })
    await assert.rejects(stranger.images.generate(wish), OpenAI.AuthenticationError)
  })
})
