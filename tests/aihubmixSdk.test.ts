// AIHubMix's own provider for the AI SDK, whose fixed address is led here.
import assert from "node:assert/strict"
import { after, before, describe, it } from "node:test"
import { createAihubmix } from "@aihubmix/ai-sdk-provider"
import sharp from "sharp"
import { composeServer } from "./harness.ts"
import type { InProcess } from "./harness.ts"

const theirs = "https://aihubmix.com/v1"

let server: InProcess
before(async () => {
  server = await composeServer()
})
after(() => server.end())

const providerWith = (apiKey: string) =>
  createAihubmix({
    apiKey,
    fetch: (address, options) => {
      const url = address instanceof Request ? address.url : String(address)
      assert.ok(url.startsWith(theirs), url)
      return fetch(`${server.url}/v1${url.slice(theirs.length)}`, options)
    },
  })

const asked = {
  n: 1,
  size: "1024x1024",
  aspectRatio: undefined,
  seed: undefined,
  files: undefined,
  mask: undefined,
  providerOptions: {},
} as const

describe("AIHubMix's provider for the AI SDK", () => {
  for (const name of ["gpt-image-1-mini", "FLUX.1-Kontext-pro", "doubao-seedream-4-0"])
    it(`makes a picture with ${name}`, async () => {
      const model = providerWith(server.testKey).imageModel(name)
      // Kontext takes no size in pixels, and this client sends none where it is not asked for one.
      const size = name.startsWith("FLUX") ? undefined : asked.size
      const { images } = await model.doGenerate({ ...asked, prompt: "a bridge", size })
      assert.equal(images.length, 1)
      const { width } = await sharp(Buffer.from(images[0] as string, "base64")).metadata()
      assert.ok((width ?? 0) >= 1024)
    })

  it("understands a wrong key and a wrong parameter", async () => {
    const stranger = providerWith("sk-wrong").imageModel("gpt-image-1")
    await assert.rejects(async () => stranger.doGenerate({ ...asked, prompt: "a bridge" }), /API key is not valid/)
    const model = providerWith(server.testKey).imageModel("gpt-image-1")
    await assert.rejects(async () => model.doGenerate({ ...asked, prompt: "a bridge", size: "7x7" }), /size must be/)
  })
})
