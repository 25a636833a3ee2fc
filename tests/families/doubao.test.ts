// Seedream through Atelier, from the request to pictures in storage: sizes, sequences, edits and what fails of them.
import assert from "node:assert/strict"
import { readdirSync } from "node:fs"
import { join } from "node:path"
import { after, before, describe, it } from "node:test"
import { call, download, generate, kindOf, plainPng } from "../calls.ts"
import type { Failure, Generation } from "../calls.ts"
import { composeServer, sandboxCalls } from "../harness.ts"
import type { InProcess } from "../harness.ts"

const [five, fortyFive, forty] = [
  "doubao/doubao-seedream-5-0-lite",
  "doubao/doubao-seedream-4-5",
  "doubao/doubao-seedream-4-0",
]

let server: InProcess
before(async () => {
  server = await composeServer()
})
after(() => server.end())

const callsAbout = (prompt: string) => sandboxCalls(server).filter((one) => one.prompt === prompt)
const sizesOf = ({ images }: Generation) => images.map(({ width, height }) => `${width}x${height}`)

/** Made, in one piece, and of these sizes. */
async function made(prompt: string, given: Record<string, unknown>, ...sizes: string[]): Promise<Generation> {
  const { status, body } = await generate(server, prompt, given)
  assert.deepEqual([status, body.status, body.error], [200, "succeeded", null], JSON.stringify(body))
  assert.deepEqual(sizesOf(body), sizes)
  return body
}

async function refused(given: Record<string, unknown>): Promise<(string | null)[]> {
  const { status, body } = await generate(server, "a kite never drawn", given)
  assert.equal(status, 400)
  const { error } = body as unknown as Failure
  return [error.param, error.message]
}

describe("seedream: one picture", () => {
  it("is made by each model as the documents ask for one", async () => {
    const example = { size: "2K", sequential_image_generation: "disabled", watermark: true, seed: -1 }
    for (const model of [five, fortyFive, forty]) {
      const { images } = await made(`a train, by ${model}`, { model, ...example }, "2048x2048")
      assert.equal(images[0]?.media_type, "image/jpeg")
      assert.equal(kindOf(await download(images[0]!.url)), "jpeg")
    }
  })

  it("has the vendor's size where none is said, and any other that is", async () => {
    await made("nothing said", { model: forty }, "2048x2048")
    await made("auto", { model: forty, size: "auto" }, "2048x2048")
    await made("1k", { model: forty, size: "1k" }, "1024x1024")
    await made("pixels", { model: forty, size: "960*1024" }, "960x1024")
    await made("a ratio", { model: forty, size: "1K", aspect_ratio: "16x9" }, "1280x720")
    await made("a ratio alone", { model: fortyFive, aspect_ratio: "2:3" }, "1664x2496")
    const { images } = await made("a PNG", { model: five, size: "1920x1920", output_format: "png" }, "1920x1920")
    assert.equal(images[0]?.media_type, "image/png")
  })

  it("is found by the vendor's own ids", async () => {
    for (const name of ["doubao/doubao-seedream-4-0-250828", "doubao-seedream-4-0-250828", "seedream-4-0"]) {
      const { model } = await made(`by ${name}`, { model: name, size: "1280x720" }, "1280x720")
      assert.equal(model, forty)
    }
  })

  it("is the same for the same seed, and each of several has its own", async () => {
    const given = { model: forty, size: "1280x720", seed: 7 }
    const shas = async (more: object) =>
      (await generate(server, "a kite", { ...given, ...more })).body.images.map(({ sha256 }) => sha256)
    const [alone, three] = [await shas({}), await shas({ n: 3 })]
    assert.equal(new Set(three).size, 3)
    assert.deepEqual(three.slice(0, 1), alone)
    assert.equal(callsAbout("a kite").length, 4)
  })

  it("starts from pictures that were given", async () => {
    const image = `data:image/png;base64,${(await plainPng({ width: 96, height: 64 })).toString("base64")}`
    await made("one", { model: forty, size: "1K", image }, "1248x832")
    await made("two", { model: fortyFive, size: "1920x1920", image: [image, image] }, "1920x1920")
  })
})

