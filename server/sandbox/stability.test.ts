// Stability AI imitated: forms in; bytes out, or JSON with base64; in process.
import assert from "node:assert/strict"
import { buffer } from "node:stream/consumers"
import { describe, test } from "node:test"
import sharp from "sharp"
import type { Pace } from "./imitation.ts"
import { createSandbox } from "./sandbox.ts"

type Body = { image?: string; finish_reason: string; seed: number }
type Refusal = { id: string; name: string; errors: string[] }
type Fields = Record<string, string | Buffer>
type Options = { key?: string; accept?: string | undefined }

const base = "https://api.stability.ai/v2beta/stable-image/generate"

function start(pace: Pace = "none") {
  const sandbox = createSandbox({ pace })
  const { signal } = new AbortController()
  const send = async (
    url: string,
    given: FormData | string,
    { key = "sk-k", accept = "application/json" }: Options,
  ) => {
    const request = new Request(url, { method: "POST", body: given })
    const bytes = new Uint8Array(await request.arrayBuffer())
    const chunks = async function* () {
      yield bytes
    }
    const headers = { authorization: `Bearer ${key}`, ...(accept === "none" ? {} : { accept }) }
    const type = request.headers.get("content-type") ?? ""
    return sandbox({ method: "POST", url: new URL(url), headers, body: { type, chunks }, signal })
  }
  const post = async (address: string, fields: Fields, options: Options = {}) => {
    const { status, headers, body } = await send(`${base}/${address}`, formOf(fields), options)
    const bytes = await buffer(body)
    const isJson = headers["content-type"]?.startsWith("application/json")
    return { status, headers, bytes, body: (isJson ? JSON.parse(bytes.toString()) : {}) as Body & Refusal }
  }
  const get = (path: string, authorization = "Bearer sk-k") =>
    sandbox({ method: "GET", url: new URL(`https://api.stability.ai${path}`), headers: { authorization }, signal })
  return { send, post, get }
}

function formOf(fields: Fields): FormData {
  const form = new FormData()
  for (const [name, value] of Object.entries(fields)) {
    if (typeof value === "string") form.append(name, value)
    else form.append(name, new Blob([new Uint8Array(value)]), `${name}.png`)
  }
  return form
}

const plain = (background: string, width: number, height: number) =>
  sharp({ create: { width, height, channels: 3, background } })
    .png()
    .toBuffer()

const prompt = "a tin robot"
const red = await plain("red", 192, 128)
const blue = await plain("blue", 192, 128)

const bytesOf = ({ image = "" }: Body): Buffer => Buffer.from(image, "base64")

