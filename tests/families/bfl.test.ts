// FLUX through Atelier itself: every model makes a picture of the size asked for, at Black Forest Labs and at Microsoft.
import assert from "node:assert/strict"
import { after, before, describe, it } from "node:test"
import { setTimeout as sleep } from "node:timers/promises"
import { call, download, generate, kindOf, plainPng } from "../calls.ts"
import type { Failure, Generation } from "../calls.ts"
import { composeServer, sandboxCalls } from "../harness.ts"
import type { InProcess } from "../harness.ts"

type Case = { model: string; input: Record<string, unknown>; size: string; kind?: "png" | "jpeg" | "webp" }

let server: InProcess
let azure: InProcess
let both: InProcess
before(async () => {
  const resource = { AZURE_API_KEY: "any", AZURE_BASE_URL: "https://atelier.services.ai.azure.com" }
  server = await composeServer()
  azure = await composeServer(resource)
  both = await composeServer({ ...resource, BFL_API_KEY: "any" })
})
after(() => Promise.all([server, azure, both].map(({ end }) => end())))

const picture = async () => `data:image/png;base64,${(await plainPng({ width: 128, height: 64 })).toString("base64")}`

async function makes(target: InProcess, vendor: string, { model, input, size, kind = "jpeg" }: Case) {
  const prompt = `${JSON.stringify(input).slice(0, 40)} by ${model} at ${vendor}`
  const { status, body } = await generate(target, prompt, { model, ...input })
  assert.deepEqual([status, body.status, body.error], [200, "succeeded", null])
  for (const image of body.images)
    assert.deepEqual([`${image.width}x${image.height}`, image.media_type], [size, `image/${kind}`])
  assert.equal(kindOf(await download(body.images[0]!.url)), kind)
  const calls = sandboxCalls(target).filter((one) => one.prompt?.startsWith(prompt.slice(0, 80)))
  assert.ok(calls.length > 0 && calls.every((one) => one.vendor === vendor))
  return body
}

// As the documents of AIHubMix ask, and in each way to say a size.
const documented = { aspect_ratio: "2:3", safety_tolerance: 5, seed: 42, raw: false }

const cases: Case[] = [
  { model: "bfl/flux-2-pro", input: documented, size: "832x1248" },
  { model: "bfl/flux-2-max", input: { size: "256*512", prompt_upsampling: false }, size: "256x512" },
  { model: "bfl/flux-2-flex", input: { ...documented, guidance: 7.5, steps: 20 }, size: "832x1248" },
  { model: "bfl/flux-2-flex", input: { size: "2k", aspect_ratio: "1x1" }, size: "2048x2048" },
  { model: "flux-2-klein", input: { width: 320, height: 256, output_format: "webp" }, size: "320x256", kind: "webp" },
  { model: "bfl/flux-2-klein-4b", input: { size: "256x256", n: 2 }, size: "256x256" },
  { model: "bfl/flux-kontext-max", input: { aspect_ratio: "2:3", safety_tolerance: 6 }, size: "832x1248", kind: "png" },
  { model: "FLUX.1-Kontext-pro", input: { safety_tolerance: 6 }, size: "1360x768", kind: "png" },
  { model: "FLUX-1.1-pro", input: { ...documented, output_format: "png" }, size: "832x1248", kind: "png" },
  { model: "bfl/flux-pro-1.1", input: { size: "256x1440" }, size: "256x1440" },
  { model: "flux-1.1-pro-ultra", input: { raw: true, aspect_ratio: "1:1" }, size: "2048x2048" },
  { model: "bfl/flux-dev", input: { width: 256, height: 256, guidance: 3, steps: 10 }, size: "256x256" },
]

