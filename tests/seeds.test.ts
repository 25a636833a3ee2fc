// The examples of AIHubMix' documents as they are printed, with another host and key, and how its real clients read
// the answers.
import assert from "node:assert/strict"
import { after, before, describe, it } from "node:test"
import { setTimeout as sleep } from "node:timers/promises"
import sharp from "sharp"
import { call, download, kindOf, plainPng } from "./calls.ts"
import type { Failure, Reply } from "./calls.ts"
import { composeServer, sandboxCalls } from "./harness.ts"
import type { InProcess } from "./harness.ts"
import { picturesAsDifyReads, picturesAsMcpReads, picturesAsNanobotReads, taskAsCherryReads } from "./seedClients.ts"
import type { Prediction } from "./seedClients.ts"

const deer =
  "A deer drinking in the lake, Sakura petals falling, green and clean water, japanese temple, dappled sunlight, " +
  "cinematic lighting, expansive view, peace"

const openaiInput = `{
  "input": {
    "prompt": "${deer}",
    "size": "1024x1024", 
    "n": 1,
    "quality": "high",
    "moderation": "low",
    "background": "auto"
  }
}`

const fluxInput = `{
  "input": {
    "prompt": "${deer}. reference style as the given image:",
    "aspect_ratio": "2:3",
    "safety_tolerance": 6
  }
}`

const oneStepFlux = `{
  "model": "FLUX.1-Kontext-pro",
  "prompt": "a cat in the garden, cute cartoon",
  "safety_tolerance": 6
}`

let server: InProcess
before(async () => {
  server = await composeServer()
})
after(() => server.end())

/** As the documents' curl sends it, with the headers some clients add. */
const send = <Body>(path: string, text: string): Promise<Reply<Body>> =>
  call<Body>(server, path, {
    body: text,
    headers: { "content-type": "application/json", "app-code": "ABCD1234" },
  })

const predict = (model: string, input: unknown, beside = {}): Promise<Reply<Prediction>> =>
  send<Prediction>(`/v1/models/${model}/predictions`, JSON.stringify({ input, ...beside }))

type Task = { id: string; status: string; result: { sample: string; prompt: string; seed: number } | null }

async function finished(taskId: string): Promise<Reply<Task & { output: { url: string }[] }>> {
  for (const until = Date.now() + 20_000; Date.now() < until; await sleep(50)) {
    const reply = await call<Task & { output: { url: string }[] }>(server, `/v1/tasks/${taskId}`)
    if (reply.body.status !== "Pending") return reply
  }
  return assert.fail(`${taskId} is still pending`)
}

const started = ({ output }: Prediction) => (output as { taskId: string; polling_url: string }[])[0]!

