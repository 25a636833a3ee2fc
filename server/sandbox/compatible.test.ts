// A server that speaks OpenAI's API imitated, on its wire. Facts: the sources of LocalAI (core/http), vLLM-Omni
// (entrypoints/openai), SGLang (multimodal_gen) and stable-diffusion.cpp (examples/server).
import assert from "node:assert/strict"
import { json as readJson, buffer } from "node:stream/consumers"
import { describe, test } from "node:test"
import sharp from "sharp"
import { host } from "./compatible.ts"
import { createSandbox } from "./sandbox.ts"

const sandbox = createSandbox({ pace: "none" })
const signal = new AbortController().signal
const quick = { prompt: "a kite", size: "128x64", output_format: "jpeg" }

async function ask(path: string, body?: object | FormData, headers: Record<string, string> = {}) {
  const written = body && new Response(body instanceof FormData ? body : JSON.stringify(body))
  const type = body instanceof FormData ? (written?.headers.get("content-type") ?? "") : "application/json"
  const bytes = written && Buffer.from(await written.arrayBuffer())
  const chunks = async function* () {
    yield bytes!
  }
  const url = new URL(path, `https://${host}`)
  const method = body ? "POST" : "GET"
  return sandbox({ method, url, headers, signal, ...(body && { body: { type, chunks } }) })
}

type Body = { data: { b64_json?: string; url?: string }[]; usage?: { total_tokens: number } }

async function draw(fields: object): Promise<Body> {
  const answer = await ask("/v1/images/generations", { ...quick, ...fields })
  assert.equal(answer.status, 200)
  return (await readJson(answer.body)) as Body
}

const bytesOf = (body: Body) => body.data.map(({ b64_json }) => Buffer.from(b64_json ?? "", "base64"))

describe("a server of one's own", () => {
  test("draws for anyone and with any model, in the size and format asked for, and counts nothing", async () => {
    const body = await draw({ model: "Qwen/Qwen-Image", n: 2, guidance_scale: 4, unheard_of: true })
    assert.deepEqual([body.data.length, body.usage?.total_tokens], [2, 0])
    const [one, two] = bytesOf(body)
    assert.notDeepEqual(one, two)
    const { width, height, format } = await sharp(one).metadata()
    assert.deepEqual([width, height, format], [128, 64, "jpeg"])
  })

  test("draws the same with the same seed, and otherwise something new", async () => {
    assert.deepEqual(bytesOf(await draw({ seed: 5 })), bytesOf(await draw({ seed: "5" })))
    assert.notDeepEqual(bytesOf(await draw({})), bytesOf(await draw({})))
  })

  test("gives links to itself unless it is asked for base64", async () => {
    const { data } = await draw({ response_format: "url", n: 2 })
    assert.equal(new Set(data.map(({ url }) => url)).size, 2)
    for (const { url = "" } of data) {
      assert.match(url, /^https:\/\/compatible\.sandbox\.example\/generated-images\/[\w-]+\.jpeg$/)
      const picture = await ask(new URL(url).pathname)
      assert.equal((await sharp(await buffer(picture.body)).metadata()).width, 128)
    }
  })

  test("edits pictures under either name", async () => {
    const red = sharp({ create: { width: 64, height: 64, channels: 3, background: "red" } }).png()
    for (const name of ["image", "image[]"]) {
      const form = new FormData()
      for (const [field, value] of Object.entries({ ...quick, seed: "3", num_inference_steps: "4" }))
        form.append(field, value)
      form.append(name, new File([Buffer.from(await red.toBuffer())], "a.png", { type: "image/png" }))
      const answer = await ask("/v1/images/edits", form)
      assert.equal(answer.status, 200)
      assert.equal(bytesOf((await readJson(answer.body)) as Body).length, 1)
    }
  })

  const table: [string, object, Record<string, string>, number, RegExp][] = [
    ["a prompt that is missing", { prompt: undefined }, {}, 422, /"loc":\["body","prompt"\]/],
    ["a size that is none", { size: "auto" }, {}, 422, /"loc":\["body","size"\]/],
    ["too many steps", { num_inference_steps: 201 }, {}, 422, /"loc":\["body","num_inference_steps"\]/],
    ["a key that does not fit", {}, { authorization: "Bearer invalid" }, 401, /Unauthorized/],
    ["what a vendor behind it refuses", { prompt: "sandbox:moderation" }, {}, 400, /moderation_blocked/],
    ["a queue that is full", { prompt: "sandbox:rate-limit" }, {}, 429, /job queue is full/],
    ["a failure", { prompt: "sandbox:error" }, {}, 500, /server_error/],
    ["a backend that dies", { prompt: "sandbox:task-error" }, {}, 500, /"code":500/],
    ["an engine that is not ready", { prompt: "sandbox:overloaded" }, {}, 503, /"detail"/],
  ]
  for (const [name, change, headers, status, body] of table) {
    test(`says no to ${name}`, async () => {
      const answer = await ask("/v1/images/generations", { ...quick, ...change }, headers)
      assert.equal(answer.status, status)
      assert.match((await buffer(answer.body)).toString(), body)
    })
  }

  test("knows no other address", async () => {
    for (const [path, body] of [["/v1/images/variations", {}], ["/generated-images/x.png"]] as [string, object?][])
      assert.equal((await ask(path, body)).status, 404)
    assert.equal((await ask("/v1/images/generations")).status, 405)
    assert.equal((await ask("/v1/models")).status, 200)
  })
})
