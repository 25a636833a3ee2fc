// OpenAI imitated, as its own client library sees it over HTTP.
import assert from "node:assert/strict"
import { once } from "node:events"
import type { AddressInfo } from "node:net"
import { after, before, describe, test } from "node:test"
import OpenAI, { APIError, AuthenticationError, BadRequestError, NotFoundError, RateLimitError, toFile } from "openai"
import type { ImageGenerateParamsNonStreaming } from "openai/resources/images"
import sharp from "sharp"
import { createSandbox } from "./sandbox.ts"
import { createSandboxServer } from "./serve.ts"

const clock = { time: Date.parse("2026-11-21T12:00:00Z"), now: () => clock.time }
const server = createSandboxServer(createSandbox({ pace: "none", clock }))
const clientWith = (apiKey: string) => new OpenAI({ apiKey, maxRetries: 0, baseURL: `${originOf()}/openai/v1` })
const originOf = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`
let client: OpenAI

before(async () => {
  await once(server.listen(0, "127.0.0.1"), "listening")
  client = clientWith("sk-anything")
})
after(() => void server.close())

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}
const bytesOf = (base64: string | undefined) => Buffer.from(base64 ?? "", "base64")
const square = (colour: string, side = 64) =>
  sharp({ create: { width: side, height: side, channels: 4, background: colour } })
    .png()
    .toBuffer()
const asPng = async (bytes: Promise<Buffer>, name = "a.png") => toFile(await bytes, name, { type: "image/png" })
const quick = { model: "gpt-image-1", prompt: "a kite", output_format: "jpeg", quality: "low" } as const

describe("generations", () => {
  test("draws what was asked for, says what it took, and counts the tokens", async () => {
    const wish = { ...quick, n: 2, output_format: "webp", output_compression: 50, size: "1536x1024" } as const
    const answer = await client.images.generate(wish)
    assert.equal(answer.created, clock.time / 1000)
    assert.deepEqual(
      [answer.size, answer.quality, answer.background, answer.output_format],
      ["1536x1024", "low", "opaque", "webp"],
    )
    assert.deepEqual(answer.usage, {
      input_tokens: 2,
      input_tokens_details: { text_tokens: 2, image_tokens: 0 },
      output_tokens: 800,
      output_tokens_details: { image_tokens: 800, text_tokens: 0 },
      total_tokens: 802,
    })
    const [one, two] = (answer.data ?? []).map(({ b64_json }) => bytesOf(b64_json))
    assert.notDeepEqual(one, two)
    const { width, height, format } = await sharp(two).metadata()
    assert.deepEqual([width, height, format], [1536, 1024, "webp"])
  })

  test("gives the same pictures for the same request", async () => {
    const [one, two] = [await client.images.generate(quick), await client.images.generate(quick)]
    assert.equal(one.data?.[0]?.b64_json, two.data?.[0]?.b64_json)
  })

  test("takes free sizes where the model does, and resolves what was left to it", async () => {
    const answer = await client.images.generate({ ...quick, model: "gpt-image-2", size: "1024x640" })
    assert.equal(answer.size, "1024x640")
    const automatic = await client.images.generate({ ...quick, size: "auto", quality: "auto", background: "auto" })
    assert.deepEqual([automatic.size, automatic.quality, automatic.background], ["1024x1024", "high", "opaque"])
  })

  test("takes what is new in each generation, and counts it dearer", async () => {
    const wish = { ...quick, model: "gpt-image-2.6-flare", size: "1024x1024", output_format: "webp" } as const
    const tokensOf = async (more: object) =>
      (await client.images.generate({ ...wish, ...more })).usage?.output_tokens ?? 0
    const counts = [await tokensOf({}), await tokensOf({ quality: "high", complexity: "low" })]
    counts.push(await tokensOf({ quality: "xhigh" }), await tokensOf({ quality: "max", background: "transparent" }))
    assert.deepEqual(counts.slice(0, 2), [196, 7024])
    assert.deepEqual(
      counts.toSorted((one, other) => one - other),
      counts,
    )
    for (const output_format of ["gif", "svg"])
      await assert.rejects(tokensOf({ output_format }), { code: "invalid_value", param: "output_format" })
  })

  test("names the request and the limits in headers", async () => {
    const { response } = await client.images.generate(quick).withResponse()
    assert.match(response.headers.get("x-request-id") ?? "", /^req_[0-9a-f]{32}$/)
    assert.equal(response.headers.get("x-ratelimit-limit-requests"), "500")
  })

  test("streams partial pictures and then the picture", async () => {
    const stream = await client.images.generate({ ...quick, stream: true, partial_images: 2 })
    const events = await collect(stream)
    assert.deepEqual(
      events.map(({ type }) => type),
      ["image_generation.partial_image", "image_generation.partial_image", "image_generation.completed"],
    )
    assert.deepEqual(
      events.map((event) => ("partial_image_index" in event ? event.partial_image_index : event.usage.output_tokens)),
      [0, 1, 272],
    )
    assert.equal(new Set(events.map(({ b64_json }) => b64_json)).size, 3)
  })
})

describe("DALL·E 3", () => {
  test("links to a picture that can be fetched for an hour", async () => {
    const { data, usage } = await client.images.generate({ model: "dall-e-3", prompt: "a kite", style: "natural" })
    assert.equal(usage, undefined)
    assert.match(data?.[0]?.revised_prompt ?? "", /a kite/)
    const url = data?.[0]?.url ?? ""
    assert.ok(url.startsWith(originOf()))
    const picture = await fetch(url)
    assert.equal(picture.headers.get("content-type"), "image/png")
    assert.equal((await sharp(Buffer.from(await picture.arrayBuffer())).metadata()).width, 1024)
    const forged = url.replace(/sig=(\w)/, (_, first) => (first === "x" ? "sig=y" : "sig=x"))
    assert.equal((await fetch(forged)).status, 403)
    clock.time += 60 * 60 * 1000
    assert.equal((await fetch(url)).status, 403)
  })

  test("gives base64 on request", async () => {
    const wish = { model: "dall-e-3", prompt: "a kite", response_format: "b64_json" } as const
    const { data } = await client.images.generate(wish)
    assert.equal((await sharp(bytesOf(data?.[0]?.b64_json)).metadata()).format, "png")
  })
})

describe("edits", () => {
  test("show the picture that was sent", async () => {
    const red = { ...quick, image: await asPng(square("red")), size: "1024x1024" } as const
    const blue = { ...red, image: [await asPng(square("blue")), await asPng(square("green"))] }
    const [one, two] = [await client.images.edit(red), await client.images.edit(blue)]
    assert.notEqual(one.data?.[0]?.b64_json, two.data?.[0]?.b64_json)
    assert.equal(one.usage?.input_tokens_details.image_tokens, 194)
    assert.equal(two.usage?.input_tokens_details.image_tokens, 388)
  })

  test("paint only where the mask is transparent", async () => {
    const hole = await square("black", 32)
    const mask = sharp(await square("black"))
      .composite([{ input: hole, left: 0, top: 0, blend: "dest-out" }])
      .png()
      .toBuffer()
    const wish = { ...quick, image: await asPng(square("#ff0000")), mask: await asPng(mask, "mask.png") }
    const { data } = await client.images.edit({ ...wish, output_format: "png" })
    const pixels = sharp(bytesOf(data?.[0]?.b64_json)).removeAlpha().raw()
    const { data: raw, info } = await pixels.toBuffer({ resolveWithObject: true })
    const at = (x: number, y: number) => [...raw.subarray((y * info.width + x) * 3, (y * info.width + x) * 3 + 3)]
    assert.deepEqual(at(800, 800), [255, 0, 0])
    assert.notDeepEqual(at(200, 200), [255, 0, 0])
  })

  test("stream under names of their own", async () => {
    const stream = await client.images.edit({ ...quick, image: await asPng(square("red")), stream: true })
    assert.deepEqual(
      (await collect(stream)).map(({ type }) => type),
      ["image_edit.completed"],
    )
  })

  test("take JSON with data URLs and with addresses", async () => {
    const images = [
      { image_url: `data:image/png;base64,${(await square("red")).toString("base64")}` },
      { image_url: "https://example.com/a.png" },
    ]
    const answer = (await client.post("/images/edits", { body: { ...quick, images } })) as { data: unknown[] }
    assert.equal(answer.data.length, 1)
  })

  test("refuse pictures that are none, and masks that do not fit", async () => {
    const wish = { ...quick, image: await asPng(square("red")) }
    const refused = async (change: object, code: string) =>
      assert.rejects(client.images.edit({ ...wish, ...change }), { status: 400, code })
    await refused({ image: await toFile(await square("red"), "a.bin") }, "unsupported_file_mimetype")
    await refused({ image: await asPng(Promise.resolve(Buffer.from("no picture"))) }, "invalid_image_file")
    await refused({ mask: await asPng(square("red", 32)) }, "invalid_mask_image_format")
    const opaque = sharp(await square("red"))
      .removeAlpha()
      .png()
      .toBuffer()
    await refused({ mask: await asPng(opaque) }, "invalid_mask_image_format")
    await refused({ moderation: "low" }, "unknown_parameter")
    await refused({ model: "gpt-image-1-mini", input_fidelity: "high" }, "invalid_value")
    await refused({ image: await Promise.all(Array(17).fill(asPng(square("red")))) }, "array_above_max_length")
  })
})

describe("refusals", () => {
  const table: [object, string | null, string | null][] = [
    [{ response_format: "b64_json" }, "unknown_parameter", "response_format"],
    [{ seed: 1 }, "unknown_parameter", "seed"],
    [{ prompt: undefined }, "missing_required_parameter", "prompt"],
    [{ prompt: "" }, "empty_string", "prompt"],
    [{ prompt: "x".repeat(32_001) }, "string_above_max_length", "prompt"],
    [{ n: 11 }, "integer_above_max_value", "n"],
    [{ n: 0 }, "integer_below_min_value", "n"],
    [{ n: "1" }, "invalid_type", "n"],
    [{ quality: "max" }, "invalid_value", "quality"],
    [{ size: "512x512" }, "invalid_value", "size"],
    [{ output_format: "png", output_compression: 50 }, "invalid_png_output_compression", "output_compression"],
    [{ background: "transparent" }, "invalid_value", "background"],
    [{ model: "gpt-image-2", output_format: "png", background: "transparent" }, "invalid_value", "background"],
    [{ model: "gpt-image-2", size: "1000x1000" }, "invalid_value", "size"],
    [{ model: "gpt-image-2", size: "3840x1024" }, "invalid_value", "size"],
    [{ model: "gpt-image-2", size: "512x512" }, "invalid_value", "size"],
    [{ model: "gpt-image-2.5-flare", complexity: "low" }, "unknown_parameter", "complexity"],
    [{ stream: true, n: 2 }, null, null],
  ]
  for (const [change, code, param] of table) {
    test(JSON.stringify(change).slice(0, 80), async () => {
      const wish = { ...quick, ...change } as ImageGenerateParamsNonStreaming
      await assert.rejects(client.images.generate(wish), (error) => {
        assert.ok(error instanceof BadRequestError)
        assert.deepEqual([error.code, error.param], [code, param])
        return true
      })
    })
  }

  test("an unknown model is not found, a wrong key not let in, a wrong body not read", async () => {
    await assert.rejects(client.images.generate({ ...quick, model: "gpt-image-9" }), NotFoundError)
    await assert.rejects(clientWith("sk-invalid").images.generate(quick), AuthenticationError)
    const headers = { authorization: "Bearer k", "content-type": "text/plain" }
    const url = `${originOf()}/openai/v1/images/generations`
    const wrong = await fetch(url, { method: "POST", headers, body: "a kite" })
    assert.equal(wrong.status, 400)
    const { error } = (await wrong.json()) as { error: object }
    assert.deepEqual(Object.keys(error).sort(), ["code", "message", "param", "type"])
  })

  test("mishaps arrive as the errors that the library knows", async () => {
    const generate = (word: string) => client.images.generate({ ...quick, prompt: `a kite sandbox:${word}` })
    const failing = (word: string, status: number, code: string | null) =>
      assert.rejects(
        generate(word),
        (error) => error instanceof APIError && error.status === status && error.code === code,
      )
    await assert.rejects(generate("rate-limit"), RateLimitError)
    await failing("no-credit", 429, "insufficient_quota")
    await failing("moderation", 400, "moderation_blocked")
    await failing("moderation-output", 400, "moderation_blocked")
    await failing("error", 500, null)
    await failing("overloaded", 503, "server_is_overloaded")
    await failing("error-once", 500, null)
    assert.equal((await generate("error-once")).data?.length, 1)
    assert.deepEqual((await generate("no-image")).data, [])
    await assert.rejects(generate("broken-body"))
  })
})

test("the models are listed, the retired ones too", async () => {
  const ids = (await collect(client.models.list())).map(({ id }) => id)
  assert.ok(ids.includes("dall-e-3") && ids.includes("gpt-image-2.6-sunburst"))
  assert.equal((await client.models.retrieve("gpt-image-2")).owned_by, "system")
  await assert.rejects(client.models.retrieve("gpt-9"), NotFoundError)
})
