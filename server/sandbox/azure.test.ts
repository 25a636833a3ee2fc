// FLUX in Microsoft Foundry imitated: on Black Forest Labs' wire, and on OpenAI's for two models.
import assert from "node:assert/strict"
import { json } from "node:stream/consumers"
import { describe, test } from "node:test"
import sharp from "sharp"
import { createSandbox } from "./sandbox.ts"

type Answered = {
  created: number
  data: { b64_json: string; revised_prompt: string; content_filter_results: Record<string, { filtered: boolean }> }[]
  error: { code: string; message: string; innererror?: { code: string } }
}

type Sending = { headers?: Record<string, string>; version?: string; host?: string; method?: string }

const sandbox = createSandbox({ pace: "none", clock: { now: () => Date.parse("2026-11-21T12:00:00Z") } })

async function send(path: string, body: object | FormData, sending: Sending = {}) {
  const {
    headers = { authorization: "Bearer k" },
    version = "?api-version=preview",
    host = "atelier.services.ai.azure.com",
    method = "POST",
  } = sending
  const request = new Request("https://x.example", {
    method: "POST",
    ...(body instanceof FormData
      ? { body }
      : { body: JSON.stringify(body), headers: { "content-type": "application/json" } }),
  })
  const bytes = Buffer.from(await request.arrayBuffer())
  const chunks = async function* () {
    yield bytes
  }
  const { status, ...answer } = await sandbox({
    ...{ method, headers, signal: new AbortController().signal },
    url: new URL(`https://${host}${path}${version}`),
    body: { type: request.headers.get("content-type") ?? "", chunks },
  })
  return { status, headers: answer.headers, body: (await json(answer.body)) as Answered }
}

const provider = (path: string, fields: object, sending?: Sending) =>
  send(`/providers/blackforestlabs/v1/${path}`, fields, sending)

const images = (id: string, kind: string, body: object | FormData) =>
  send(`/openai/deployments/${id}/images/${kind}`, body)

const bytesOf = ({ body }: { body: Answered }, index = 0) => Buffer.from(body.data[index]!.b64_json, "base64")

async function sizeOf(answered: { body: Answered }): Promise<string> {
  const { width, height, format } = await sharp(bytesOf(answered)).metadata()
  return `${width}x${height} ${format}`
}

const pictureOf = (background: string) =>
  sharp({ create: { width: 96, height: 64, channels: 3, background } })
    .png()
    .toBuffer()

const pro = { model: "FLUX.2-pro", prompt: "a ceramic owl", width: 128, height: 64, seed: 7 }