describe("seedream: a sequence", () => {
  it("is made in one call, as long as the model finds right", async () => {
    const given = { model: forty, size: "1280x720", sequential_image_generation: "auto" }
    const size = "1280x720"
    const { images } = await made("4 seasons", given, size, size, size, size)
    assert.equal(new Set(images.map(({ sha256 }) => sha256)).size, 4)
    assert.equal(callsAbout("4 seasons").length, 1)
    const options = { sequential_image_generation_options: { max_images: 2 } }
    await made("4 other seasons", { ...given, ...options }, size, size)
    await made("4 more seasons", { ...given, n: 3 }, size, size, size)
  })

  it("is shortened by the pictures that it starts from", async () => {
    const image = `data:image/png;base64,${(await plainPng()).toString("base64")}`
    const given = { model: forty, size: "1280x720", sequential_image_generation: "auto", image: Array(13).fill(image) }
    await made("5 of them", given, "1280x720", "1280x720")
  })

  it("keeps what could be made, and says what could not", async () => {
    const given = { model: forty, size: "1280x720", sequential_image_generation: "auto" }
    const size = "1280x720"
    const filtered = await made("kites sandbox:moderation-output", given, size, size)
    assert.equal(filtered.warnings.length, 1)
    assert.match(filtered.warnings[0]!, /content_refused/)
    const stopped = await made("kites sandbox:task-error", given, size)
    assert.match(stopped.warnings.join(), /provider_error/)
    for (const word of ["moderation-output", "task-error"])
      assert.equal(callsAbout(`kites sandbox:${word}`).length, 1, "what came is not paid for again")
  })

  it("keeps the pictures that came before the connection broke", async () => {
    const given = { model: forty, size: "1280x720", sequential_image_generation: "auto" }
    const { body } = await generate(server, "6 kites sandbox:broken-body", given)
    assert.equal(body.status, "succeeded")
    assert.ok(body.images.length > 0 && body.images.length < 6, `${body.images.length}`)
    for (const { url } of body.images) assert.equal(kindOf(await download(url)), "jpeg")
    assert.match(body.warnings.join(), /provider_error/)
    assert.equal(callsAbout("6 kites sandbox:broken-body").length, 1)
    assert.deepEqual(readDrafts(), [])
  })

  it("goes the way of one plugin, with a word that is not the vendor's", async () => {
    const input = {
      ...{ prompt: "kites of Dify", size: "2k", stream: false, response_format: "url", watermark: true },
      ...{ sequential_image_generation: "enabled", sequential_image_generation_options: { max_images: 2 } },
    }
    const path = "/v1/models/doubao/doubao-seedream-4-0-250828/predictions"
    const { status, body } = await call<{ output: { url: string }[] }>(server, path, { json: { input } })
    assert.equal(status, 200)
    assert.equal(body.output.length, 2)
    for (const { url } of body.output) assert.equal(kindOf(await download(url)), "jpeg")
  })
})

const readDrafts = () => readdirSync(join(server.dataFolder, "pictures/drafts"))

describe("seedream: what is refused", () => {
  it("says why, before anybody is called", async () => {
    const [, tooSmall] = await refused({ model: fortyFive, size: "1K" })
    assert.match(tooSmall!, /^size 1K is not made by this model; it takes auto, 2K, 4K, or pixels: 3,686,400 to /)
    const table = [
      [{ model: fortyFive, size: "1024x1024" }, "input.size"],
      [{ model: forty, size: "4097x4096" }, "input.size"],
      [{ model: forty, size: "adaptive" }, "input.size"],
      [{ model: forty, size: "2K", quality: "high" }, "input.quality"],
      [{ model: forty, image_strength: 0.5 }, "input.image_strength"],
      [{ model: forty, seed: -2 }, "input.seed"],
      [{ model: fortyFive, output_format: "png" }, "input.output_format"],
    ] as const
    for (const [given, param] of table) assert.equal((await refused(given))[0], param)
    assert.deepEqual(callsAbout("a kite never drawn"), [])
  })

  it("is told from what fails at the vendor", async () => {
    const codeOf = async (word: string) => {
      const { body } = await generate(server, `sandbox:${word}`, { model: forty, size: "1280x720" })
      return body.error?.code
    }
    assert.equal(await codeOf("moderation"), "content_refused")
    assert.equal(await codeOf("moderation-output"), "content_refused")
    assert.equal(await codeOf("no-credit"), "provider_unavailable")
    assert.equal(await codeOf("no-image"), "provider_error")
    assert.equal(await codeOf("bad-base64"), "provider_error")
  })
})
