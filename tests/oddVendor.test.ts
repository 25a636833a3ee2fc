// Vendors that answer what no vendor should: the attempt fails cleanly with our code, and their words stay in the log.
import assert from "node:assert/strict"
import { after, before, describe, it } from "node:test"
import sharp from "sharp"
import { createKey } from "../server/accounts/keys.ts"
import { defaultProject } from "../server/accounts/projects.ts"
import { call, download, kindOf, plainPng } from "./calls.ts"
import type { Failure, Generation } from "./calls.ts"
import { composeServer } from "./harness.ts"
import type { InProcess } from "./harness.ts"
import { scriptVendor } from "./scriptedVendor.ts"
import type { Scripted, ScriptedVendor } from "./scriptedVendor.ts"

const words = "the vendor's own words: secret sk-1234567890"

let vendor: ScriptedVendor
let server: InProcess
let key: string
let png: Buffer

before(async () => {
  vendor = await scriptVendor()
  server = await composeServer({
    ...{ OPENAI_API_KEY: "any", OPENAI_BASE_URL: `${vendor.url}/v1` },
    ...{ IDEOGRAM_API_KEY: "any", IDEOGRAM_BASE_URL: vendor.url },
    ...{ BFL_API_KEY: "any", BFL_BASE_URL: `${vendor.url}/v1` },
    ...{ GOOGLE_API_KEY: "any", GOOGLE_BASE_URL: `${vendor.url}/v1beta` },
  })
  key = await createKey(server.atelier.app, defaultProject, "live")
  png = await plainPng()
})
after(async () => {
  await server.end()
  vendor.end()
})

const models = ["openai/gpt-image-2", "ideogram/V3", "google/gemini-3-pro-image"]

async function ask(model: string, answer: (path: string) => Scripted, input: Record<string, unknown> = {}) {
  vendor.answer = answer
  vendor.calls.length = 0
  const json = { model, input: { prompt: "a mill", ...input }, wait: 60 }
  const { body, text } = await call<Generation & Failure>(server, "/v1/generations", { json, key })
  return { body, text, calls: vendor.calls.length }
}

const type = (name: string) => ({ headers: { "content-type": name } })

describe("an answer that is none", () => {
  const answers: Record<string, Scripted> = {
    "a page": { status: 200, body: `<html>${words}</html>`, ...type("text/html") },
    "nothing at all": { status: 200, body: "" },
    "nothing of a type": { status: 200, body: words, ...type("application/octet-stream") },
    "a picture where JSON is due": { status: 200, body: Buffer.from("\u0089PNG\r\n"), ...type("image/png") },
    "JSON of another kind": { status: 200, json: [words] },
    "JSON cut off": { status: 200, body: '{"data":[{"b64_js' },
    "a redirect": { status: 302, body: words, headers: { location: "http://169.254.169.254/latest/meta-data" } },
    "a redirect that asks again": { status: 307, body: words, headers: { location: "/v1/elsewhere" } },
  }
  for (const model of models)
    for (const [name, answer] of Object.entries(answers))
      it(`fails ${model} cleanly, without a second call: ${name}`, async () => {
        const { body, text, calls } = await ask(model, () => answer)
        assert.deepEqual([body.status, body.error?.code, calls], ["failed", "provider_error", 1])
        assert.ok(!text.includes("sk-1234567890") && !text.includes("169.254"))
      })
})

describe("a link as the result", () => {
  const linked = (url: string): Scripted => ({
    status: 200,
    json: {
      created: "2026-10-02T09:15:04Z",
      data: [{ url, prompt: words, resolution: "1024x1024", is_image_safe: true }],
    },
  })

  for (const url of [
    "http://169.254.169.254/a.png",
    "http://10.0.0.8/a.png",
    "http://[::1]/a.png",
    "file:///etc/passwd",
  ])
    it(`is not followed to ${url}`, async () => {
      const { body, text } = await ask("ideogram/V3", () => linked(url))
      assert.deepEqual([body.status, body.error?.code], ["failed", "provider_error"])
      assert.ok(!text.includes("169.254") && !text.includes("sk-1234567890"))
    })

  it("is not followed from the vendor's own host to a private one", async () => {
    const answer = (path: string): Scripted =>
      path === "/moved.png"
        ? { status: 302, headers: { location: "http://10.0.0.8/a.png" } }
        : linked(`${vendor.url}/moved.png`)
    const { body } = await ask("ideogram/V3", answer)
    assert.deepEqual([body.status, body.error?.code], ["failed", "provider_error"])
  })

  it("fails where there is no picture behind it", async () => {
    const answer = (path: string): Scripted =>
      path === "/a.png" ? { status: 200, body: "<html>", ...type("image/png") } : linked(`${vendor.url}/a.png`)
    const { body } = await ask("ideogram/V3", answer)
    assert.deepEqual([body.status, body.error?.code], ["failed", "provider_error"])
  })

  it("becomes what its bytes are, whatever its name and its header say", async () => {
    const jpeg = await sharp(png).flatten().jpeg().toBuffer()
    const answer = (path: string): Scripted =>
      path === "/a.png" ? { status: 200, body: jpeg, ...type("image/png") } : linked(`${vendor.url}/a.png`)
    const { body } = await ask("ideogram/V3", answer)
    assert.equal(body.status, "succeeded")
    assert.equal(body.images[0]?.media_type, "image/jpeg")
    assert.equal(kindOf(await download(body.images[0].url)), "jpeg")
  })
})

describe("a look at a task", () => {
  it("is made again where the connection breaks, however long ago the task was taken", async (t) => {
    const { clock } = server.atelier.app
    const { now } = clock
    t.after(() => (clock.now = now))
    let looks = 0
    const begin = (): Scripted => {
      // The next look comes long after the vendor has heard of its own task everywhere.
      clock.now = () => Date.now() + 60_000
      return { status: 200, json: { id: "task", polling_url: `${vendor.url}/v1/get_result` } }
    }
    const ready = { status: "Ready", result: { sample: `${vendor.url}/a.png` } }
    const { body } = await ask("bfl/flux-2-pro", (path) => {
      if (path === "/v1/flux-2-pro") return begin()
      if (path === "/a.png") return { status: 200, body: png, ...type("image/png") }
      return looks++ < 2 ? { status: 0 } : { status: 200, json: ready }
    })
    assert.deepEqual([body.status, body.images?.length, looks], ["succeeded", 1, 3])
    assert.equal(vendor.calls.filter((called) => called.startsWith("POST")).length, 1)
  })
})

describe("a picture of another type than was asked for", () => {
  it("is kept as what it is, and told as that", async () => {
    const json = { created: 1, output_format: "png", data: [{ b64_json: png.toString("base64") }] }
    const { body } = await ask("openai/gpt-image-2", () => ({ status: 200, json }), { output_format: "webp" })
    assert.deepEqual([body.status, body.images[0]?.media_type], ["succeeded", "image/png"])
  })

  it("fails where it is no picture that this server keeps", async () => {
    const gif = Buffer.from("R0lGODlhAQABAAAAACwAAAAAAQABAAA=", "base64").toString("base64")
    const json = { created: 1, data: [{ b64_json: gif }] }
    const { body } = await ask("openai/gpt-image-2", () => ({ status: 200, json }))
    assert.deepEqual([body.status, body.error?.code], ["failed", "provider_error"])
  })
})