describe("FLUX at Black Forest Labs", { concurrency: true }, () => {
  for (const one of cases) {
    it(`${one.model} with ${JSON.stringify(one.input)}: ${one.size}`, async () => {
      const { images } = await makes(server, "bfl", one)
      assert.equal(images.length, one.input["n"] ?? 1)
    })
  }

  it("edits as many pictures as each takes, of which the first says the size", async () => {
    const image = await picture()
    for (const [model, count] of [
      ["bfl/flux-2-pro", 8],
      ["bfl/flux-2-klein", 4],
    ] as const)
      await makes(server, "bfl", { model, input: { image: Array(count).fill(image) }, size: "128x64" })
    await makes(server, "bfl", { model: "bfl/flux-kontext-pro", input: { image }, size: "1456x720", kind: "png" })
  })

  it("remixes a picture", async () => {
    const input = { image_prompt: await picture(), image_prompt_strength: 0.5, aspect_ratio: "16:9" }
    await makes(server, "bfl", { model: "bfl/flux-pro-1.1-ultra", input, size: "2736x1536" })
  })

  it("refuses what no FLUX of that name can do, with the reason", async () => {
    for (const [model, input, message] of [
      ["bfl/flux-2-pro", { quality: "high" }, /has no parameter quality/],
      ["bfl/flux-2-pro", { raw: true }, /raw must be false/],
      ["bfl/flux-2-klein", { prompt_upsampling: true }, /prompt_upsampling must be false/],
      ["bfl/flux-pro-1.1", { size: "2K" }, /size must match/],
      ["bfl/flux-pro-1.1", { size: "1440x1442" }, /multiples of 32/],
    ] as const) {
      const { status, body } = await call<Failure>(server, "/v1/generations", {
        json: { model, input: { prompt: "a boat", ...input } },
      })
      assert.equal(status, 400)
      assert.match(body.error.message, message)
    }
  })
})

const atAzure: Case[] = [
  { model: "bfl/flux-2-pro", input: documented, size: "832x1248" },
  { model: "FLUX.2-flex", input: { size: "256x512", guidance: 4.5, steps: 20 }, size: "256x512" },
  { model: "FLUX.1-Kontext-pro", input: { aspect_ratio: "3:2", safety_tolerance: 6 }, size: "1248x832", kind: "png" },
  {
    model: "FLUX-1.1-pro",
    input: { width: 320, height: 256, n: 3, output_format: "png" },
    size: "320x256",
    kind: "png",
  },
]

describe("FLUX at Microsoft", { concurrency: true }, () => {
  for (const one of atAzure) {
    it(`${one.model} with ${JSON.stringify(one.input)}: ${one.size}`, async () => {
      const { images } = await makes(azure, "azure", one)
      assert.equal(images.length, one.input["n"] ?? 1)
    })
  }

  it("edits pictures", async () => {
    const image = await picture()
    await makes(azure, "azure", {
      model: "flux-2-pro",
      input: { image: [image, image], size: "256x256" },
      size: "256x256",
    })
    await makes(azure, "azure", {
      model: "flux-kontext-pro",
      input: { image, aspect_ratio: "1:1" },
      size: "1024x1024",
      kind: "png",
    })
  })

  it("refuses what only Black Forest Labs can do, where that is not there", async () => {
    for (const [model, input, message] of [
      ["bfl/flux-2-pro", { output_format: "webp" }, /jpeg or png at Microsoft Azure/],
      ["bfl/flux-2-flex", { prompt_upsampling: false }, /must be true at Microsoft Azure/],
      ["bfl/flux-kontext-pro", { image: [await picture(), await picture()] }, /at most 1 picture/],
      ["bfl/flux-pro-1.1", { size: "1440x1440" }, /1.6 megapixels/],
    ] as const) {
      const { status, body } = await call<Failure>(azure, "/v1/generations", {
        json: { model, input: { prompt: "a boat", ...input } },
      })
      assert.equal(status, 400)
      assert.match(body.error.message, message)
    }
  })

  it("leaves to Black Forest Labs what it cannot do itself, where both are there", async () => {
    const input = { output_format: "webp", width: 256, height: 256 }
    await makes(both, "bfl", { model: "bfl/flux-2-pro", input, size: "256x256", kind: "webp" })
  })

  it("is a task to clients of AIHubMix all the same, which is ready at once", async () => {
    type Task = { status: string; result: { sample: string } | null }
    const json = { input: { prompt: "a deer at the lake", aspect_ratio: "4:3", safety_tolerance: "2" } }
    const path = "/v1/models/bfl/flux-2-pro/predictions"
    const { status, body } = await call<{ output: { taskId: string }[] }>(azure, path, { json })
    assert.equal(status, 200)
    let task: Task = { status: "Pending", result: null }
    for (const end = Date.now() + 10_000; task.status === "Pending" && Date.now() < end; await sleep(20))
      task = (await call<Task>(azure, `/v1/tasks/${body.output[0]!.taskId}`)).body
    assert.equal(task.status, "Ready")
    assert.equal(kindOf(await download(task.result!.sample)), "jpeg")
  })

  it("says that the filter refused", async () => {
    for (const word of ["moderation", "moderation-output"]) {
      const { body } = await generate(azure, `a boat sandbox:${word}`, { model: "bfl/flux-2-pro" })
      assert.deepEqual([body.status, body.error?.code], ["failed", "content_refused"] satisfies [
        Generation["status"],
        string,
      ])
    }
  })
})
