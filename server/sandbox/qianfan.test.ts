// Baidu Qianfan imitated: pictures, edits and what is refused, on the vendor's wire; in process.
import assert from "node:assert/strict"
import { buffer, json } from "node:stream/consumers"
import { describe, test } from "node:test"
import sharp from "sharp"
import type { Pace } from "./imitation.ts"
import { createSandbox } from "./sandbox.ts"

type Body = {
  id: string
  created: number
  data: { url: string }[]
  error?: { code: string; message: string; type: string }
}

const api = "https://qianfan.baidubce.com/v2"

function start({ pace = "none" }: { pace?: Pace } = {}) {
  const clock = { time: Date.parse("2026-09-22T12:00:00Z"), now: () => clock.time }
  const sandbox = createSandbox({ pace, clock })
  const { signal } = new AbortController()
  const send = (path: string, text: string, key = "Bearer bce-v3/ALTAK-x/y", method = "POST") => {
    const headers: Record<string, string> = key === "" ? {} : { authorization: key }
    const chunks = async function* () {
      yield Buffer.from(text)
    }
    return sandbox({
      ...{ method, url: new URL(api + path), headers, signal },
      body: { type: "application/json", chunks },
    })
  }
  const post = async (path: string, fields: object, key?: string) => {
    const { status, headers, body } = await send(path, JSON.stringify(fields), key)
    return { status, headers, body: (await json(body)) as Body }
  }
  const draw = (fields: object) => post("/images/generations", { ...small, ...fields })
  const edit = async (fields: object) => {
    const least = { model: "ernie-irag-edit", prompt: "at night", image: await pngOf("red"), feature: "variation" }
    return post("/images/edits", { ...least, ...fields })
  }
  const get = (link: string, headers: Record<string, string> = {}) =>
    sandbox({ method: "GET", url: new URL(link), headers, signal })
  const picture = async ({ body }: { body: Body }, index = 0) => buffer((await get(body.data[index]?.url ?? "")).body)
  return { clock, send, post, draw, edit, get, picture }
}

const small = { model: "qwen-image", prompt: "a red kite", size: "512x512" }

const pngOf = async (background: string, width = 192, height = 128) => {
  const create = { width, height, channels: 3 as const, background }
  return `data:image/png;base64,${(await sharp({ create }).png().toBuffer()).toString("base64")}`
}

async function sizeOf(bytes: Buffer): Promise<string> {
  const { width, height, format } = await sharp(bytes).metadata()
  return `${width}x${height} ${format}`
}

describe("a picture", () => {
  test("is behind a link without encryption, which is good for a day", async () => {
    const { draw, get, picture, clock } = start()
    const made = await draw({})
    assert.equal(made.status, 200)
    assert.match(made.body.id, /^as-[0-9a-f]{10}$/)
    assert.equal(made.body.created, clock.time / 1000)
    assert.deepEqual(Object.keys(made.body.data[0]!), ["url"])
    const { url } = made.body.data[0]!
    assert.match(url, /^http:\/\/qianfan-model\.bj\.bcebos\.com\/img\/2026\/0922\/[0-9a-f-]{36}\.png\?/)
    assert.equal(await sizeOf(await picture(made)), "512x512 png")
    assert.equal((await get(url.replace("http:", "https:"))).status, 200)
    assert.equal((await get(url.replace(/sig=.{3}/, "sig=abc"))).status, 403)
    clock.time += 24 * 60 * 60 * 1000
    assert.equal((await get(url)).status, 403)
  })

  test("is not handed out to whoever sends a key along", async () => {
    const { draw, get } = start()
    const { url } = (await draw({})).body.data[0]!
    const { status, body } = await get(url, { authorization: "Bearer bce-v3/ALTAK-x/y" })
    assert.equal(status, 400)
    assert.equal(((await json(body)) as { code: string }).code, "MissingDateHeader")
  })

  test("is the same for the same seed, and another one without", async () => {
    const { draw, picture } = start()
    const bytes = async (fields: object) => (await picture(await draw(fields))).toString("base64")
    assert.equal(await bytes({ seed: 7 }), await bytes({ seed: 7 }))
    assert.notEqual(await bytes({ seed: 7 }), await bytes({ seed: 4_294_967_295 }))
    assert.notEqual(await bytes({}), await bytes({}))
  })

  test("is one of up to four where iRAG makes them, each another", async () => {
    const { draw, picture } = start()
    const made = await draw({ model: "irag-1.0", n: 4, seed: 7 })
    const all = await Promise.all([0, 1, 2, 3].map((index) => picture(made, index)))
    assert.equal(new Set(all.map((bytes) => bytes.toString("base64"))).size, 4)
  })

  test("takes after the one that iRAG is shown, and is 1024x1024 where no size is said", async () => {
    const { draw, picture } = start()
    const bytes = async (refer_image?: string) =>
      picture(await draw({ model: "irag-1.0", seed: 1, size: undefined, refer_image }))
    const [plain, red] = [await bytes(), await bytes(await pngOf("red"))]
    assert.notDeepEqual(plain, red)
    assert.notDeepEqual(red, await bytes("https://example.com/red.png"))
    assert.equal(await sizeOf(red), "1024x1024 png")
  })

  test("takes about a second", async () => {
    const { draw } = start({ pace: "human" })
    const before = performance.now()
    await draw({})
    const ms = performance.now() - before
    assert.ok(ms > 900 && ms < 3000, `${ms}`)
  })
})