describe("a picture", () => {
  test("comes as JSON with its seed and why it ended", async () => {
    const { status, headers, body } = await start().post("sd3", { prompt, seed: "271828182", output_format: "jpeg" })
    assert.equal(status, 200)
    assert.equal(headers["content-type"], "application/json; type=image/jpeg")
    assert.match(headers["x-request-id"] ?? "", /^[0-9a-f]{32}$/)
    assert.deepEqual([headers["seed"], headers["finish-reason"]], [undefined, undefined])
    assert.deepEqual({ ...body, image: 0 }, { image: 0, finish_reason: "SUCCESS", seed: 271_828_182 })
    const { width, height, format } = await sharp(bytesOf(body)).metadata()
    assert.deepEqual([width, height, format], [1024, 1024, "jpeg"])
  })

  test("comes as bytes where pictures are accepted, with the rest in headers", async () => {
    const { post } = start()
    const asJson = await post("core", { prompt, seed: "5" })
    for (const accept of ["image/*", "*/*", "none"]) {
      const { headers, bytes } = await post("core", { prompt, seed: "5" }, { accept })
      assert.deepEqual(
        [headers["content-type"], headers["finish-reason"], headers["seed"]],
        ["image/png", "SUCCESS", "5"],
      )
      assert.deepEqual(bytes, bytesOf(asJson.body))
    }
  })

  const sizes: [string, Fields, string][] = [
    ["sd3", { model: "sd3.5-large", mode: "text-to-image", aspect_ratio: "16:9", cfg_scale: "4.5" }, "1344x768 png"],
    ["sd3", { model: "sd3.5-flash", aspect_ratio: "9:21", style_preset: "neon-punk" }, "640x1536 png"],
    ["sd3", { model: "sd3-large-turbo", mode: "image-to-image", image: red, strength: "0.7" }, "192x128 png"],
    ["ultra", { aspect_ratio: "21:9", output_format: "webp", negative_prompt: "rust" }, "1536x640 webp"],
    ["ultra", { image: red, strength: "1", aspect_ratio: "4:5" }, "896x1152 png"],
    ["core", { none: "" }, "1280x1280 png"],
  ]
  for (const [address, fields, size] of sizes)
    test(`${address} with ${Object.keys(fields).join()} draws ${size}`, async () => {
      const { status, body } = await start().post(address, { prompt, ...fields })
      assert.equal(status, 200, JSON.stringify(body.errors))
      const { width, height, format } = await sharp(bytesOf(body)).metadata()
      assert.equal(`${width}x${height} ${format}`, size)
    })

  test("is the same for the same seed, and another without one, or with the 0 that means none", async () => {
    const { post } = start()
    const draw = async (fields: Fields) => (await post("core", { prompt, ...fields })).body
    assert.deepEqual(await draw({ seed: "5" }), await draw({ seed: "5" }))
    for (const fields of [{}, { seed: "0" }]) {
      const [one, two] = [await draw(fields), await draw(fields)]
      assert.notEqual(one.seed, two.seed)
      assert.notDeepEqual(one.image, two.image)
    }
  })

  test("follows the picture it starts from, and how far it may leave it", async () => {
    const { post } = start()
    const draw = async (image: Buffer, strength: string) =>
      (await post("sd3", { prompt, seed: "5", mode: "image-to-image", image, strength })).body.image
    const all = [await draw(red, "0.5"), await draw(blue, "0.5"), await draw(red, "0.6")]
    assert.equal(new Set(all).size, 3)
  })
})

