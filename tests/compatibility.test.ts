// Twenty things that clients of AIHubMix do, each read the way that client reads.
import assert from "node:assert/strict"
import { after, before, describe, it } from "node:test"
import sharp from "sharp"
import { call, download, kindOf, plainPng } from "./calls.ts"
import type { Failure, Generation } from "./calls.ts"
import { composeServer, sandboxCalls } from "./harness.ts"
import type { InProcess } from "./harness.ts"
import {
  picturesAsCherryReadsData,
  picturesAsDifyReads,
  picturesAsHaloReads,
  picturesAsMcpReads,
  picturesAsNanobotReads,
  taskAsCherryReads,
} from "./seedClients.ts"
import type { Prediction } from "./seedClients.ts"

let server: InProcess
before(async () => {
  server = await composeServer()
})
after(() => server.end())

type Item = { url?: string; bytesBase64?: string; b64_json?: string; taskId?: string; polling_url?: string }

const predict = (
  path: string,
  input: Record<string, unknown>,
  { headers = {}, ...beside }: { headers?: Record<string, string> } & Record<string, unknown> = {},
) => call<Prediction & Failure>(server, `/v1/models/${path}/predictions`, { json: { input, ...beside }, headers })

async function made(...asked: Parameters<typeof predict>): Promise<Prediction> {
  const { status, body } = await predict(...asked)
  assert.equal(status, 200, JSON.stringify(body))
  return body
}

const itemsOf = ({ output }: Prediction): Item[] => {
  assert.ok(Array.isArray(output), "a list")
  return output as Item[]
}

const keysOf = (prediction: Prediction): string[] => [...new Set(itemsOf(prediction).flatMap(Object.keys))]

const picture = async (side = 512) => (await plainPng({ width: side, height: side })).toString("base64")

const inputOf = async (headers: Headers): Promise<Record<string, unknown>> => {
  const { body } = await call<Generation>(server, `/v1/generations/${headers.get("atelier-generation")}`)
  return body.input
}