describe("an edit", () => {
  const edited = async (fields: object) => {
    const { edit, picture } = start()
    return sizeOf(await picture(await edit(fields)))
  }

  test("has the size of the documents for each feature", async () => {
    assert.equal(await edited({}), "1248x832 png")
    assert.equal(await edited({ image: await pngOf("red", 200, 600) }), "480x1440 png")
    const half = { image: await pngOf("red", 500, 1000), mask: await pngOf("white", 500, 1000) }
    assert.equal(await edited({ ...half, feature: "erase", prompt: undefined }), "512x1024 png")
    const wide = { image: await pngOf("red", 2000, 1500), mask: await pngOf("white", 2000, 1500) }
    assert.equal(await edited({ ...wide, feature: "repaint" }), "1280x960 png")
    assert.equal(await edited({ size: "512x768" }), "512x768 png")
    const qwen = { model: "qwen-image-edit", image: [await pngOf("red"), await pngOf("blue")] }
    assert.equal(await edited(qwen), "1248x832 png")
  })

  test("changes what is white in the mask, and nothing else", async () => {
    const { edit, picture } = start()
    const create = { width: 512, height: 512, channels: 3 as const }
    const white = sharp({ create: { ...create, width: 256, background: "white" } }).png()
    const halves = sharp({ create: { ...create, background: "black" } })
    const mask = await halves
      .composite([{ input: await white.toBuffer(), left: 0, top: 0 }])
      .png()
      .toBuffer()
    const fields = { image: await pngOf("#ff0000", 512, 512), mask: `data:image/png;base64,${mask.toString("base64")}` }
    const bytes = await picture(await edit({ ...fields, feature: "repaint" }))
    const { data, info } = await sharp(bytes).removeAlpha().raw().toBuffer({ resolveWithObject: true })
    // Almost, since it was kept as a small copy.
    const isRed = (x: number, y: number) => {
      const [red, green, blue] = data.subarray((y * info.width + x) * 3)
      return red! > 250 && green! < 5 && blue! < 5
    }
    assert.deepEqual([isRed(400, 250), isRed(100, 250)], [true, false])
  })
})