describe("seeds: OpenAI", () => {
  for (const path of ["openai/gpt-image-1.5", "opanai/gpt-image-1", "openai/gpt-image-1-mini", "gpt-image-1"])
    it(`answers the example for ${path} with the object that its clients know`, async () => {
      // gpt-image-1-mini is in the list of the document; the example is the one for its siblings.
      const { status, body } = await send<Prediction>(`/v1/models/${path}/predictions`, openaiInput)
      assert.equal(status, 200)
      assert.deepEqual(Object.keys(body), ["output", "usage"])
      const { b64_json, urls } = body.output as { b64_json: { bytesBase64: string; mimeType: string }[]; urls: [] }
      assert.deepEqual(Object.keys(body.output), ["b64_json", "urls"])
      assert.deepEqual(urls, [])
      assert.equal(b64_json.length, 1)
      assert.deepEqual(Object.keys(b64_json[0]!), ["bytesBase64", "mimeType"])
      assert.equal(b64_json[0]!.mimeType, "jpeg", "the bare word; jpeg is the documented default")
      const { format, width, height } = await sharp(Buffer.from(b64_json[0]!.bytesBase64, "base64")).metadata()
      assert.deepEqual([format, width, height], ["jpeg", 1024, 1024])
      assert.deepEqual(
        new Set(Object.keys(body.usage ?? {})),
        new Set(["input_tokens", "input_tokens_details", "output_tokens", "output_tokens_details", "total_tokens"]),
      )
    })

  it("keeps output_format, and png where the background shall be transparent", async () => {
    const formats: Record<string, Record<string, unknown>> = {
      png: { output_format: "png" },
      webp: { output_format: "webp" },
    }
    formats["png "] = { background: "transparent" }
    for (const [format, wish] of Object.entries(formats)) {
      const { body } = await predict("openai/gpt-image-1", { prompt: "a leaf", ...wish })
      const { b64_json } = body.output as { b64_json: { mimeType: string }[] }
      assert.equal(b64_json[0]!.mimeType, format.trim())
    }
  })

  for (const path of ["openai/dall-e-3", "opanai/dall-e-3"])
    it(`takes the same example for ${path} and answers with a list of links`, async () => {
      const { status, body, headers } = await send<Prediction>(`/v1/models/${path}/predictions`, openaiInput)
      assert.equal(status, 200)
      const output = body.output as { url: string }[]
      assert.equal(output.length, 1)
      assert.deepEqual(Object.keys(output[0]!), ["url"])
      assert.equal(kindOf(await download(output[0]!.url)), "png")
      assert.match(headers.get("atelier-warnings") ?? "", /moderation.*background/, "what was passed over is told")
    })

  it("edits with the reference given as a data URL, an address of its own, or bare base64", async () => {
    const picture = (await plainPng()).toString("base64")
    for (const image of [`data:image/png;base64,${picture}`, picture, [picture, picture]]) {
      const prompt = `a rose ${String(image).length}`
      const { status } = await predict("openai/gpt-image-1", { prompt, image, size: "auto", input_fidelity: "high" })
      assert.equal(status, 200)
      assert.equal(sandboxCalls(server).find((one) => one.prompt === prompt)?.path, "/v1/images/edits")
    }
  })

  it("refuses moderation together with a reference, as documented, and more than ten pictures", async () => {
    const image = (await plainPng()).toString("base64")
    const wrong = (await predict("openai/gpt-image-1", { prompt: "x", image, moderation: "low" })) as Reply<unknown>
    assert.deepEqual([wrong.status, (wrong.body as Failure).error.param], [400, "input.moderation"])
    const many = (await predict("openai/gpt-image-1", { prompt: "x", n: 11 })) as Reply<unknown>
    assert.deepEqual([many.status, (many.body as Failure).error.param], [400, "input.n"])
    assert.match((many.body as Failure).error.message, /at most 10/)
  })
})