describe("refusals", () => {
  const table: [string, Fields, string][] = [
    ["sd3", {}, "prompt"],
    ["sd3", { prompt: "" }, "prompt"],
    ["sd3", { prompt, negative_prompt: "" }, "negative_prompt"],
    ["sd3", { prompt, model: "sd4" }, "model"],
    ["sd3", { prompt, output_format: "webp" }, "output_format"],
    ["sd3", { prompt, aspect_ratio: "3x2" }, "aspect_ratio"],
    ["sd3", { prompt, seed: "4294967295" }, "seed"],
    ["sd3", { prompt, seed: "1.5" }, "seed"],
    ["sd3", { prompt, cfg_scale: "0" }, "cfg_scale"],
    ["sd3", { prompt, style_preset: "baroque" }, "style_preset"],
    ["sd3", { prompt, width: "512" }, "width"],
    ["sd3", { prompt, image: red, strength: "0.5" }, "image"],
    ["sd3", { prompt, mode: "image-to-image", strength: "0.5" }, "image"],
    ["sd3", { prompt, mode: "image-to-image", image: red }, "strength"],
    ["sd3", { prompt, mode: "image-to-image", image: red, strength: "0.5", aspect_ratio: "1:1" }, "aspect_ratio"],
    ["sd3", { prompt, mode: "image-to-image", image: Buffer.from("nothing"), strength: "0.5" }, "image"],
    ["ultra", { prompt, image: red }, "strength"],
    ["ultra", { prompt, strength: "0.5" }, "strength"],
    ["ultra", { prompt, mode: "text-to-image" }, "mode"],
    ["core", { prompt, image: red }, "image"],
    ["core", { prompt, cfg_scale: "5" }, "cfg_scale"],
  ]
  for (const [address, fields, param] of table)
    test(`${address} names ${param}, given ${Object.keys(fields).join()}`, async () => {
      const { status, body } = await start().post(address, fields)
      assert.deepEqual([status, body.name], [400, "bad_request"])
      assert.match(body.id, /^[0-9a-f]{32}$/)
      assert.ok(body.errors[0]?.startsWith(`${param}: `), body.errors.join())
    })

  test("name all that is wrong at once, in JSON even where pictures are accepted", async () => {
    const given = { prompt: "", seed: "x", steps: "20" }
    const { body } = await start().post("core", given, { accept: "image/*" })
    assert.deepEqual(
      body.errors.map((error) => error.split(":")[0]),
      ["steps", "prompt", "seed"],
    )
  })

  test("of keys, addresses, types and sizes", async () => {
    const { post, send, get } = start()
    for (const key of ["", "sk-invalid"])
      assert.deepEqual([(await post("core", { prompt }, { key })).body.name], ["unauthorized"])
    assert.equal((await post("sd3.5-large", { prompt })).status, 404)
    assert.equal((await get("/v2beta/stable-image/generate/core")).status, 405)
    const asJson = await send(`${base}/core`, JSON.stringify({ prompt }), {})
    assert.match((await buffer(asJson.body)).toString(), /"errors":\["content-type: must be multipart\/form-data"\]/)
    const either = await post("core", { prompt }, { accept: "application/json, text/event-stream" })
    assert.deepEqual([either.status, either.body.errors[0]?.split(":")[0]], [400, "accept"])
    const large = { prompt, mode: "image-to-image", strength: "0.5", image: Buffer.alloc(10 * 1024 * 1024) }
    assert.equal((await post("sd3", large)).status, 413)
  })

  test("on request", async () => {
    const { post } = start()
    const answerTo = (word: string, options: Options = {}) =>
      post("core", { prompt: `${prompt} sandbox:${word}`, seed: "3" }, options)
    const names = {
      moderation: [403, "content_moderation"],
      "rate-limit": [429, "rate_limit_exceeded"],
      "no-credit": [402, "payment_required"],
      error: [500, "internal_error"],
      "task-error": [500, "internal_error"],
      overloaded: [503, "service_unavailable"],
    }
    for (const [word, expected] of Object.entries(names)) {
      const { status, body } = await answerTo(word)
      assert.deepEqual([status, body.name], expected)
    }
    assert.equal((await answerTo("rate-limit")).headers["retry-after"], "1")
    assert.deepEqual((await answerTo("no-image")).body, { finish_reason: "SUCCESS", seed: 3 } as Body & Refusal)
    assert.match((await answerTo("bad-base64")).body.image ?? "", /^@@not\*base64@@/)
    assert.equal((await answerTo("error-once")).status, 500)
    assert.equal((await answerTo("error-once")).status, 200)
    await assert.rejects(answerTo("broken-body"), { code: "ECONNRESET" })
  })

  test("of a picture that was made come with a blurred one and a good status", async () => {
    const { post } = start()
    const given = { prompt: `${prompt} sandbox:moderation-output`, seed: "3" }
    const { status, body } = await post("core", given)
    assert.deepEqual([status, body.finish_reason], [200, "CONTENT_FILTERED"])
    const sharpness = async (bytes: Buffer) => (await sharp(bytes).stats()).sharpness
    const clear = bytesOf((await post("core", { prompt, seed: "3" })).body)
    assert.ok((await sharpness(bytesOf(body))) < (await sharpness(clear)) / 2)
    assert.equal((await post("core", given, { accept: "image/*" })).headers["finish-reason"], "CONTENT_FILTERED")
  })
})

test("an account says how many credits are left", async () => {
  const { get } = start()
  assert.deepEqual(JSON.parse((await buffer((await get("/v1/user/balance")).body)).toString()), { credits: 10_000 })
  assert.equal((await get("/v1/user/balance", "")).status, 401)
})