describe("refusals", () => {
  const drawing: [object, string, number?][] = [
    [{ prompt: undefined }, "invalid_argument"],
    [{ prompt: "x".repeat(801) }, "characters_too_long"],
    [{ model: "irag-1.0", prompt: "x".repeat(221) }, "characters_too_long"],
    [{ model: undefined }, "invalid_model"],
    [{ model: "flux.1-schnell" }, "invalid_model", 401],
    [{ model: "qwen-image-edit" }, "invalid_model", 401],
    [{ n: 2 }, "invalid_argument"],
    [{ model: "irag-1.0", n: 5 }, "invalid_argument"],
    [{ size: "511x1024" }, "invalid_argument"],
    [{ size: "1024*1024" }, "invalid_argument"],
    [{ size: "auto" }, "invalid_argument"],
    [{ seed: -1 }, "invalid_argument"],
    [{ guidance: 20.1 }, "invalid_argument"],
    [{ steps: 51 }, "invalid_argument"],
    [{ watermark: "yes" }, "invalid_argument"],
    [{ negative_prompt: "x".repeat(501) }, "invalid_argument"],
    [{ model: "irag-1.0", refer_image: "" }, "invalid_image_url"],
    [{ model: "irag-1.0", refer_image: "data:image/png;base64,iVBORw0KGgo=" }, "invalid_image_url"],
  ]
  for (const [fields, code, status = 400] of drawing) {
    test(`${JSON.stringify(fields).slice(0, 80)}: ${code}`, async () => {
      const { status: found, body } = await start().draw(fields)
      assert.deepEqual([found, body.error?.code, body.error?.type], [status, code, "invalid_request_error"])
      assert.match(body.id, /^as-/)
    })
  }

  test("of edits", async () => {
    const { edit } = start()
    const small = await pngOf("red", 100, 128)
    const long = await pngOf("red", 520, 128)
    const table: [object, string][] = [
      [{ image: undefined }, "invalid_argument"],
      [{ image: [await pngOf("red")] }, "invalid_argument"],
      [{ model: "qwen-image-edit", image: Array(4).fill("https://example.com/a.png") }, "invalid_argument"],
      [{ image: small }, "invalid_image_url"],
      [{ image: long }, "invalid_image_url"],
      [{ image: `https://example.com/${"a".repeat(1024)}` }, "invalid_image_url"],
      [{ feature: "expand" }, "invalid_argument"],
      [{ feature: "erase" }, "invalid_argument"],
      [{ feature: undefined }, "invalid_argument"],
      [{ feature: "repaint", mask: await pngOf("white", 128, 192) }, "invalid_argument"],
      [{ prompt: "" }, "invalid_argument"],
      [{ model: "irag-1.0" }, "invalid_model"],
    ]
    for (const [fields, code] of table)
      assert.equal((await edit(fields)).body.error?.code, code, JSON.stringify(fields).slice(0, 60))
  })

  test("of keys, addresses, methods and bodies; not of fields that nobody knows", async () => {
    const { send, post, draw } = start()
    const endOf = async (sent: ReturnType<typeof send>) => {
      const { status, body } = await sent
      return `${status} ${((await json(body)) as Body).error?.code}`
    }
    const whole = JSON.stringify(small)
    assert.equal(await endOf(send("/images/generations", whole, "")), "401 invalid_iam_token")
    assert.equal(await endOf(send("/images/generations", whole, "Bearer invalid")), "401 invalid_iam_token")
    assert.equal(await endOf(send("/images/generations", whole, "Bearer k", "GET")), "405 method_not_supported")
    assert.equal(await endOf(send("/images/variations", whole)), "405 method_not_supported")
    assert.equal(await endOf(send("/images/generations", "{")), "400 malformed_json")
    assert.equal(await endOf(send("/images/generations", "[]")), "400 malformed_json")
    assert.equal((await draw({ quality: "high", user: "me", seed: null })).status, 200)
    assert.equal((await post("/images/generations", { ...small, refer_image: "" })).status, 200)
  })

  test("come on request, each in the vendor's own way", async () => {
    const { draw, get } = start()
    const drawWith = (word: string) => draw({ prompt: `a kite sandbox:${word}` })
    const endOf = async (word: string) => {
      const { status, headers, body } = await drawWith(word)
      return [status, body.error?.code, ...(headers["retry-after"] === undefined ? [] : [headers["retry-after"]])]
    }
    assert.deepEqual(await endOf("moderation"), [400, "invalid_image_genration_prompt"])
    assert.deepEqual(await endOf("moderation-output"), [403, "output_unsafe"])
    assert.deepEqual(await endOf("rate-limit"), [429, "rpm_rate_limit_exceeded", "1"])
    assert.deepEqual(await endOf("rate-limit-once"), [429, "rpm_rate_limit_exceeded", "1"])
    assert.deepEqual(await endOf("rate-limit-once"), [200, undefined])
    assert.deepEqual(await endOf("no-credit"), [429, "BILLING_INSUFFICIENT_BALANCE"])
    assert.deepEqual(await endOf("overloaded"), [429, "cluster_rate_limit_exceeded"])
    assert.deepEqual(await endOf("error"), [500, "internal_error"])
    assert.deepEqual(await endOf("task-error"), [500, "image_genration_interal_error"])
    assert.deepEqual((await drawWith("no-image")).body.data, [])
    const linkFor = async (word: string) => get((await drawWith(word)).body.data[0]!.url)
    await assert.rejects(buffer((await linkFor("broken-body")).body), { code: "ECONNRESET" })
    await assert.rejects(sharp(await buffer((await linkFor("bad-base64")).body)).metadata())
  })
})
