// AIHubMix imitated, on its wire: https://docs.aihubmix.com/en/api/Image-Gen and what its published clients read.
import assert from "node:assert/strict"
import { buffer, json as readJson } from "node:stream/consumers"
import { describe, test } from "node:test"
import sharp from "sharp"
import { createSandbox } from "./sandbox.ts"
import type { Sandbox } from "./sandbox.ts"

const clock = { time: Date.parse("2026-11-21T12:00:00Z"), now: () => clock.time }
const quick = createSandbox({ pace: "none", clock })

type Asking = { key?: string; host?: string; sandbox?: Sandbox }
type Reply = { status: number; headers: Record<string, string>; body: Body }
type Item = { url?: string; bytesBase64?: string; taskId?: string; polling_url?: string }
type Body = {
  output: Item[] & { b64_json: { bytesBase64: string; mimeType: string }[]; urls: string[] }
  usage?: { total_tokens: number }
  status?: string
  result?: { sample: string; seed: number } | null
  error: { message: string; type: string; param?: string; code?: string }
}

async function ask(
  path: string,
  given?: object,
  { key = "sk-any", host = "aihubmix.com", sandbox = quick }: Asking = {},
) {
  const bytes = Buffer.from(JSON.stringify(given ?? null))
  const chunks = async function* () {
    yield bytes
  }
  const url = new URL(path, `https://${host}`)
  const headers: Record<string, string> = key === "" ? {} : { authorization: `Bearer ${key}` }
  const body = given && { body: { type: "application/json", chunks } }
  const signal = new AbortController().signal
  const answer = await sandbox({ method: given ? "POST" : "GET", url, headers, signal, ...body })
  return { status: answer.status, headers: answer.headers, body: (await readJson(answer.body)) as Body } as Reply
}

const predict = (model: string, input: object, asking?: Asking) =>
  ask(`/v1/models/${model}/predictions`, { input: { prompt: "a kite", ...input } }, asking)

async function fetchPicture(link: string | undefined, sandbox = quick): Promise<Buffer> {
  const signal = new AbortController().signal
  const answer = await sandbox({ method: "GET", url: new URL(link ?? ""), headers: {}, signal })
  assert.equal(answer.status, 200)
  return buffer(answer.body)
}

async function shapeOf(bytes: Buffer): Promise<string> {
  const { width, height, format } = await sharp(bytes).metadata()
  return `${width}x${height} ${format}`
}

const fromBase64 = (text: string | undefined) => Buffer.from(text ?? "", "base64")
const small = { size: "128x64", seed: 5 }
const square = (background: string) =>
  sharp({ create: { width: 64, height: 64, channels: 3, background } })
    .png()
    .toBuffer()
    .then((bytes) => `data:image/png;base64,${bytes.toString("base64")}`)

