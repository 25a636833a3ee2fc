// Ideogram imitated: forms in, signed links out; in process. The facts of its wire are from Ideogram's OpenAPI
// description of 2026-08-22 and from developer.ideogram.ai.
import assert from "node:assert/strict"
import { buffer, json } from "node:stream/consumers"
import { describe, test } from "node:test"
import sharp from "sharp"
import type { Pace } from "./imitation.ts"
import { createSandbox } from "./sandbox.ts"

type Item = {
  url: string | null
  prompt: string
  resolution: string
  is_image_safe: boolean
  seed: number
  style_type: string
}
type Body = { created: string; data: Item[]; notice: string; error?: string }
type Fields = Record<string, string | string[] | Buffer | Buffer[]>

const base = "https://api.ideogram.ai/v1/ideogram-v3"

function formOf(fields: Fields): FormData {
  const form = new FormData()
  for (const [name, value] of Object.entries(fields))
    for (const one of Array.isArray(value) ? value : [value]) {
      if (typeof one === "string") form.append(name, one)
      else form.append(name, new Blob([new Uint8Array(one)]), `${name}.jpg`)
    }
  return form
}

function start(options: { pace?: Pace; folder?: string } = {}) {
  const clock = { time: Date.parse("2026-11-21T12:00:00Z"), now: () => clock.time }
  const sandbox = createSandbox({ pace: "none", clock, ...options })
  const { signal } = new AbortController()
  const send = async (url: string, body: FormData | string, headers: Record<string, string> = { "api-key": "k" }) => {
    const request = new Request(url, { method: "POST", body })
    const bytes = new Uint8Array(await request.arrayBuffer())
    const chunks = async function* () {
      yield bytes
    }
    const type = request.headers.get("content-type") ?? ""
    const answer = await sandbox({ method: "POST", url: new URL(url), headers, body: { type, chunks }, signal })
    return { status: answer.status, headers: answer.headers, body: (await json(answer.body)) as Body }
  }
  const post = (operation: string, fields: Fields, key = "k") =>
    send(`${base}/${operation}`, formOf(fields), { "api-key": key })
  const get = (url: string) => sandbox({ method: "GET", url: new URL(url), headers: {}, signal })
  const picture = async (item: Item | undefined) => buffer((await get(item?.url ?? "")).body)
  return { clock, send, post, get, picture }
}

const plain = (background: string, width = 96, height = 96) =>
  sharp({ create: { width, height, channels: 3, background } })
    .png()
    .toBuffer()

const prompt = "a tin robot reading"
const image = await plain("red")
const wide = await plain("red", 128, 64)

