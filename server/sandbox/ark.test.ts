// Volcengine Ark imitated: one address for pictures, edits and groups; in process.
import assert from "node:assert/strict"
import { buffer } from "node:stream/consumers"
import { describe, test } from "node:test"
import sharp from "sharp"
import { group, most, pngOf, small, start } from "./ark.contract.ts"

async function sizeOf(base64: string | undefined) {
  const { width, height, format } = await sharp(Buffer.from(base64 ?? "", "base64")).metadata()
  return `${width}x${height} ${format}`
}

describe("a picture", () => {
  test("comes in the answer, with its size and what it is billed by", async () => {
    const { status, headers, body } = await start().post(small)
    assert.equal(status, 200)
    assert.match(headers["x-request-id"] ?? "", /^02\d{13}[0-9a-f]{38}$/)
    const [item, ...others] = body.data
    assert.deepEqual(others, [])
    assert.deepEqual([item?.size, await sizeOf(item?.b64_json)], ["1280x720", "1280x720 jpeg"])
    assert.deepEqual(Object.keys(item ?? {}), ["b64_json", "size"])
    assert.deepEqual(body.usage, { generated_images: 1, output_tokens: 3600, total_tokens: 3600 })
    assert.deepEqual([body.model, body.created], [small.model, Date.parse("2026-11-21T12:00:00Z") / 1000])
  })

  test("is behind a link by default, which is good for a day", async () => {
    const { post, get, clock } = start()
    const { body } = await post({ ...small, response_format: undefined })
    const { url = "" } = body.data[0]!
    assert.match(url, /^https:\/\/ark-content-generation-v2-cn-beijing\.tos-cn-beijing\.volces\.com\/.*\.jpeg\?/)
    const answer = await get(url)
    assert.equal(answer.headers["content-type"], "image/jpeg")
    assert.equal((await sharp(await buffer(answer.body)).metadata()).width, 1280)
    assert.equal((await get(url.replace(/sig=.{3}/, "sig=abc"))).status, 403)
    clock.time += 24 * 60 * 60 * 1000
    assert.equal((await get(url)).status, 403)
  })

  test("is the same for the same seed, and another one without", async () => {
    const { post } = start()
    const draw = async (more: object) => (await post({ ...small, ...more })).body.data[0]?.b64_json
    assert.equal(await draw({ seed: 7 }), await draw({ seed: 7 }))
    assert.notEqual(await draw({ seed: 7 }), await draw({ seed: 8 }))
    assert.notEqual(await draw({}), await draw({ seed: -1 }))
  })

  for (const [model, fields, size] of [
    ["doubao-seedream-4-0-250828", {}, "2048x2048"],
    ["doubao-seedream-4-0-250828", { size: "1K" }, "1024x1024"],
    ["doubao-seedream-4-0-250828", { size: "1k", prompt: "a kite, 16:9" }, "1280x720"],
    ["doubao-seedream-4-0-250828", { size: "14745x64" }, undefined],
    ["doubao-seedream-4-5-251128", { size: "3750x1250" }, "3750x1250"],
    ["doubao-seedream-4-5-251128", { size: "2K", prompt: "a kite, 2:3" }, "1664x2496"],
    ["doubao-seedream-5-0-260128", { size: "2k" }, "2048x2048"],
    ["doubao-seedream-5-0-lite-260128", { size: "3K", prompt: "a kite, 21:9" }, "4704x2016"],
    ["ep-20260101120000-abcde", { size: "960x960" }, "960x960"],
  ] as const) {
    test(`of ${model} with ${JSON.stringify(fields)} is ${size}`, async () => {
      const { body } = await start().post({ model, prompt: "a kite", ...fields })
      assert.equal(body.data?.[0]?.size, size)
    })
  }

  test("is a PNG where the fifth generation is asked for one, which names the format", async () => {
    const asked = { ...small, size: "1920x1920", output_format: "png" }
    const { body } = await start().post({ ...asked, model: "doubao-seedream-5-0-260128" })
    assert.equal(body.data[0]?.output_format, "png")
    assert.equal(await sizeOf(body.data[0]?.b64_json), "1920x1920 png")
    const older = await start().post({ ...asked, model: "doubao-seedream-4-5-251128" })
    assert.equal(await sizeOf(older.body.data[0]?.b64_json), "1920x1920 jpeg")
  })

  test("shows and follows the pictures that were sent", async () => {
    const { post } = start()
    const draw = async (image: string | string[], size: string) =>
      (await post({ ...small, seed: 1, image, size })).body.data[0]
    const [red, blue] = await Promise.all(["red", "blue"].map((colour) => pngOf(colour)))
    const [one, other] = [await draw(red!, "1K"), await draw(blue!, "1K")]
    assert.notEqual(one?.b64_json, other?.b64_json)
    // 96x64 is 3:2.
    assert.equal(one?.size, "1248x832")
    assert.notEqual((await draw([red!, blue!], "1K"))?.b64_json, one?.b64_json)
    const addresses = ["a", "b"].map((name) => draw(`https://example.com/${name}.png`, "960x960"))
    const [first, second] = await Promise.all(addresses)
    assert.notEqual(first?.b64_json, second?.b64_json)
  })

  test("behind a link shows them too", async () => {
    const { post, get } = start()
    const linkFor = async (image: string) =>
      (await post({ ...small, response_format: "url", seed: 1, image })).body.data[0]?.url
    const bytesFor = async (image: string) => buffer((await get((await linkFor(image)) ?? "")).body)
    assert.notDeepEqual(await bytesFor(await pngOf("red")), await bytesFor(await pngOf("blue")))
  })

  test("takes about a second", async () => {
    const { send } = start({ pace: "human" })
    const before = performance.now()
    assert.equal((await send(small)).status, 200)
    const ms = performance.now() - before
    assert.ok(ms > 900 && ms < 3000, `${ms}`)
  })
})