describe("Black Forest Labs' API at Microsoft's", () => {
  for (const [path, fields, size] of [
    ["flux-2-pro", { ...pro, output_format: "png", num_images: 1 }, "128x64 png"],
    ["flux-2-pro", { model: "FLUX.2-pro", prompt: "an owl" }, "1024x1024 jpeg"],
    ["flux-2-flex", { ...pro, model: "FLUX.2-flex", guidance: 4.5, steps: 40 }, "128x64 jpeg"],
    ["flux-kontext-pro", { model: "FLUX.1-Kontext-pro", prompt: "an owl", aspect_ratio: "16:9" }, "1360x768 png"],
    ["flux-pro-1.1", { model: "FLUX-1.1-pro", prompt: "an owl", width: 256, height: 320 }, "256x320 jpeg"],
  ] as const)
    test(`${path} answers at once with ${size}`, async () => {
      const answered = await provider(path, fields)
      assert.equal(answered.status, 200)
      assert.equal(await sizeOf(answered), size)
      const { created, data } = answered.body
      assert.deepEqual([created, data.length], [Date.parse("2026-11-21T12:00:00Z") / 1000, 1])
      assert.equal(data[0]?.content_filter_results["violence"]?.filtered, false)
    })

  test("a seed gives the same picture again, and none another each time", async () => {
    const [one, two] = [await provider("flux-2-pro", pro), await provider("flux-2-pro", pro)]
    assert.deepEqual(bytesOf(one), bytesOf(two))
    const { seed: _, ...unseeded } = pro
    const [three, four] = [await provider("flux-2-pro", unseeded), await provider("flux-2-pro", unseeded)]
    assert.notDeepEqual(bytesOf(three), bytesOf(four))
  })

  test("an edit is the same call with pictures in it", async () => {
    const [input_image, input_image_2] = await Promise.all(
      ["red", "blue"].map(async (colour) => (await pictureOf(colour)).toString("base64")),
    )
    const plain = await provider("flux-2-pro", pro)
    const one = await provider("flux-2-pro", { ...pro, input_image })
    const two = await provider("flux-2-pro", { ...pro, input_image, input_image_2 })
    assert.notDeepEqual(bytesOf(plain), bytesOf(one))
    assert.notDeepEqual(bytesOf(one), bytesOf(two))
    const kontext = { model: "FLUX.1-Kontext-pro", prompt: "an owl", input_image }
    assert.equal((await provider("flux-kontext-pro", kontext)).status, 200)
    assert.equal((await provider("flux-kontext-pro", { ...kontext, input_image_2 })).status, 400)
    const pro11 = { model: "FLUX-1.1-pro", prompt: "an owl" }
    assert.equal((await provider("flux-pro-1.1", { ...pro11, image_prompt: input_image })).status, 400)
  })

  test("the key is taken in either header, at any resource; a wrong one is not", async () => {
    for (const headers of [{ authorization: "Bearer k" }, { "api-key": "k" }] as Record<string, string>[])
      assert.equal((await provider("flux-2-pro", pro, { headers })).status, 200)
    for (const headers of [{}, { "api-key": "invalid" }, { authorization: "Bearer invalid" }, { "x-key": "k" }]) {
      const { status, body } = await provider("flux-2-pro", pro, { headers: headers as Record<string, string> })
      assert.deepEqual([status, body.error.code], [401, "401"])
    }
    for (const host of ["ours.api.cognitive.microsoft.com", "ours.cognitiveservices.azure.com"])
      assert.equal((await provider("flux-2-pro", pro, { host })).status, 200)
  })

  test("a wrong path, version, method or model is not found", async () => {
    for (const [path, fields, sending] of [
      ["FLUX.2-pro", pro, {}],
      ["flux-2-max", pro, {}],
      ["flux-2-pro", pro, { version: "" }],
      ["flux-2-pro", pro, { method: "GET" }],
      ["flux-2-pro", { ...pro, model: "FLUX.2-flex" }, {}],
      ["flux-2-pro", { ...pro, model: 5 }, {}],
    ] as const)
      assert.equal((await provider(path, fields, sending)).status, 404)
    assert.equal(
      (await send("/openai/deployments/FLUX.9/images/generations", pro)).body.error.code,
      "DeploymentNotFound",
    )
    assert.equal((await send("/elsewhere", pro)).status, 404)
  })

  test("a request without a model is a fault of the server, as somebody met it", async () => {
    assert.equal((await provider("flux-2-pro", { prompt: "an owl" })).status, 500)
  })

  for (const [name, fields] of Object.entries({
    "a webp": { output_format: "webp" },
    "no prompt": { prompt: undefined },
    "a side below the least": { width: 32 },
    "a side off the grid": { width: 100 },
    "more than four megapixels": { width: 4096, height: 4096 },
    "a tolerance beyond the scale": { safety_tolerance: 6 },
    "a number of pictures that is none": { num_images: 0 },
    "a link in place of a picture": { input_image: "https://example.com/a.png" },
    "a data URL in place of base64": { input_image: "data:image/png;base64,iVBORw0KGgo=" },
    "base64 that is no picture": { input_image: "bm8gcGljdHVyZQ==" },
  }))
    test(`${name} is refused`, async () => {
      const { status, body } = await provider("flux-2-pro", { ...pro, ...fields })
      assert.deepEqual([status, body.error.code], [400, "BadRequest"])
      assert.match(body.error.message, /\w/)
    })

  test("FLUX1.1 pro draws at most 1.6 megapixels", async () => {
    const fields = { model: "FLUX-1.1-pro", prompt: "an owl", width: 1440 }
    assert.equal((await provider("flux-pro-1.1", { ...fields, height: 1440 })).status, 400)
  })

  test("what only OpenAI knows is passed over", async () => {
    const fields = { ...pro, quality: "high", background: "opaque", user: "u", moderation: "low" }
    assert.equal((await provider("flux-2-pro", fields)).status, 200)
  })

  test("the filter, the quota, the block and the faults answer in Microsoft's words", async () => {
    const answerOf = (word: string) => provider("flux-2-pro", { ...pro, prompt: `an owl sandbox:${word}` })
    const refused = await answerOf("moderation")
    assert.deepEqual([refused.status, refused.body.error.code], [400, "content_filter"])
    assert.equal(refused.body.error.innererror?.code, "ResponsibleAIPolicyViolation")
    const busy = await answerOf("rate-limit")
    assert.deepEqual([busy.status, busy.headers["retry-after"]], [429, "1"])
    for (const [word, status, code] of [
      ["moderation-output", 400, "contentFilter"],
      ["no-credit", 403, "Forbidden"],
      ["error", 500, "InternalServerError"],
      ["task-error", 500, "InternalServerError"],
      ["overloaded", 503, "ServiceUnavailable"],
    ] as const) {
      const { status: found, body } = await answerOf(word)
      assert.deepEqual([found, body.error.code], [status, code], word)
    }
    assert.deepEqual((await answerOf("no-image")).body.data, [])
  })
})

describe("OpenAI's API at Microsoft's", () => {
  const id = "FLUX.1-Kontext-pro"

  test("makes pictures of a size", async () => {
    const answered = await images(id, "generations", { prompt: "a tram in fog", n: 2, size: "256x128" })
    assert.deepEqual([answered.status, answered.body.data.length, await sizeOf(answered)], [200, 2, "256x128 png"])
    assert.notDeepEqual(bytesOf(answered, 0), bytesOf(answered, 1))
    assert.equal(await sizeOf(await images("FLUX-1.1-pro", "generations", { prompt: "a tram" })), "1024x1024 jpeg")
  })

  const editOf = async (files: number, type = "image/png") => {
    const form = new FormData()
    form.set("prompt", "make it winter")
    form.set("size", "128x128")
    const bytes = new Uint8Array(await pictureOf("red"))
    for (let count = 0; count < files; count++) form.append("image", new Blob([bytes], { type }), "a.png")
    return form
  }

  test("edits one picture in a form, with Kontext alone", async () => {
    const answered = await images(id, "edits", await editOf(1))
    assert.deepEqual([answered.status, await sizeOf(answered)], [200, "128x128 png"])
    assert.equal((await images(id, "edits", await editOf(0))).status, 400)
    assert.equal((await images(id, "edits", await editOf(2))).status, 400)
    assert.equal((await images(id, "edits", await editOf(1, "application/octet-stream"))).status, 400)
    assert.equal((await images("FLUX-1.1-pro", "edits", await editOf(1))).status, 404)
  })

  test("does not know the second generation", async () => {
    for (const model of ["FLUX.2-pro", "FLUX.2-flex"])
      assert.equal((await images(model, "generations", { prompt: "a tram" })).status, 404)
  })

  test("refuses a size that is none", async () => {
    for (const size of ["auto", "large", "1024*1024", "9999x9999"])
      assert.equal((await images(id, "generations", { prompt: "a tram", size })).status, 400)
  })
})
