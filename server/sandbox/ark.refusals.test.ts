// How the imitated Ark says no: to wrong requests, and on request.
import assert from "node:assert/strict"
import { buffer, text } from "node:stream/consumers"
import { describe, test } from "node:test"
import sharp from "sharp"
import { address, group, most, pngOf, small, start } from "./ark.contract.ts"

describe("refusals", () => {
  const table: [object, string, RegExp?][] = [
    [{ prompt: undefined }, "MissingParameter prompt"],
    [{ model: undefined }, "MissingParameter model"],
    [{ prompt: 5 }, "InvalidParameter prompt"],
    [{ size: "16:9" }, "InvalidParameter size", /WIDTHxHEIGHT, 1k, 2k or 4k/],
    [{ size: "3K" }, "InvalidParameter size"],
    [{ size: "auto" }, "InvalidParameter size"],
    [{ size: "adaptive" }, "InvalidParameter size"],
    [{ size: "959x960" }, "InvalidParameter size", /image size must be at least 921600 pixels/],
    [{ size: "4097x4096" }, "InvalidParameter size", /at most 16777216 pixels/],
    [{ size: "8192x500" }, "InvalidParameter size", /ratio/],
    [{ model: "doubao-seedream-4-5-251128", size: "1K" }, "InvalidParameter size", /2k or 4k/],
    [{ model: "doubao-seedream-4-5-251128", size: "1500x1500" }, "InvalidParameter size", /3686400/],
    [{ seed: 7.5 }, "InvalidParameter seed"],
    [{ seed: -2 }, "InvalidParameter seed"],
    [{ seed: 2_147_483_648 }, "InvalidParameter seed"],
    [{ sequential_image_generation: "enabled" }, "InvalidParameter sequential_image_generation", /auto, disabled/],
    [{ ...most(16) }, "InvalidParameter sequential_image_generation_options.max_images"],
    [{ response_format: "base64_json" }, "InvalidParameter response_format"],
    [{ output_format: "webp" }, "InvalidParameter output_format"],
    [{ watermark: "yes" }, "InvalidParameter watermark"],
    [
      { model: "doubao-seedream-4-5-251128", size: "2K", optimize_prompt_options: { mode: "fast" } },
      "InvalidParameter optimize_prompt_options.mode",
    ],
    [{ image: Array(15).fill("https://example.com/a.png") }, "InvalidParameter image"],
    [{ image: "iVBORw0KGgo=" }, "InvalidParameter image", /data URL/],
    [{ image: "data:image/PNG;base64,iVBORw0KGgo=" }, "InvalidParameter image"],
    [{ image: "data:image/png;base64,iVBORw0KGgo=" }, "InvalidParameter image", /decoded/],
  ]
  for (const [fields, refusal, reason = /./] of table) {
    test(`${JSON.stringify(fields).slice(0, 80)}: ${refusal}`, async () => {
      const { status, body } = await start().post({ ...small, ...fields })
      const { code, param, type, message } = body.error!
      assert.deepEqual([status, `${code} ${param}`, type], [400, refusal, "BadRequest"])
      assert.match(message, reason)
      assert.match(message, / Request id: 02[0-9a-f]+$/)
    })
  }

  test("a picture of wrong sides is refused", async () => {
    const { post } = start()
    for (const [width, height] of [
      [14, 100],
      [340, 20],
    ] as const) {
      const { body } = await post({ ...small, image: await pngOf("red", width, height) })
      assert.deepEqual([body.error?.code, body.error?.param], ["InvalidParameter", "image"])
    }
  })

  test("unknown models, addresses and keys are refused, unknown fields and nulls are not", async () => {
    const { post, send } = start()
    const endOf = async (fields: unknown, key?: string) => {
      const { status, body } = await post(fields, key)
      return `${status} ${body.error?.code}`
    }
    for (const model of ["doubao-seedream-4-0", "seedream-4-0-250828", "gpt-image-1"])
      assert.equal(await endOf({ ...small, model }), "404 InvalidEndpointOrModel.NotFound")
    assert.equal(await endOf(small, ""), "401 AuthenticationError")
    assert.equal(await endOf(small, "Bearer invalid-key"), "401 AuthenticationError")
    assert.equal(await endOf([]), "400 InvalidParameter")
    assert.equal((await send(small, "Bearer k", address.replace("generations", "edits"))).status, 404)
    const more = { n: 4, image_strength: 0.5, quality: "high", image: null, seed: null, stream: null }
    assert.equal((await post({ ...small, ...more })).body.data.length, 1)
  })

  test("come on request, each in the vendor's own way", async () => {
    const { post } = start()
    const endOf = async (word: string) => {
      const { status, headers, body } = await post({ ...small, prompt: `a kite sandbox:${word}` })
      return [status, body.error?.code, ...(headers["retry-after"] === undefined ? [] : [headers["retry-after"]])]
    }
    assert.deepEqual(await endOf("moderation"), [400, "InputTextSensitiveContentDetected"])
    assert.deepEqual(await endOf("moderation-output"), [400, "OutputImageSensitiveContentDetected"])
    assert.deepEqual(await endOf("rate-limit"), [429, "RateLimitExceeded", "1"])
    assert.deepEqual(await endOf("rate-limit-once"), [429, "RateLimitExceeded", "1"])
    assert.deepEqual(await endOf("rate-limit-once"), [200, undefined])
    assert.deepEqual(await endOf("no-credit"), [403, "AccountOverdueError"])
    assert.deepEqual(await endOf("error"), [500, "InternalServiceError"])
    assert.deepEqual(await endOf("error-once"), [500, "InternalServiceError"])
    assert.deepEqual(await endOf("error-once"), [200, undefined])
    assert.deepEqual(await endOf("task-error"), [500, "InternalServiceError"])
    assert.deepEqual(await endOf("overloaded"), [429, "ServerOverloaded"])
  })

  test("and what spoils the answer does so, streamed or not", async () => {
    const { send, post, stream } = start()
    const spoiled = (word: string, more: object = {}) => send({ ...group, prompt: `a kite sandbox:${word}`, ...more })
    const { body } = await post({ ...group, prompt: "a kite sandbox:no-image" })
    assert.deepEqual([body.data, body.usage.generated_images], [[], 0])
    const [only] = await stream({ ...group, prompt: "a kite sandbox:no-image" })
    assert.equal(only?.type, "image_generation.completed")
    for (const more of [{}, { stream: true }]) {
      await assert.rejects(text((await spoiled("broken-body", more)).body), { code: "ECONNRESET" })
      assert.match(await text((await spoiled("bad-base64", more)).body), /"b64_json":"@@not\*base64@@/)
      const page = await spoiled("html", more)
      assert.match(`${page.status} ${page.headers["content-type"]}`, /^200 text\/html/)
    }
  })

  test("and what spoils a picture behind a link does so there", async () => {
    const { post, get } = start()
    const linkFor = async (word: string) => {
      const { body } = await post({ ...small, response_format: "url", prompt: `a kite sandbox:${word}` })
      return get(body.data[0]?.url ?? "")
    }
    await assert.rejects(buffer((await linkFor("broken-body")).body), { code: "ECONNRESET" })
    await assert.rejects(sharp(await buffer((await linkFor("bad-base64")).body)).metadata())
  })
})