describe("an operation", () => {
  test("answers with links to PNG files, and with what was made of the request", async () => {
    const { post, picture } = start()
    const fields = { prompt, aspect_ratio: "2x1", rendering_speed: "QUALITY", num_images: "2", seed: "11" }
    const { status, headers, body } = await post("generate", { ...fields, magic_prompt: "OFF" })
    assert.equal(status, 200)
    assert.equal(body.created, "2026-11-21T12:00:00.000000+00:00")
    assert.match(headers["link"] ?? "", /rel="successor-version"$/)
    assert.equal(headers["deprecation"], undefined)
    assert.equal(typeof body.notice, "string")
    const same = { prompt, resolution: "1408x704", is_image_safe: true, style_type: "GENERAL" }
    assert.deepEqual(body.data, [
      { ...same, seed: 11, url: body.data[0]?.url },
      { ...same, seed: 12, url: body.data[1]?.url },
    ])
    const [one, two] = await Promise.all(body.data.map(picture))
    assert.notDeepEqual(one, two)
    const { width, height, format } = await sharp(one).metadata()
    assert.deepEqual([width, height, format], [1408, 704, "png"])
  })

  test("draws the same for the same seed, and something else without one", async () => {
    const { post, picture } = start()
    const draw = async (fields: Fields) => picture((await post("generate", { prompt, ...fields })).body.data[0])
    assert.deepEqual(await draw({ seed: "5" }), await draw({ seed: "5" }))
    assert.notDeepEqual(await draw({}), await draw({}))
  })

  const sizes: [string, Fields, string][] = [
    ["generate", { prompt }, "1024x1024"],
    ["generate", { prompt, resolution: "512x1536" }, "512x1536"],
    ["generate", { prompt, style_reference_images: [image, image], character_reference_images: image }, "1024x1024"],
    ["generate-transparent", { prompt, aspect_ratio: "1x3" }, "512x1536"],
    ["remix", { prompt, image: wide, image_weight: "80" }, "1024x1024"],
    ["remix", { prompt, image, aspect_ratio: "16x9" }, "1312x736"],
    ["inpaint", { prompt, image, mask: image }, "1024x1024"],
    ["edit", { prompt, image: wide, mask: wide }, "1408x704"],
    ["reframe", { image, resolution: "1536x512", style_codes: ["00AAff11", "22334455"] }, "1536x512"],
    ["replace-background", { prompt, image: wide, color_palette: `{"name":"EMBER"}` }, "1408x704"],
  ]
  for (const [operation, fields, resolution] of sizes)
    test(`${operation} with ${Object.keys(fields).join()} draws ${resolution}`, async () => {
      const { post, picture } = start()
      const { status, body } = await post(operation, fields)
      assert.equal(status, 200, JSON.stringify(body))
      assert.equal(body.data[0]?.resolution, resolution)
      const made = sharp(await picture(body.data[0]))
      const [{ width, height }, { isOpaque }] = [await made.metadata(), await made.stats()]
      assert.deepEqual([`${width}x${height}`, isOpaque], [resolution, operation !== "generate-transparent"])
    })

  test("paints anew only what is black in the mask", async () => {
    const half = await sharp({ create: { width: 96, height: 96, channels: 3, background: "white" } })
      .composite([{ input: await plain("black", 48, 96), left: 0, top: 0 }])
      .png()
      .toBuffer()
    const { post, picture } = start()
    const { body } = await post("inpaint", { prompt, image, mask: half })
    const edited = await picture(body.data[0])
    const statsOf = async (left: number) =>
      sharp(await sharp(edited).extract({ left, top: 100, width: 300, height: 800 }).toBuffer()).stats()
    const [painted, kept] = await Promise.all([statsOf(0), statsOf(700)])
    assert.ok(kept.channels[0]!.mean > 250 && kept.channels[2]!.mean < 5)
    assert.ok(painted.channels[0]!.stdev > 5)
  })

  test("under its older name says that it will go", async () => {
    const { headers } = await start().post("edit", { prompt, image, mask: image })
    assert.equal(headers["deprecation"], "@1777420800")
  })

  test("has ten calls in flight for a key", async () => {
    const { post, clock } = start({ pace: "human" })
    const request = { prompt, magic_prompt: "ON" }
    // Waiting is the sandbox's, so all of them are under way before the first has its answer.
    const [another, ...all] = await Promise.all([
      post("generate", request, "another"),
      ...Array.from({ length: 11 }, () => post("generate", request)),
    ])
    assert.deepEqual(all.map(({ status }) => status).sort(), [...Array<number>(10).fill(200), 429])
    assert.equal(another.status, 200)
    assert.ok(another.body.data[0]!.prompt.startsWith(`${prompt}, `), "the prompt has been enriched")
    clock.time += 1000
    assert.equal((await post("generate", request)).status, 200)
  })
})

describe("a link", () => {
  test("is on the vendor's host, and is refused after an hour or with another signature", async () => {
    const { post, get, clock } = start()
    const url = (await post("generate", { prompt })).body.data[0]!.url!
    assert.match(url, /^https:\/\/ideogram\.ai\/api\/images\/ephemeral\/.*\.png\?/)
    assert.equal((await get(url.replace(/sig=.{3}/, "sig=abc"))).status, 403)
    clock.time += 60 * 60 * 1000 - 1000
    assert.equal((await get(url)).status, 200)
    clock.time += 1000
    assert.equal((await get(url)).status, 403)
  })
})

