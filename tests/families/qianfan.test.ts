// Baidu's and Alibaba's models through Atelier, from the request to pictures in storage, by either vendor's way.
import assert from "node:assert/strict"
import { after, before, describe, it } from "node:test"
import sharp from "sharp"
import { call, download, generate, plainPng } from "../calls.ts"
import type { Failure, Generation, Reply } from "../calls.ts"
import { composeServer, sandboxCalls } from "../harness.ts"
import type { InProcess } from "../harness.ts"

const [qwen, qwenEdit, irag, iragEdit] = [
  "qianfan/qwen-image",
  "qianfan/qwen-image-edit",
  "qianfan/irag-1.0",
  "qianfan/ernie-irag-edit",
]

const sizesOf = ({ body, text }: Reply<Generation>): string[] => {
  assert.equal(body.status, "succeeded", text)
  return body.images.map(({ width, height }) => `${width}x${height}`)
}

const failureOf = ({ body }: Reply<Generation>): Failure["error"] => (body as unknown as Failure).error

const picture = async (width = 512, height = 512) =>
  `data:image/png;base64,${(await plainPng({ width, height })).toString("base64")}`

const sunset = "A beautiful sunset over a calm ocean"

describe("Baidu's models through Atelier", () => {
  let server: InProcess
  before(async () => {
    server = await composeServer()
  })
  after(() => server.end())

  const draw = (model: string, prompt: string, more: object = {}) => generate(server, prompt, { model, ...more })
  const callsAbout = (prompt: string) => sandboxCalls(server).filter((one) => one.prompt === prompt)

  it("make the pictures of the documents' examples", async () => {
    const example = { refer_image: "", n: 1, size: "1024x1024", watermark: false }
    const made = await draw(qwen, sunset, example)
    assert.deepEqual(sizesOf(made), ["1024x1024"])
    assert.equal((await sharp(await download(made.body.images[0]!.url)).metadata()).format, "png")
    assert.deepEqual(sizesOf(await draw(irag, sunset, { ...example, guidance: 7.5 })), ["1024x1024"])
    const calls = callsAbout(sunset).map(({ vendor, path, model }) => [vendor, path, model])
    const path = "/v2/images/generations"
    assert.deepEqual(calls, [
      ["qianfan", path, "qwen-image"],
      ["qianfan", path, "irag-1.0"],
    ])
  })

  it("have every way to write a size, and another one refused", async () => {
    for (const [size, made] of [
      ["512*1024", "512x1024"],
      ["768*512", "768x512"],
      ["1k", "1024x1024"],
      ["auto", "1024x1024"],
    ])
      assert.deepEqual(sizesOf(await draw(qwen, `sized ${size}`, { size })), [made])
    const { status, body } = await draw(qwen, "never drawn", { size: "4K" })
    const failure = (body as unknown as Failure).error
    assert.deepEqual([status, failure.param], [400, "input.size"])
    assert.match(failure.message, /size must be auto, 1K, 2K, or pixels/)
  })

  it("make several pictures, in as many calls as each model needs", async () => {
    const of = async (model: string, prompt: string, n: number) => {
      const { body } = await draw(model, prompt, { n, size: "512x512", seed: 2_147_483_647 })
      assert.equal(new Set(body.images.map(({ sha256 }) => sha256)).size, n)
      return callsAbout(prompt).length
    }
    assert.equal(await of(qwen, "three kites", 3), 3)
    assert.equal(await of(irag, "six kites", 6), 2)
  })

  it("edit pictures, whichever way they are named", async () => {
    const one = await picture()
    for (const given of [{ image: one }, { images: [one] }, { image: [one, one, one], guidance: 7.5, size: "512x512" }])
      assert.deepEqual(sizesOf(await draw(qwenEdit, "at night", given)), ["size" in given ? "512x512" : "1024x1024"])
    assert.deepEqual(sizesOf(await draw(irag, "like that", { refer_image: one, size: "512x512" })), ["512x512"])
    assert.match(failureOf(await draw(qwenEdit, "at night")).message, /image is missing/)
    assert.match(failureOf(await draw(qwen, "at night", { refer_image: one })).message, /no parameter refer_image/)
  })

  it("erase, repaint and vary", async () => {
    const [image, mask] = [await picture(600, 512), await picture(600, 512)]
    assert.deepEqual(sizesOf(await draw(iragEdit, "varied", { image, guidance: 7.5 })), ["1104x944"])
    assert.deepEqual(sizesOf(await draw(iragEdit, "repainted", { image, mask, size: "512x512" })), ["512x512"])
    const input = { image, mask, feature: "erase" }
    const json = { model: iragEdit, input, wait: 30 }
    assert.deepEqual(sizesOf(await call<Generation>(server, "/v1/generations", { json })), ["600x512"])
    const small = { image, mask: await picture(512, 512) }
    assert.match(failureOf(await draw(iragEdit, "repainted", small)).message, /mask must be as large/)
    assert.match(failureOf(await draw(iragEdit, "erased", { image, feature: "erase" })).message, /erase needs mask/)
  })

  it("say what the filter and what the vendor stopped", async () => {
    const codes = {
      moderation: "content_refused",
      "moderation-output": "content_refused",
      "no-credit": "provider_unavailable",
      "no-image": "provider_error",
    }
    for (const [word, code] of Object.entries(codes))
      assert.equal((await draw(irag, `sandbox:${word}`, { size: "512x512" })).body.error?.code, code, word)
  })
})