describe("clients of AIHubMix", { concurrency: 3 }, () => {
  it("1: Dify, the MCP server and nanobot each find one picture of GPT Image, with usage beside it", async () => {
    const body = await made("openai/gpt-image-2", { prompt: "a kite", n: 1, size: "1024x1024", quality: "low" })
    assert.equal((await picturesAsDifyReads("openai/gpt-image-2", body)).length, 1)
    assert.equal((await picturesAsMcpReads(body, server.testKey)).length, 1)
    assert.equal((await picturesAsNanobotReads(body)).length, 1)
    assert.ok(Number(body.usage?.["total_tokens"]) > 0)
  })

  it("2: opanai is openai", async () => {
    const [one, two] = await Promise.all(
      ["opanai", "openai"].map((family) => made(`${family}/gpt-image-1`, { prompt: "a kite", quality: "low" })),
    )
    assert.deepEqual(Object.keys(one!.output), Object.keys(two!.output))
  })

  it("3: a path of one segment", async () => {
    const [task] = itemsOf(await made("flux-kontext-max", { prompt: "a kite" }))
    assert.ok(task?.taskId && task.polling_url)
  })

  it("4: Seedream answers a list of links, or of base64 under either word for it", async () => {
    const ask = (format: string) =>
      made("doubao/doubao-seedream-4-0", { prompt: "a kite", size: "1K", response_format: format })
    assert.deepEqual(keysOf(await ask("url")), ["url"])
    for (const word of ["base64_json", "b64_json"]) {
      const body = await ask(word)
      assert.deepEqual(keysOf(body), ["bytesBase64"])
      assert.ok(kindOf(Buffer.from(itemsOf(body)[0]!.bytesBase64!, "base64")))
    }
  })

  it("5: Seedream with Dify's words: enabled, image_strength, 2k, auto", async () => {
    const image = `data:image/png;base64,${await picture()}`
    const { status, headers, body } = await predict("doubao/doubao-seedream-4-5", {
      ...{ prompt: "a kite", size: "2k", stream: false, response_format: "url", watermark: false, image },
      ...{ image_strength: 0.7, sequential_image_generation: "enabled" },
      sequential_image_generation_options: { max_images: 2 },
    })
    assert.equal(status, 200, JSON.stringify(body))
    assert.match(headers.get("atelier-warnings") ?? "", /image_strength/)
    assert.ok((await picturesAsDifyReads("doubao/doubao-seedream-4-5", body)).length >= 1)
    await made("doubao/doubao-seedream-4-0", { prompt: "a kite", size: "auto" })
  })

  it("6: Qwen with a picture as text, as a list, as `images`, an empty refer_image, and every way to write a size", async () => {
    const one = await picture()
    const sizes = ["auto", "512*1024", "1024x1024", "768*512"]
    for (const size of sizes) {
      const body = await made("qianfan/qwen-image", { prompt: `a kite ${size}`, refer_image: "", n: 1, size })
      const { width, height } = await sharp(await download(itemsOf(body)[0]!.url!)).metadata()
      if (size !== "auto") assert.equal(`${width}x${height}`, size.replace("*", "x"))
    }
    for (const images of [{ image: one }, { image: [one, one] }, { images: [one] }, { image: one, size: "1024x1024" }])
      assert.deepEqual(keysOf(await made("qianfan/qwen-image-edit", { prompt: "at dusk", ...images })), ["url"])
    assert.equal((await predict("qianfan/qwen-image-edit", { prompt: "at dusk" })).status, 400)
  })

  it("7: Cherry Studio finds Qwen's pictures under data, and nobody else gets them twice", async () => {
    const image = await picture()
    const cherry = await made("qianfan/qwen-image-edit", { prompt: "at dawn", images: [image], n: 1 })
    assert.equal((await picturesAsCherryReadsData(cherry)).length, 1)
    const headers = { "user-agent": "ai/6.0 ai-sdk/provider-utils/4.0 runtime/browser" }
    assert.equal(
      (await picturesAsCherryReadsData(await made("qianfan/qwen-image", { prompt: "x" }, { headers }))).length,
      1,
    )
    const plain = await made("qianfan/qwen-image", { prompt: "a kite", n: 1, watermark: false })
    assert.deepEqual(Object.keys(plain), ["output"])
    assert.equal((await picturesAsNanobotReads(plain)).length, 1)
    assert.equal((await picturesAsHaloReads(plain)).length, 1)
  })

  it("8: FLUX: the polling address takes the key, tolerance is text, sides stand beside the input, words are known", async () => {
    const body = await made("bfl/flux-2-pro", { prompt: "a kite", safety_tolerance: "2" }, { width: 256, height: 128 })
    const [picture] = await taskAsCherryReads(body, server.url, server.testKey)
    const { width, height } = await sharp(picture).metadata()
    assert.deepEqual([width, height], [256, 128])
    assert.equal((await picturesAsMcpReads(body, server.testKey)).length, 1)
    const unknown = await call<{ status: string }>(server, "/v1/tasks/api.us1.bfl.71c0")
    assert.deepEqual([unknown.status, unknown.body.status], [404, "Task not found"])
  })

  it("9: Ideogram with SPEED and either spelling of a ratio; what is unsafe is an error with a message", async () => {
    for (const aspect_ratio of ["16:9", "2x1"]) {
      const body = await made("ideogram/V3", { prompt: "a kite", rendering_speed: "SPEED", aspect_ratio })
      assert.deepEqual(keysOf(body), ["url"])
      assert.equal((await picturesAsDifyReads("ideogram/V3", body)).length, 1)
    }
    const { status, body } = await predict("ideogram/V3", { prompt: "sandbox:moderation-output" })
    assert.deepEqual([status, body.error.code], [422, "content_refused"])
  })

  it("10: Imagen counts by numberOfImages, sampleCount or n", async () => {
    for (const name of ["numberOfImages", "sampleCount", "n"]) {
      const body = await made("google/imagen-4.0-fast-generate-001", { prompt: "a kite", [name]: 2 })
      assert.deepEqual(keysOf(body), ["bytesBase64"])
      assert.equal((await picturesAsMcpReads(body, server.testKey)).length, 2)
    }
    const both = await predict("google/imagen-3.0-generate-002", { prompt: "a kite", numberOfImages: 1, n: 2 })
    assert.equal(both.status, 400)
  })

  it("11: APP-Code and other headers of no meaning are ignored", async () => {
    const headers = { "app-code": "WHVL9885", "http-referer": "https://cherry.example", "x-title": "A client" }
    await made("openai/gpt-image-1-mini", { prompt: "a kite", quality: "low" }, { headers })
  })

  it("12: every error is an object with a message, unknown paths and models as well", async () => {
    const errors = await Promise.all([
      predict("nobody/nothing", { prompt: "x" }),
      predict("openai/gpt-image-2", {}),
      call<Failure>(server, "/v1/nothing/here"),
      call<Failure>(server, "/v1/generations", { method: "DELETE" }),
      call<Failure>(server, "/v1/images/generations", { body: "{", headers: { "content-type": "application/json" } }),
    ])
    assert.deepEqual(
      errors.map(({ status }) => status),
      [404, 400, 404, 405, 400],
    )
    for (const { body, headers } of errors) {
      assert.match(headers.get("content-type") ?? "", /^application\/json/)
      assert.ok(body.error.message.length > 0 && typeof body.error.code === "string")
    }
  })

  it("13: a wrong key is told at the list of models", async () => {
    for (const key of ["sk-wrong", null]) {
      const { status, body } = await call<Failure>(server, "/v1/models", { key })
      assert.equal(status, 401)
      assert.ok(body.error.message)
    }
    assert.equal((await call(server, "/v1/models")).status, 200)
  })

  it("14: a data URL of 20 MiB in JSON", async () => {
    const noise = Buffer.alloc(2400 * 2100 * 3)
    for (let at = 0, state = 1; at < noise.length; at++) noise[at] = state = (state * 1103515245 + 12345) & 0xff
    const raw = { width: 2400, height: 2100, channels: 3 as const }
    const png = await sharp(noise, { raw }).png({ compressionLevel: 0 }).toBuffer()
    const image = `data:image/png;base64,${png.toString("base64")}`
    assert.ok(image.length > 19 * 1024 * 1024 && image.length < 21 * 1024 * 1024, String(image.length))
    await made("openai/gpt-image-1", { prompt: "smoother", image, quality: "low" })
  })

  it("15: links need no headers and lead nowhere else", async () => {
    const body = await made("openai/dall-e-3", { prompt: "a kite" })
    const response = await fetch(itemsOf(body)[0]!.url!, { redirect: "manual" })
    assert.equal(response.status, 200)
    assert.match(response.headers.get("content-type") ?? "", /^image\//)
    await response.body?.cancel()
  })

  it("16: a Gemini stream is one JSON array, with the size in small letters", async () => {
    const path = "/gemini/v1beta/models/gemini-3.1-flash-image:streamGenerateContent"
    const generationConfig = {
      responseModalities: ["TEXT", "IMAGE"],
      imageConfig: { aspectRatio: "1:1", imageSize: "1k" },
    }
    const json = { contents: [{ parts: [{ text: "a kite" }], role: "user" }], generationConfig }
    const { status, text } = await call(server, path, {
      json,
      key: null,
      headers: { "x-goog-api-key": server.testKey },
    })
    assert.equal(status, 200, text.slice(0, 500))
    const [chunk] = JSON.parse(text) as { candidates: { content: { parts: { inlineData: { data: string } }[] } }[] }[]
    assert.ok(kindOf(Buffer.from(chunk!.candidates[0]!.content.parts[0]!.inlineData.data, "base64")))
  })

  it("17: more pictures than a family makes are refused, not made fewer", async () => {
    for (const path of ["openai/gpt-image-2", "google/imagen-4.0-generate-001", "qianfan/qwen-image", "ideogram/V3"]) {
      const { status, body } = await predict(path, { prompt: "a kite", n: 11 })
      assert.deepEqual([status, body.error.param], [400, "input.n"], path)
    }
  })

  it("18: the server cuts no call for taking long", async () => {
    const { requestTimeout, timeout } = server.atelier.server.server
    assert.deepEqual([requestTimeout, timeout], [0, 0])
    await made("openai/gpt-image-1-mini", { prompt: "sandbox:slow", quality: "low" })
  })

  it("19: a client that sends again after a 5xx makes one picture in the end, and pays for none that failed", async () => {
    const prompt = "sandbox:no-image then sent again"
    const statuses = []
    for (let tries = 0; tries < 3; tries++) statuses.push((await predict("openai/gpt-image-1", { prompt })).status)
    assert.deepEqual(statuses, [502, 502, 502])
    const { body } = await call<{ data: Generation[] }>(server, "/v1/generations?limit=100")
    const mine = body.data.filter(({ input }) => input["prompt"] === prompt)
    assert.deepEqual(
      mine.map(({ status, images }) => [status, images.length]),
      statuses.map(() => ["failed", 0]),
    )
    assert.equal(sandboxCalls(server).filter((one) => one.prompt === prompt).length, 3, "one call for each request")
  })

  it("20: dated ids of Seedream in the path", async () => {
    const { status, headers } = await predict("doubao/doubao-seedream-4-0-250828", { prompt: "a kite", size: "1K" })
    assert.equal(status, 200)
    assert.equal((await inputOf(headers))["size"], "1K")
  })
})