describe("refusals", () => {
  test("of a key have another status for remixes", async () => {
    const { post } = start()
    for (const key of ["", "invalid-key"]) {
      assert.equal((await post("generate", { prompt }, key)).status, 401)
      assert.equal((await post("remix", { prompt }, key)).status, 403)
    }
  })

  test("of addresses, and of bodies that are no form", async () => {
    const { post, send } = start()
    assert.equal((await post("upscale", { prompt })).status, 404)
    const asJson = await send(`${base}/generate`, JSON.stringify({ prompt }))
    assert.equal(asJson.status, 400)
    assert.match(asJson.body.error ?? "", /multipart/)
  })

  const table: [string, Fields, RegExp][] = [
    ["generate", {}, /Missing .*'prompt'/],
    ["generate", { prompt, aspect_ratio: "16:9" }, /aspect_ratio/],
    ["generate", { prompt, rendering_speed: "SPEED" }, /rendering_speed/],
    ["generate", { prompt, num_images: "9" }, /num_images/],
    ["generate", { prompt, seed: "-1" }, /seed/],
    ["generate", { prompt, resolution: "1000x1000" }, /resolution/],
    ["generate", { prompt, resolution: "1024x1024", aspect_ratio: "1x1" }, /both/],
    ["generate", { prompt, style_codes: "00AAff11", style_type: "AUTO" }, /style_codes/],
    ["generate", { prompt, color_palette: "EMBER" }, /color_palette/],
    ["generate", { prompt, image }, /Unknown .*'image'/],
    ["generate", { prompt, character_reference_images: [image, image] }, /1 character/],
    ["generate-transparent", { prompt, rendering_speed: "FLASH" }, /FLASH/],
    ["generate-transparent", { prompt, style_preset: "AURA" }, /style_preset/],
    ["remix", { prompt }, /Missing .*'image'/],
    ["remix", { prompt, image: "https://example.com/a.png" }, /Invalid part 'image'/],
    ["remix", { prompt, image, image_weight: "0" }, /image_weight/],
    ["remix", { prompt, image: Buffer.from("no picture") }, /JPEG, PNG or WebP/],
    ["inpaint", { prompt, image }, /Missing .*'mask'/],
    ["inpaint", { prompt, image, mask: wide }, /same size/],
    ["inpaint", { prompt, image, mask: image, negative_prompt: "x" }, /negative_prompt/],
    ["reframe", { image, prompt, resolution: "1024x1024" }, /Unknown .*'prompt'/],
    ["reframe", { image }, /Missing .*'resolution'/],
    ["reframe", { image: wide, resolution: "1024x1024" }, /square/],
    ["replace-background", { prompt, image, aspect_ratio: "1x1" }, /aspect_ratio/],
  ]
  for (const [operation, fields, reason] of table)
    test(`${operation} says what is wrong: ${reason.source}`, async () => {
      const { status, body } = await start().post(operation, fields)
      assert.equal(status, 400)
      assert.match(body.error ?? "", reason)
    })

  test("on request", async () => {
    const { post } = start()
    const answerTo = (word: string) => post("generate", { prompt: `${prompt} sandbox:${word}` })
    const statuses = { moderation: 422, "rate-limit": 429, "no-credit": 402, error: 500, "task-error": 500 }
    for (const [word, status] of Object.entries({ ...statuses, overloaded: 503 }))
      assert.equal((await answerTo(word)).status, status, word)
    assert.equal((await answerTo("rate-limit")).headers["retry-after"], "1")
    assert.deepEqual((await answerTo("moderation")).body, { error: "Prompt failed the safety check." })
    const [unsafe] = (await answerTo("moderation-output")).body.data
    assert.deepEqual([unsafe?.url, unsafe?.is_image_safe], [null, false])
    assert.deepEqual((await answerTo("no-image")).body.data, [])
    assert.equal((await answerTo("error-once")).status, 500)
    assert.equal((await answerTo("error-once")).status, 200)
  })

  test("spoil the picture behind the link, not the answer with the link", async () => {
    const { post, get } = start()
    const linkOf = async (word: string) =>
      (await post("generate", { prompt: `${prompt} sandbox:${word}` })).body.data[0]!.url!
    await assert.rejects(buffer((await get(await linkOf("broken-body"))).body), { code: "ECONNRESET" })
    const damaged = await buffer((await get(await linkOf("bad-base64"))).body)
    await assert.rejects(sharp(damaged).metadata())
  })
})