describe("Qwen-Image where Alibaba alone has a key", () => {
  let server: InProcess
  before(async () => {
    server = await composeServer({ DASHSCOPE_API_KEY: "any" })
  })
  after(() => server.end())

  it("is made and edited by Alibaba", async () => {
    const more = { seed: 7, negative_prompt: "rain", prompt_upsampling: false, watermark: false }
    const sizes = [
      ...sizesOf(await generate(server, sunset, { model: qwen })),
      ...sizesOf(await generate(server, sunset, { model: qwen, size: "1664*928", n: 2, ...more })),
      ...sizesOf(await generate(server, "at night", { model: qwenEdit, image: [await picture(), await picture()] })),
    ]
    assert.deepEqual(sizes, ["1328x1328", "1664x928", "1664x928", "1024x1024"])
    const calls = sandboxCalls(server).filter(({ method }) => method === "POST")
    assert.deepEqual(new Set(calls.map(({ vendor }) => vendor)), new Set(["dashscope"]))
  })

  it("is refused what Alibaba cannot do", async () => {
    for (const [given, message] of [
      [{ size: "1024x1024" }, /^size must be auto, 1K, 1328x1328, .* with Alibaba$/],
      [{ guidance: 7.5 }, /^guidance cannot be set with Alibaba, only with Baidu$/],
      [{ steps: 20 }, /^steps cannot be set with Alibaba/],
    ] as const) {
      const reply = await generate(server, "never drawn", { model: qwen, ...given })
      assert.equal(reply.status, 400)
      assert.match(failureOf(reply).message, message)
    }
  })
})

describe("Qwen-Image where both have a key", () => {
  let server: InProcess
  before(async () => {
    server = await composeServer({ QIANFAN_API_KEY: "any", DASHSCOPE_API_KEY: "any" })
  })
  after(() => server.end())

  const vendorsOf = (prompt: string) => sandboxCalls(server).flatMap((one) => (one.prompt === prompt ? one.vendor : []))

  it("is made by Baidu, and by Alibaba where Baidu did not even begin and it can", async () => {
    await generate(server, "plain", { model: qwen, size: "1328x1328" })
    assert.deepEqual(vendorsOf("plain"), ["qianfan"])
    const { body } = await generate(server, "sandbox:no-credit", { model: qwen })
    assert.equal(body.error?.code, "provider_unavailable")
    assert.deepEqual(vendorsOf("sandbox:no-credit"), ["qianfan", "dashscope"])
    await generate(server, "sandbox:no-credit, guided", { model: qwen, guidance: 4 })
    assert.deepEqual(vendorsOf("sandbox:no-credit, guided"), ["qianfan"])
    await generate(server, "sandbox:moderation", { model: qwen })
    assert.deepEqual(vendorsOf("sandbox:moderation"), ["qianfan"])
  })
})
