// Black Forest Labs imitated: submit, poll, fetch; in process, and once over HTTP.
import assert from "node:assert/strict"
import { once } from "node:events"
import { mkdtemp, readFile, rm } from "node:fs/promises"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { buffer, json } from "node:stream/consumers"
import { describe, test } from "node:test"
import sharp from "sharp"
import type { Pace } from "./imitation.ts"
import { createSandbox } from "./sandbox.ts"
import type { Sandbox } from "./sandbox.ts"
import { createSandboxServer } from "./serve.ts"

type Submitted = {
  id: string
  polling_url: string
  webhook_url?: string
  cost: number
  input_mp: number
  output_mp: number
}
type Polled = {
  status: string
  progress: number | null
  details: object | null
  cost?: number
  result: { sample: string; seed: number } | null
}

function start(options: { pace?: Pace; folder?: string } = {}) {
  const clock = { time: Date.parse("2026-11-21T12:00:00Z"), now: () => clock.time }
  return { clock, ...speakTo(createSandbox({ pace: "none", clock, ...options })) }
}

function speakTo(sandbox: Sandbox) {
  const { signal } = new AbortController()
  const post = async (path: string, fields: object, key = "k") => {
    const chunks = async function* () {
      yield Buffer.from(JSON.stringify(fields))
    }
    const url = new URL(`https://api.bfl.ai/v1/${path}`)
    const body = { type: "application/json", chunks }
    const { status, body: answer } = await sandbox({ method: "POST", url, headers: { "x-key": key }, body, signal })
    return { status, body: await json(answer) }
  }
  const get = (address: string) => sandbox({ method: "GET", url: new URL(address), headers: { "x-key": "k" }, signal })
  const submit = async (path: string, fields: object) => (await post(path, fields)).body as Submitted
  const poll = async (address: string) => (await json((await get(address)).body)) as Polled
  return { post, get, submit, poll }
}

const tiny = { prompt: "a red kite", width: 64, height: 64, seed: 7 }

describe("a task", () => {
  test("is submitted, polled and fetched", async () => {
    const { submit, poll, get } = start()
    const task = await submit("flux-2-pro", { ...tiny, width: 1344, height: 768, output_format: "png" })
    assert.match(task.polling_url, /^https:\/\/api\.us1\.bfl\.ai\/v1\/get_result\?id=/)
    assert.deepEqual([task.cost, task.input_mp, task.output_mp], [3, 0, 1.03])
    const done = await poll(task.polling_url)
    assert.deepEqual([done.status, done.cost, done.result?.seed], ["Ready", 3, 7])
    assert.match(done.result?.sample ?? "", /^https:\/\/delivery-us1\.bfl\.ai\/.*\.png\?/)
    const picture = await get(done.result?.sample ?? "")
    assert.equal(picture.headers["content-type"], "image/png")
    const { width, height, format } = await sharp(await buffer(picture.body)).metadata()
    assert.deepEqual([width, height, format], [1344, 768, "png"])
  })

  test("goes through its states with time", async () => {
    const { submit, poll, clock } = start({ pace: "human" })
    const { polling_url } = await submit("flux-2-klein-4b", tiny)
    const states: unknown[] = []
    for (const elapsed of [0, 250, 250, 500]) {
      clock.time += elapsed
      const { status, progress } = await poll(polling_url)
      states.push([status, progress])
    }
    assert.deepEqual(states, [
      ["Pending", null],
      ["Reasoning", null],
      ["Generating", 0.5],
      ["Ready", null],
    ])
  })

  test("is known only to the cluster that took it", async () => {
    const { submit, get } = start()
    const { polling_url } = await submit("flux-2-pro", tiny)
    const lost = await get(polling_url.replace("api.us1.", "api."))
    assert.equal(lost.status, 404)
    assert.equal(((await json(lost.body)) as Polled).status, "Task not found")
  })

  test("has a link that is refused after ten minutes, or with another signature", async () => {
    const { submit, poll, get, clock } = start()
    const { polling_url } = await submit("flux-2-pro", tiny)
    const sample = (await poll(polling_url)).result?.sample ?? ""
    assert.equal((await get(sample.replace(/sig=.{3}/, "sig=abc"))).status, 403)
    clock.time += 10 * 60 * 1000 - 1000
    assert.equal((await get(sample)).status, 200)
    clock.time += 1000
    assert.equal((await get(sample)).status, 403)
  })

  test("outlives the process, and is forgotten after an hour", async () => {
    const folder = await mkdtemp(join(tmpdir(), "sandbox-"))
    const input_image = (await pictureOf("red")).toString("base64")
    const { polling_url } = await start({ folder }).submit("flux-2-pro", { ...tiny, input_image })
    const { poll, get, clock } = start({ folder })
    const { result } = await poll(polling_url)
    assert.equal((await get(result?.sample ?? "")).status, 200)
    clock.time += 60 * 60 * 1000
    assert.equal((await poll(polling_url)).status, "Task not found")
    const calls = (await readFile(join(folder, "calls.jsonl"), "utf8")).trim().split("\n")
    const submissions = calls.map((line) => JSON.parse(line)).filter(({ method }) => method === "POST")
    assert.deepEqual(submissions, [
      {
        at: "2026-11-21T12:00:00.000Z",
        vendor: "bfl",
        method: "POST",
        path: "/v1/flux-2-pro",
        model: "flux-2-pro",
        prompt: "a red kite",
        status: 200,
      },
    ])
    await rm(folder, { recursive: true })
  })

  test("is not taken above twenty-four at once", async () => {
    const { post, clock } = start({ pace: "human" })
    for (let count = 0; count < 24; count++) assert.equal((await post("flux-2-pro", tiny)).status, 200)
    assert.equal((await post("flux-2-pro", tiny)).status, 429)
    assert.equal((await post("flux-2-pro", tiny, "another")).status, 200)
    clock.time += 1000
    for (let count = 0; count < 6; count++) assert.equal((await post("flux-kontext-max", tiny)).status, 200)
    assert.equal((await post("flux-kontext-max", tiny)).status, 429)
    assert.equal((await post("flux-2-pro", tiny)).status, 200)
  })

  test("has no polling address where a webhook was asked for", async () => {
    const { post } = start()
    const { status, body } = await post("flux-2-pro", { ...tiny, webhook_url: "https://example.com/hook" })
    assert.equal(status, 200)
    const { status: state, webhook_url, polling_url } = body as Submitted & { status: string }
    assert.deepEqual([state, webhook_url, polling_url], ["Pending", "https://example.com/hook", undefined])
  })
})