describe("predictions", () => {
  test("of GPT Image are an object with base64, jpeg unless asked otherwise, and tokens", async () => {
    for (const path of ["openai/gpt-image-2", "opanai/gpt-image-1"]) {
      const { body } = await predict(path, { ...small, n: 2 })
      assert.deepEqual(body.output.urls, [])
      assert.deepEqual(
        body.output.b64_json.map(({ mimeType }) => mimeType),
        ["jpeg", "jpeg"],
      )
      assert.equal(await shapeOf(fromBase64(body.output.b64_json[1]?.bytesBase64)), "128x64 jpeg")
      assert.ok(body.usage!.total_tokens > 1056)
    }
    const { body } = await predict("openai/gpt-image-2", { ...small, output_format: "webp" })
    assert.equal(await shapeOf(fromBase64(body.output.b64_json[0]?.bytesBase64)), "128x64 webp")
  })

  for (const path of ["doubao/doubao-seedream-4-0", "qianfan/qwen-image", "stability/Stable-Diffusion-3-5-Large"])
    test(`of ${path} are a list of links that last a day`, async () => {
      const { body } = await predict(path, small)
      const [{ url } = {}] = body.output
      assert.equal(await shapeOf(await fetchPicture(url)), "128x64 png")
      clock.time += 24 * 60 * 60 * 1000
      const signal = new AbortController().signal
      const late = await quick({ method: "GET", url: new URL(url ?? ""), headers: {}, signal })
      assert.equal(late.status, 403)
      late.body.destroy()
    })

  test("of Seedream are base64 on request, and as many as a group may have", async () => {
    const { body } = await predict("doubao/doubao-seedream-4-0", { ...small, response_format: "base64_json" })
    assert.equal(await shapeOf(fromBase64(body.output[0]?.bytesBase64)), "128x64 png")
    const group = { sequential_image_generation: "auto", sequential_image_generation_options: { max_images: 2 } }
    assert.equal((await predict("doubao/doubao-seedream-4-0", { ...small, ...group })).body.output.length, 2)
  })

  test("of Imagen are a list of base64, with a provider in the path or without", async () => {
    for (const path of ["google/imagen-4.0-generate-001", "imagen-3.0-generate-002"]) {
      const { body } = await predict(path, { numberOfImages: 2, size: "128*128" })
      assert.equal(body.output.length, 2)
      assert.equal(await shapeOf(fromBase64(body.output[1]?.bytesBase64)), "128x128 png")
    }
  })

  test("of Ideogram are an object with links, in the ratio asked for", async () => {
    const { body } = await predict("ideogram/V3", { aspect_ratio: "2x1" })
    assert.deepEqual(body.output.b64_json, [])
    assert.equal(await shapeOf(await fetchPicture(body.output.urls[0])), "1456x720 png")
  })

  test("are the same for the same seed, differ without one, and show the pictures sent along", async () => {
    const draw = async (input: object) =>
      (await predict("openai/gpt-image-2", { size: "128x128", ...input })).body.output.b64_json[0]?.bytesBase64
    assert.equal(await draw({ seed: 3 }), await draw({ seed: 3 }))
    assert.notEqual(await draw({}), await draw({}))
    const [red, blue] = [await square("red"), await square("blue")]
    assert.notEqual(await draw({ seed: 3, image: red }), await draw({ seed: 3, image: [red, blue] }))
    assert.notEqual(await draw({ seed: 3, refer_image: "" }), await draw({ seed: 3, refer_image: red }))
    assert.notEqual(await draw({ seed: 3, image: "https://x.example/a" }), await draw({ seed: 3 }))
  })
})

describe("the tasks of FLUX", () => {
  test("are told at every host, in the vendor's words, and lead to a link", async () => {
    const sandbox = createSandbox({ pace: "human", clock })
    for (const host of ["aihubmix.com", "api.aihubmix.com", "api.inferera.com"]) {
      const wish = { input_image: await square("red"), width: 128, height: 64, seed: 9, safety_tolerance: "2" }
      const { status, body } = await predict("bfl/flux-kontext-max", wish, { sandbox })
      assert.equal(status, 200)
      const [{ taskId, polling_url } = {}] = body.output
      assert.match(taskId ?? "", /^api\.us1\.bfl\.[0-9a-f-]{36}$/)
      assert.ok(polling_url?.startsWith("https://api.us1.bfl.ai/v1/get_result?id="))
      const poll = async () => (await ask(`/v1/tasks/${taskId}`, undefined, { host, sandbox })).body
      assert.deepEqual([(await poll()).status, (await poll()).result], ["Pending", null])
      clock.time += 1000
      const { status: word, result } = await poll()
      assert.deepEqual([word, result?.seed], ["Ready", 9])
      assert.equal(await shapeOf(await fetchPicture(result?.sample, sandbox)), "128x64 jpeg")
    }
  })

  test("end in its words where they fail, and are unknown under another id", async () => {
    const endOf = async (word: string) => {
      const { body } = await predict("flux-kontext-max", { prompt: `a kite sandbox:${word}` })
      const { status, result } = (await ask(`/v1/tasks/${body.output[0]?.taskId}`)).body
      return [status, result]
    }
    assert.deepEqual(await endOf("moderation"), ["Request Moderated", null])
    assert.deepEqual(await endOf("moderation-output"), ["Content Moderated", null])
    assert.deepEqual(await endOf("task-error"), ["Error", null])
    assert.deepEqual(await endOf("no-image"), ["Ready", null])
    const { status, body } = await ask("/v1/tasks/api.us1.bfl.nobody")
    assert.deepEqual([status, body.status], [404, "Task not found"])
  })
})