describe("seeds: FLUX in two steps", { concurrency: 4 }, () => {
  it("answers the example with a task, which goes from Pending to Ready", async () => {
    const first = await send<Prediction>("/v1/models/bfl/flux-kontext-max/predictions", fluxInput)
    assert.equal(first.status, 200, "clients test for exactly 200")
    assert.deepEqual(Object.keys(first.body), ["output"])
    const { taskId, polling_url, ...others } = started(first.body)
    assert.deepEqual(others, {})
    const pending = await call<Task>(server, `/v1/tasks/${taskId}`)
    assert.deepEqual(pending.body, { id: taskId, status: "Pending", result: null })
    const { status, body } = await finished(taskId)
    assert.equal(status, 200)
    assert.deepEqual([body.id, body.status], [taskId, "Ready"])
    assert.deepEqual(body.output, [{ url: body.result!.sample }])
    assert.equal(body.result!.prompt, `${deer}. reference style as the given image:`)
    assert.ok(Number.isInteger(body.result!.seed))
    const { format, width = 0, height = 0 } = await sharp(await download(body.result!.sample)).metadata()
    assert.equal(format, "png")
    assert.ok(Math.abs(width / height - 2 / 3) < 0.05, `${width}x${height} is 2:3`)
    assert.ok(polling_url.startsWith(`${server.url}/`))
    const polled = await call<Task>(server, polling_url)
    assert.deepEqual([polled.status, polled.body.status], [200, "Ready"])
  })

  it("keeps the polling address behind the key", async () => {
    const { body } = await predict("bfl/flux-2-pro", { prompt: "a closed gate" })
    const { status } = await call(server, started(body).polling_url, { key: null })
    assert.equal(status, 401)
  })

  for (const path of ["flux-kontext-max", "flux-kontext-pro", "bfl/flux-2-flex", "bfl/FLUX.1-Kontext-pro"])
    it(`takes the example for ${path}`, async () => {
      const body = path.includes("flux-2")
        ? fluxInput.replace('"safety_tolerance": 6', '"safety_tolerance": 5')
        : fluxInput
      const reply = await send<Prediction>(`/v1/models/${path}/predictions`, body)
      assert.equal(reply.status, 200)
      assert.equal((await finished(started(reply.body).taskId)).body.status, "Ready")
    })

  it("takes the tolerance as text, as AIHubMix' own MCP server writes it", async () => {
    const { status, body } = await predict("bfl/FLUX.1-Kontext-pro", { prompt: "a jetty", safety_tolerance: "6" })
    assert.equal(status, 200)
    const { input } = (
      await call<{ input: { safety_tolerance: unknown } }>(server, `/v1/generations/${started(body).taskId}`)
    ).body
    assert.equal(input.safety_tolerance, 6)
  })

  it("takes width and height beside the input", async () => {
    const { body } = await predict("bfl/flux-2-pro", { prompt: "a wide bay" }, { width: 960, height: 544 })
    const task = await finished(started(body).taskId)
    const { width, height } = await sharp(await download(task.body.result!.sample)).metadata()
    assert.deepEqual([width, height], [960, 544])
  })

  it("says how a task ended that has no picture, in the words that clients know", async () => {
    const endings = {
      "sandbox:moderation": "Request Moderated",
      "sandbox:moderation-output": "Content Moderated",
      "sandbox:html": "Error",
    }
    for (const [prompt, status] of Object.entries(endings)) {
      const { body } = await predict("bfl/flux-2-pro", { prompt })
      const task = await finished(started(body).taskId)
      assert.deepEqual([task.status, task.body.status, task.body.result], [200, status, null])
    }
  })

  it("does not know a task that is none, whatever its name looks like", async () => {
    for (const id of ["api.us1.bfl.71c0", "gen_000000000000000000000000"]) {
      const { status, body } = await call<Failure & { status: string }>(server, `/v1/tasks/${id}`)
      assert.deepEqual([status, body.status, body.error.code], [404, "Task not found", "not_found"])
    }
  })

  it("refuses a tolerance above 2 with a reference picture, and a ratio beyond 21:9", async () => {
    const picture = await plainPng()
    const input_image = picture.toString("base64")
    const wrong = await predict("bfl/flux-kontext-max", { prompt: "x", input_image, safety_tolerance: 6 })
    assert.equal((wrong as Reply<unknown> as Reply<Failure>).body.error.param, "input.safety_tolerance")
    const flat = await predict("bfl/flux-kontext-max", { prompt: "x", aspect_ratio: "21:8" })
    assert.equal((flat as Reply<unknown> as Reply<Failure>).body.error.param, "input.aspect_ratio")
  })
})

describe("seeds: FLUX in one step", () => {
  it("answers the example with one picture as base64", async () => {
    const { status, body } = await send<{ data: { b64_json: string }[] }>("/v1/images/generations", oneStepFlux)
    assert.equal(status, 200)
    assert.ok(!("output" in body), "one client would read output before data")
    assert.equal(body.data.length, 1)
    assert.equal(kindOf(Buffer.from(body.data[0]!.b64_json, "base64")), "png")
  })
})

describe("seeds: clients", () => {
  for (const path of ["openai/gpt-image-1.5", "openai/dall-e-3"])
    it(`gives each reader exactly one picture of ${path}`, async () => {
      const { body } = await predict(path, { prompt: "one kite", n: 1, size: "1024x1024" })
      assert.equal((await picturesAsDifyReads(path, body)).length, 1)
      assert.equal((await picturesAsNanobotReads(body)).length, 1)
      // The vendor's own MCP server reads no list of links; it has no dall-e-3 either.
      if (path.includes("gpt-image")) assert.equal((await picturesAsMcpReads(body, server.testKey)).length, 1)
    })

  it("gives the MCP server and Cherry Studio one picture of FLUX", async () => {
    const { body } = await predict("bfl/FLUX.1-Kontext-pro", { prompt: "one kite", safety_tolerance: "2" })
    assert.equal((await picturesAsMcpReads(body, server.testKey)).length, 1)
    assert.equal((await taskAsCherryReads(body, server.url, server.testKey)).length, 1)
  })

  it("gives nanobot one picture of the call it makes", async () => {
    const picture = await plainPng()
    const image = [`data:image/png;base64,${picture.toString("base64")}`]
    const { body } = await predict("openai/gpt-image-2", { prompt: "one kite", n: 1, size: "1536x1024", image })
    assert.equal((await picturesAsNanobotReads(body)).length, 1)
  })
})