const pictureOf = (background: string, width = 96, height = 64) =>
  sharp({ create: { width, height, channels: 3, background } })
    .png()
    .toBuffer()

describe("pictures", () => {
  async function draw(model: string, fields: object) {
    const { submit, poll, get } = start()
    const { polling_url, cost } = await submit(model, { prompt: "a kite", seed: 1, ...fields })
    const bytes = await buffer((await get((await poll(polling_url)).result?.sample ?? "")).body)
    const { width, height, format } = await sharp(bytes).metadata()
    return { bytes, size: `${width}x${height} ${format}`, cost }
  }

  for (const [model, fields, size, cost] of [
    ["flux-2-flex", {}, "1024x1024 jpeg", 5],
    ["flux-2-klein-9b-preview", { width: 64, height: 128, output_format: "webp" }, "64x128 webp", 1.5],
    ["flux-2-max", { width: 2048, height: 2048 }, "2048x2048 jpeg", 16],
    ["flux-kontext-pro", { aspect_ratio: "16:9" }, "1360x768 png", 4],
    ["flux-kontext-max", {}, "1024x1024 png", 8],
    ["flux-pro-1.1", {}, "1024x768 jpeg", 4],
    ["flux-pro-1.1-ultra", { raw: true }, "2736x1536 jpeg", 6],
    ["flux-pro-1.1-ultra", { aspect_ratio: "1:1", output_format: "webp" }, "2048x2048 webp", 6],
    ["flux-dev", { width: 256, height: 288 }, "256x288 jpeg", 2.5],
  ] as const) {
    test(`${model} draws ${size}`, async () => {
      const drawn = await draw(model, fields)
      assert.deepEqual([drawn.size, drawn.cost], [size, cost])
    })
  }

  test("show and follow the picture that was sent", async () => {
    const [red, blue] = await Promise.all(
      ["red", "blue"].map(async (colour) => {
        const input_image = `data:image/png;base64,${(await pictureOf(colour)).toString("base64")}`
        return draw("flux-2-pro", { input_image, input_image_2: input_image })
      }),
    )
    assert.deepEqual([red?.size, red?.cost], ["96x64 jpeg", 6])
    assert.notDeepEqual(red?.bytes, blue?.bytes)
  })

  test("show the picture that is remixed, and do not follow its size", async () => {
    const image_prompt = (await pictureOf("red")).toString("base64")
    const plain = await draw("flux-pro-1.1", { width: 256, height: 288 })
    const remixed = await draw("flux-pro-1.1", { width: 256, height: 288, image_prompt })
    assert.deepEqual([remixed.size, remixed.cost], ["256x288 jpeg", 4])
    assert.notDeepEqual(remixed.bytes, plain.bytes)
    assert.equal((await draw("flux-pro-1.1", { image_prompt })).size, "1024x768 jpeg")
  })

  test("vary with an address, which is not fetched", async () => {
    const [one, two] = await Promise.all(
      ["a", "b"].map((name) => draw("flux-2-pro", { ...tiny, input_image: `https://example.com/${name}.png` })),
    )
    assert.notDeepEqual(one?.bytes, two?.bytes)
  })
})