describe("refusals", () => {
  const table: [string, string, object, Asking, number, RegExp, string | undefined][] = [
    ["no key", "openai/gpt-image-2", {}, { key: "" }, 401, /^no key provided \(tid: \w+\)$/, undefined],
    ["a wrong key", "openai/gpt-image-2", {}, { key: "sk-invalid" }, 401, /^Invalid token/, undefined],
    ["an unknown model", "openai/gpt-9", {}, {}, 400, /gpt-9 does not exist/, "model"],
    ["no prompt", "openai/gpt-image-2", { prompt: "" }, {}, 400, /prompt is required/, "prompt"],
    ["too many", "openai/gpt-image-2", { n: 11 }, {}, 400, /between 1 and 10/, "n"],
    ["a size", "qianfan/qwen-image", { size: "large" }, {}, 400, /size is not supported/, "size"],
    ["a picture", "bfl/flux-2-pro", { input_image: "bm8gcGljdHVyZQ==" }, {}, 400, /cannot be read/, "input_image"],
    ["a mask", "openai/gpt-image-2", { mask: 5 }, {}, 400, /cannot be read/, "mask"],
    ["moderation", "ideogram/V3", { prompt: "sandbox:moderation" }, {}, 400, /safety system/, undefined],
    ["no credit", "ideogram/V3", { prompt: "sandbox:no-credit" }, {}, 403, /balance is insufficient/, undefined],
    ["too busy", "bfl/flux-2-pro", { prompt: "sandbox:rate-limit" }, {}, 429, /saturated/, undefined],
    ["a fault", "bfl/flux-2-pro", { prompt: "sandbox:error" }, {}, 500, /could not be processed/, undefined],
    ["a fault behind", "openai/gpt-image-2", { prompt: "sandbox:task-error" }, {}, 500, /bad response/, undefined],
    [
      "nobody there",
      "openai/gpt-image-2",
      { prompt: "sandbox:overloaded" },
      {},
      503,
      /no_available_accounts/,
      undefined,
    ],
  ]
  for (const [name, path, input, asking, status, message, param] of table)
    test(`${name} is an object with an id`, async () => {
      const reply = await predict(path, input, asking)
      assert.equal(reply.status, status)
      assert.match(reply.body.error.message, message)
      assert.match(reply.body.error.message, /\(tid: \w{24}\)$/)
      assert.equal(reply.body.error.param, param)
    })

  test("of addresses and of bodies are objects too", async () => {
    for (const [path, given] of [
      ["/v1/nothing"],
      ["/v1/models/openai/gpt-image-2/predictions", { prompt: "x" }],
    ] as const)
      assert.equal(typeof (await ask(path, given)).body.error.message, "string")
  })
})

test("OpenAI's API is spoken for OpenAI's models, and does not mind being asked for base64", async () => {
  const wish = { model: "gpt-image-1", prompt: "a kite", quality: "low", response_format: "b64_json" }
  const { status, body } = await ask("/v1/images/generations", wish)
  const { data } = body as unknown as { data: { b64_json: string }[] }
  assert.deepEqual([status, await shapeOf(fromBase64(data[0]?.b64_json))], [200, "1024x1024 png"])
  const linked = await ask("/v1/images/generations", { model: "dall-e-3", prompt: "a kite" })
  const [{ url }] = (linked.body as unknown as { data: [{ url: string }] }).data
  assert.ok(url.startsWith("https://results.aihubmix.com/"))
  assert.equal(await shapeOf(await fetchPicture(url)), "1024x1024 png")
})
