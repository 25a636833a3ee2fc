// Ideogram through Atelier itself: the documents' example, and each operation.
import assert from "node:assert/strict"
import { after, before, describe, it } from "node:test"
import sharp from "sharp"
import { call, download, plainPng } from "../calls.ts"
import type { Failure, Generation, Reply } from "../calls.ts"
import { composeServer, sandboxCalls } from "../harness.ts"
import type { InProcess } from "../harness.ts"

const model = "ideogram/V3"

let server: InProcess
before(async () => {
  server = await composeServer()
})
after(() => server.end())

const start = (input: object): Promise<Reply<Generation & Failure>> =>
  call(server, "/v1/generations", { json: { model, input, wait: 30 } })

const dataUrl = (bytes: Buffer): string => `data:image/png;base64,${bytes.toString("base64")}`

async function sizeOf({ body, text }: Reply<Generation>, index = 0): Promise<string> {
  assert.equal(body.status, "succeeded", text)
  const { url, media_type } = body.images[index]!
  const { width, height, format } = await sharp(await download(url)).metadata()
  assert.equal(media_type, `image/${format}`)
  return `${width}x${height}`
}

describe("Ideogram through Atelier", () => {
  it("makes the picture of the documents' example", async () => {
    const prompt = "A deer drinking in the lake, in the style of Pixar 3D"
    const reply = await start({ prompt, rendering_speed: "QUALITY", aspect_ratio: "2x1" })
    assert.equal(await sizeOf(reply), "1408x704")
    assert.equal(reply.body.input["aspect_ratio"], "2:1")
  })

  it("makes several pictures in one call, and more than eight in two", async () => {
    const few = await start({ prompt: "three kites", n: 3, rendering_speed: "SPEED", size: "640x1344" })
    assert.deepEqual([few.body.images.length, await sizeOf(few, 2)], [3, "640x1344"])
    const many = await start({ prompt: "nine kites", n: 9, rendering_speed: "TURBO", size: "512x1536" })
    assert.equal(many.body.images.length, 9)
    const calls = sandboxCalls(server).filter(({ method, prompt }) => method === "POST" && prompt?.endsWith(" kites"))
    assert.deepEqual(
      calls.map(({ vendor, path }) => [vendor, path]),
      Array.from({ length: 3 }, () => ["ideogram", "/v1/ideogram-v3/generate"]),
    )
  })

  it("remixes, edits, reframes and replaces the background of a picture", async () => {
    const image = dataUrl(await plainPng())
    const sizes: Record<string, string> = {
      remix: await sizeOf(await start({ prompt: "a remix", image, image_weight: 30, aspect_ratio: "3:4" })),
      inpaint: await sizeOf(await start({ prompt: "an inpaint", image, mask: image })),
      reframe: await sizeOf(await start({ operation: "reframe", image, size: "1536x512" })),
      background: await sizeOf(await start({ operation: "replace-background", prompt: "a background", image })),
    }
    assert.deepEqual(sizes, {
      remix: "864x1152",
      inpaint: "1024x1024",
      reframe: "1536x512",
      background: "1024x1024",
    })
    const paths = sandboxCalls(server).map(({ path }) => path.split("/").at(-1))
    for (const path of ["remix", "inpaint", "reframe", "replace-background"]) assert.ok(paths.includes(path), path)
  })

  it("takes references for style and character, and makes transparent pictures", async () => {
    const image = dataUrl(await plainPng())
    const styled = {
      prompt: "in that style",
      image: [image, image],
      color_palette: { members: [{ color_hex: "#fa0" }] },
    }
    assert.equal(await sizeOf(await start(styled)), "1024x1024")
    const character = { prompt: "the same hero", operation: "generate", image, reference_as: "character" }
    assert.equal(await sizeOf(await start(character)), "1024x1024")
    const transparent = await start({ prompt: "a sticker", operation: "generate-transparent", aspect_ratio: "1:3" })
    assert.equal(await sizeOf(transparent), "512x1536")
    assert.equal((await sharp(await download(transparent.body.images[0]!.url)).stats()).isOpaque, false)
  })

  it("says what an operation needs before anybody is called", async () => {
    const { status, body } = await start({ prompt: "x", operation: "edit", image: dataUrl(await plainPng()) })
    assert.deepEqual([status, body.error.param], [400, "input.mask"])
    assert.match(body.error.message, /operation edit needs mask/)
  })

  it("tells a refused prompt from a refused picture, and both from a vendor that is busy", async () => {
    assert.equal((await start({ prompt: "sandbox:rate-limit-once" })).body.status, "succeeded")
    const codes: Record<string, string> = {
      "sandbox:moderation": "content_refused",
      "sandbox:moderation-output": "content_refused",
      "sandbox:no-credit": "provider_unavailable",
      "sandbox:no-image": "provider_error",
      "sandbox:html": "provider_error",
      "sandbox:bad-base64": "provider_error",
    }
    for (const [prompt, code] of Object.entries(codes)) {
      const { body, text } = await start({ prompt })
      assert.equal(JSON.parse(text).error.code, code, prompt)
      assert.equal(body.images?.length ?? 0, 0)
    }
  })
})
