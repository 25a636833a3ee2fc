// Ideogram's own V3 API as this server speaks it: the forms that Cherry Studio sends through AIHubMix.
import assert from "node:assert/strict"
import { after, before, describe, it } from "node:test"
import sharp from "sharp"
import { call, download, kindOf, plainPng } from "./calls.ts"
import type { Failure } from "./calls.ts"
import { composeServer } from "./harness.ts"
import type { InProcess } from "./harness.ts"

type Images = {
  created: string
  data: { url: string | null; prompt: string; resolution: string; is_image_safe: boolean; seed?: number }[]
}

let server: InProcess
before(async () => {
  server = await composeServer()
})
after(() => server.end())

async function send(operation: string, fields: Record<string, string | Buffer>) {
  const form = new FormData()
  for (const [name, value] of Object.entries(fields))
    if (typeof value === "string") form.append(name, value)
    else form.append(name, new Blob([new Uint8Array(value)], { type: "image/png" }), `${name}.png`)
  const headers = { "api-key": server.testKey }
  return call<Images & Failure>(server, `/ideogram/v1/ideogram-v3/${operation}`, { body: form, key: null, headers })
}

describe("generate", () => {
  it("takes the form with the key in Api-Key and answers links in Ideogram's shape", async () => {
    const fields = { prompt: "a tin robot", aspect_ratio: "2x1", rendering_speed: "TURBO", num_images: "2", seed: "11" }
    const { status, body } = await send("generate", { ...fields, magic_prompt: "OFF", style_type: "DESIGN" })
    assert.equal(status, 200, JSON.stringify(body))
    assert.equal(body.data.length, 2)
    assert.ok(!Number.isNaN(Date.parse(body.created)))
    for (const { url, resolution, is_image_safe } of body.data) {
      const picture = await download(url!)
      const { width = 0, height = 0 } = await sharp(picture).metadata()
      assert.equal(resolution, `${width}x${height}`)
      assert.ok(Math.abs(width / height - 2) < 0.2)
      assert.equal(is_image_safe, true)
    }
  })

  it("takes JSON as well, and any other way to send a key", async () => {
    const json = { prompt: "a tin whistle", resolution: "1024x1024", num_images: 1, rendering_speed: "TURBO" }
    const { status, body } = await call<Images>(server, "/ideogram/v1/ideogram-v3/generate", { json })
    assert.deepEqual([status, body.data[0]?.resolution], [200, "1024x1024"])
  })

  it("delivers a picture that the filter held back without a link", async () => {
    const { status, body } = await send("generate", { prompt: "sandbox:moderation-output" })
    assert.equal(status, 200)
    assert.deepEqual(
      body.data.map(({ url, is_image_safe }) => [url, is_image_safe]),
      [[null, false]],
    )
  })

  it("names what is wrong by Ideogram's names, in an object with a message", async () => {
    const { status, body } = await send("generate", { prompt: "x", num_images: "11", resolution: "7x7" })
    assert.equal(status, 400)
    assert.deepEqual(body.error.problems?.map(({ param }) => param).sort(), ["num_images", "resolution"])
    assert.match(body.error.message, /num_images must be at most 10/)
    const refused = await send("generate", { prompt: "sandbox:moderation" })
    assert.deepEqual([refused.status, refused.body.error.code], [422, "content_refused"])
  })
})

describe("what starts from a picture", () => {
  it("is remixed, edited, reframed, and given another background", async () => {
    const image = await plainPng()
    const size = await sharp(image).metadata()
    const mask = await sharp({ create: { width: size.width, height: size.height, channels: 3, background: "black" } })
      .png()
      .toBuffer()
    const forms: [string, Record<string, string | Buffer>][] = [
      ["remix", { prompt: "in winter", image, image_weight: "60" }],
      ["edit", { prompt: "a door", image, mask }],
      ["inpaint", { prompt: "a window", image, mask }],
      ["reframe", { image, resolution: "1280x704" }],
      ["replace-background", { prompt: "a beach", image }],
    ]
    for (const [operation, fields] of forms) {
      const { status, body } = await send(operation, { ...fields, rendering_speed: "TURBO" })
      assert.equal(status, 200, `${operation}: ${JSON.stringify(body)}`)
      assert.ok(kindOf(await download(body.data[0]!.url!)))
    }
  })
})

describe("pictures that are only referred to", () => {
  it("lend their style, or their character, but not both", async () => {
    const style = await plainPng({ width: 128, height: 128 })
    const plain = { prompt: "a tin robot", rendering_speed: "TURBO" }
    for (const fields of [{ style_reference_images: style }, { character_reference_images: style }]) {
      const { status, body } = await send("generate", { ...plain, ...fields })
      assert.equal(status, 200, JSON.stringify(body))
    }
    const both = { style_reference_images: style, character_reference_images: style }
    const { status, body } = await send("generate", { ...plain, ...both })
    assert.deepEqual([status, body.error.param], [400, "character_reference_images"])
  })

  it("leave the background away where that is asked", async () => {
    const { status, body } = await send("generate-transparent", { prompt: "a tin robot", rendering_speed: "TURBO" })
    assert.equal(status, 200, JSON.stringify(body))
    assert.equal((await sharp(await download(body.data[0]!.url!)).metadata()).hasAlpha, true)
  })
})

describe("the older routes", () => {
  it("are refused with the reason", async () => {
    for (const path of ["/ideogram/generate", "/ideogram/aihubmix_image_remix", "/ideogram/upscale"]) {
      const json = { image_request: { prompt: "x", model: "V_2" } }
      const { status, body } = await call<Failure>(server, path, { json })
      assert.deepEqual([status, body.error.code], [404, "unknown_model"])
      assert.match(body.error.message, /below V3/)
    }
  })
})