describe("a group", () => {
  const countOf = async (fields: object, wanted = group) =>
    (await start().post({ ...wanted, ...fields })).body.data.length

  test("has pictures that differ, as many as the prompt says and the request allows", async () => {
    const { post } = start()
    const { body } = await post({ ...group, seed: 5 })
    assert.equal(new Set(body.data.map(({ b64_json }) => b64_json)).size, 3)
    assert.deepEqual(body.usage, { generated_images: 3, output_tokens: 10_800, total_tokens: 10_800 })
    assert.deepEqual((await post({ ...group, seed: 5 })).body.data, body.data)
    assert.equal(await countOf({ ...most(2) }), 2)
    assert.equal(await countOf({ prompt: "5 kites", response_format: "url" }), 5)
    assert.equal(await countOf({ prompt: "20 kites", response_format: "url" }), 15)
    assert.equal(await countOf({ prompt: "20 kites", ...most(4) }), 4)
  })

  test("has fifteen pictures together with those that were sent", async () => {
    const image = Array.from({ length: 13 }, (_, index) => `https://example.com/${index}.png`)
    assert.equal(await countOf({ image, response_format: "url" }), 2)
    assert.equal(await countOf({ image: [...image, "https://example.com/13.png"], response_format: "url" }), 1)
  })

  test("is one picture where it was not asked for", async () => {
    assert.equal(await countOf({ ...most(4) }, { ...small, sequential_image_generation: "disabled" }), 1)
    assert.equal(await countOf({ ...most(4) }, small as typeof group), 1)
  })

  test("streams picture by picture", async () => {
    const events = await start().stream({ ...group, ...most(2), seed: 5 })
    const [one, two, end] = events
    assert.equal(events.length, 3)
    assert.deepEqual([one?.type, two?.type], Array(2).fill("image_generation.partial_succeeded"))
    assert.deepEqual([one?.image_index, two?.image_index, one?.size], [0, 1, "1280x720"])
    assert.equal(await sizeOf(two?.b64_json), "1280x720 jpeg")
    assert.equal(end?.type, "image_generation.completed")
    assert.deepEqual(end?.usage, { generated_images: 2, output_tokens: 7200, total_tokens: 7200 })
    const { body } = await start().post({ ...group, ...most(2), seed: 5 })
    assert.deepEqual(
      [one?.b64_json, two?.b64_json],
      body.data.map(({ b64_json }) => b64_json),
    )
  })

  test("goes on without what the filter refused, and not after an internal error", async () => {
    const { post, stream } = start()
    const listOf = async (prompt: string) => {
      const { status, body } = await post({ ...group, prompt })
      assert.equal(status, 200)
      return [...body.data.map(({ error, b64_json }) => error?.code ?? typeof b64_json), body.usage.generated_images]
    }
    const refused = "OutputImageSensitiveContentDetected"
    assert.deepEqual(await listOf("kites sandbox:moderation-output"), ["string", refused, "string", 2])
    assert.deepEqual(await listOf("kites sandbox:task-error"), ["string", "InternalServiceError", 1])
    assert.deepEqual(await listOf("1 kite sandbox:moderation-output"), [refused, 0])
    const events = await stream({ ...group, prompt: "kites sandbox:moderation-output" })
    const types = events.map(({ type, error }) => `${type.split(".")[1]} ${error?.code ?? ""}`.trim())
    const [good, bad] = ["partial_succeeded", `partial_failed ${refused}`]
    assert.deepEqual(types, [good, bad, good, "completed"])
    assert.match(events[1]?.error?.message ?? "", / Request id: 02[0-9a-f]+$/)
    const stopped = await stream({ ...group, prompt: "kites sandbox:task-error" })
    assert.equal(stopped.length, 3)
  })
})