describe("refusals", () => {
  const table: [string, object, string, string][] = [
    ["flux-2-pro", {}, "prompt", "missing"],
    ["flux-2-pro", { ...tiny, width: 32 }, "width", "greater_than_equal"],
    ["flux-2-pro", { ...tiny, height: 100 }, "height", "multiple_of"],
    ["flux-2-pro", { ...tiny, width: 4096, height: 2048 }, "width", "value_error"],
    ["flux-2-pro", { ...tiny, seed: 7.5 }, "seed", "int_from_float"],
    ["flux-2-pro", { ...tiny, safety_tolerance: 6 }, "safety_tolerance", "less_than_equal"],
    ["flux-2-flex", { ...tiny, guidance: 1 }, "guidance", "greater_than_equal"],
    ["flux-2-pro", { ...tiny, output_format: "gif" }, "output_format", "enum"],
    ["flux-2-pro", { ...tiny, webhook_url: "nowhere" }, "webhook_url", "url_parsing"],
    ["flux-2-pro", { ...tiny, input_image: "bm8gcGljdHVyZQ==" }, "input_image", "value_error"],
    ["flux-2-pro", { ...tiny, input_image: "data:image/png;base64," }, "input_image", "value_error"],
    ["flux-pro-1.1-ultra", { aspect_ratio: "3:1" }, "aspect_ratio", "value_error"],
    ["flux-pro-1.1", { width: 2048 }, "width", "less_than_equal"],
    ["flux-pro-1.1", { width: 272 }, "width", "multiple_of"],
    ["flux-pro-1.1-ultra", { image_prompt: "https://example.com/a.png" }, "image_prompt", "value_error"],
    ["flux-pro-1.1-ultra", { image_prompt_strength: 2 }, "image_prompt_strength", "less_than_equal"],
    ["flux-pro-1.1-ultra", { raw: "yes" }, "raw", "bool_type"],
    ["flux-dev", { guidance: 10 }, "guidance", "less_than_equal"],
    ["flux-2-max", { ...tiny, disable_pup: 1 }, "disable_pup", "bool_type"],
  ]
  for (const [model, fields, field, type] of table) {
    test(`${model} ${JSON.stringify(fields)}`, async () => {
      const { status, body } = await start().post(model, fields)
      assert.equal(status, 422)
      const [detail] = (body as { detail: { loc: unknown[]; msg: string; type: string }[] }).detail
      assert.deepEqual([detail?.loc, detail?.type], [["body", field], type])
    })
  }

  test("unknown fields are ignored, wrong keys are not", async () => {
    const { post } = start()
    assert.equal((await post("flux-2-pro", { ...tiny, aspect_ratio: "nonsense", n: 4 })).status, 200)
    assert.equal((await post("flux-2-pro", tiny, "")).status, 401)
    assert.equal((await post("flux-2-pro", tiny, "invalid-key")).status, 401)
    assert.equal((await post("flux-9", tiny)).status, 404)
  })

  test("moderation and failure show when the task is polled", async () => {
    const { submit, poll } = start()
    const endOf = async (word: string) => {
      const { polling_url } = await submit("flux-2-pro", { ...tiny, prompt: `a kite sandbox:${word}` })
      const { status, result, details } = await poll(polling_url)
      return [status, result, details !== null]
    }
    assert.deepEqual(await endOf("moderation"), ["Request Moderated", null, true])
    assert.deepEqual(await endOf("moderation-output"), ["Content Moderated", null, true])
    assert.deepEqual(await endOf("task-error"), ["Error", null, true])
    assert.deepEqual(await endOf("no-image"), ["Ready", null, false])
  })

  test("the account and the service fail at submission", async () => {
    const { post } = start()
    const statusOf = async (word: string) =>
      (await post("flux-2-pro", { ...tiny, prompt: `a kite sandbox:${word}` })).status
    assert.equal(await statusOf("no-credit"), 402)
    assert.equal(await statusOf("rate-limit"), 429)
    assert.equal(await statusOf("error"), 500)
    assert.equal(await statusOf("overloaded"), 503)
    assert.equal(await statusOf("rate-limit-once"), 429)
    assert.equal(await statusOf("rate-limit-once"), 200)
  })
})

test("over HTTP every link leads back to the same server", async () => {
  const server = createSandboxServer(createSandbox({ pace: "none" }))
  await once(server.listen(0, "127.0.0.1"), "listening")
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/bfl`
  const headers = { "x-key": "k", "content-type": "application/json" }
  const submitted = await fetch(`${base}/v1/flux-2-pro`, { method: "POST", headers, body: JSON.stringify(tiny) })
  const { polling_url } = (await submitted.json()) as Submitted
  assert.ok(polling_url.startsWith(base))
  const { result } = (await (await fetch(polling_url)).json()) as Polled
  assert.ok(result?.sample.startsWith(base))
  const picture = await fetch(result?.sample ?? "")
  assert.equal((await sharp(Buffer.from(await picture.arrayBuffer())).metadata()).width, 64)
  assert.deepEqual(await (await fetch(`${base}/v1/credits`, { headers })).json(), { credits: 10_000 })
  server.close()
  server.closeAllConnections()
})
