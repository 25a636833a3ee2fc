// Alibaba's DashScope imitated: pictures at once, pictures as tasks, and what is refused, on the vendor's wire; in process.
import assert from "node:assert/strict"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { buffer, json } from "node:stream/consumers"
import { describe, test } from "node:test"
import sharp from "sharp"
import type { Pace } from "./imitation.ts"
import { createSandbox } from "./sandbox.ts"

type Result = { url?: string; orig_prompt?: string; code?: string }
type Body = {
  output: {
    choices: { finish_reason: string; message: { role: string; content: { image: string }[] } }[]
    task_id: string
    task_status: string
    submit_time?: string
    results?: Result[]
    code?: string
  }
  usage?: { image_count: number; width: number; height: number }
  request_id: string
  code?: string
  message?: string
}

const api = "https://dashscope.aliyuncs.com/api/v1/"
const atOnce = "services/aigc/multimodal-generation/generation"
const asTask = "services/aigc/text2image/image-synthesis"
const background = { "x-dashscope-async": "enable" }

function start({ pace = "none", folder }: { pace?: Pace; folder?: string } = {}) {
  const clock = { time: Date.parse("2026-09-22T02:00:00Z"), now: () => clock.time }
  const sandbox = createSandbox({ pace, clock, ...(folder === undefined ? {} : { folder }) })
  const { signal } = new AbortController()
  const send = async (path: string, fields?: unknown, headers: Record<string, string> = {}, method = "POST") => {
    const chunks = async function* () {
      yield Buffer.from(JSON.stringify(fields))
    }
    const body = fields === undefined ? {} : { body: { type: "application/json", chunks } }
    const url = new URL(path.startsWith("https") ? path : api + path)
    return sandbox({ method, url, headers: { authorization: "Bearer sk-x", ...headers }, signal, ...body })
  }
  const post = async (path: string, fields?: unknown, headers?: Record<string, string>) => {
    const { status, headers: told, body } = await send(path, fields, headers)
    return { status, headers: told, body: (await json(body)) as Body }
  }
  const draw = (parameters: object = {}, content: object[] = [{ text: "a red kite" }], model = "qwen-image") =>
    post(atOnce, { model, input: { messages: [{ role: "user", content }] }, parameters })
  const submit = async (parameters: object = {}, prompt = "a red kite", model = "qwen-image-plus") =>
    (await post(asTask, { model, input: { prompt }, parameters }, background)).body
  const get = (path: string) => send(path, undefined, {}, "GET")
  const look = async (id: string) => (await json((await get(`tasks/${id}`)).body)) as Body
  return { clock, send, post, draw, submit, get, look }
}

const pngOf = async (colour: string, width = 96, height = 64) => {
  const create = { width, height, channels: 3 as const, background: colour }
  return `data:image/png;base64,${(await sharp({ create }).png().toBuffer()).toString("base64")}`
}

const linksIn = ({ output }: Body) => output.choices[0]!.message.content.map(({ image }) => image)

async function sizeOf(bytes: Buffer): Promise<string> {
  const { width, height, format } = await sharp(bytes).metadata()
  return `${width}x${height} ${format}`
}

const square = { size: "1328*1328" }

describe("a picture at once", () => {
  test("is behind a link in a message, which is good for a day", async () => {
    const { draw, get, clock } = start()
    const { status, body } = await draw(square)
    assert.equal(status, 200)
    assert.deepEqual(
      [body.output.choices[0]?.finish_reason, body.output.choices[0]?.message.role],
      ["stop", "assistant"],
    )
    assert.deepEqual(body.usage, { image_count: 1, width: 1328, height: 1328 })
    const [link = "", ...others] = linksIn(body)
    assert.deepEqual(others, [])
    assert.match(link, /^https:\/\/dashscope-result-bj\.oss-cn-beijing\.aliyuncs\.com\/.*\.png\?/)
    assert.equal(await sizeOf(await buffer((await get(link)).body)), "1328x1328 png")
    clock.time += 24 * 60 * 60 * 1000
    assert.equal((await get(link)).status, 403)
  })

  test("is the same for the same seed, and another one without", async () => {
    const { draw, get } = start()
    const bytes = async (more: object) => {
      const { body } = await draw({ ...square, ...more })
      return (await buffer((await get(linksIn(body)[0]!)).body)).toString("base64")
    }
    assert.equal(await bytes({ seed: 7 }), await bytes({ seed: 7 }))
    assert.notEqual(await bytes({ seed: 7 }), await bytes({ seed: 8 }))
    assert.notEqual(await bytes({}), await bytes({}))
  })

  test("has the size that each model makes, and an edit the shape of the last picture", async () => {
    const { draw } = start()
    const [wide, tall] = [{ image: await pngOf("red") }, { image: await pngOf("blue", 64, 128) }]
    const text = { text: "a red kite" }
    const sizeFor = async (parameters: object, content: object[], model: string) => {
      const { width, height, image_count } = (await draw(parameters, content, model)).body.usage!
      return `${image_count} of ${width}x${height}`
    }
    assert.equal(await sizeFor({}, [text], "qwen-image"), "1 of 1664x928")
    assert.equal(await sizeFor({ n: 1 }, [wide, text], "qwen-image-edit"), "1 of 1248x832")
    assert.equal(await sizeFor({ n: 6 }, [wide, tall, text], "qwen-image-edit-plus"), "6 of 720x1456")
    assert.equal(await sizeFor({ size: "512*2048", n: 2 }, [text], "qwen-image-2.0"), "2 of 512x2048")
  })

  test("shows what was sent along", async () => {
    const { draw, get, post } = start()
    const bytes = async (image: string) => {
      const { body } = await draw({ seed: 1 }, [{ image }, { text: "at night" }], "qwen-image-edit")
      return buffer((await get(linksIn(body)[0]!)).body)
    }
    assert.notDeepEqual(await bytes(await pngOf("red")), await bytes(await pngOf("blue")))
    assert.notDeepEqual(await bytes("https://example.com/a.png"), await bytes("https://example.com/b.png"))
    const content = [{ image: "oss://bucket/a.png" }, { text: "at night" }]
    const fields = { model: "qwen-image-edit", input: { messages: [{ role: "user", content }] } }
    assert.equal((await post(atOnce, fields)).body.code, "InvalidURL")
    assert.equal((await post(atOnce, fields, { "x-dashscope-ossresourceresolve": "enable" })).status, 200)
  })
})

describe("a task", () => {
  test("waits, is worked on, and ends with links", async () => {
    const { submit, look, get, clock } = start({ pace: "human" })
    const { output } = await submit(square)
    assert.equal(output.task_status, "PENDING")
    const statuses: string[] = []
    for (let looks = 0; looks < 6; looks++) {
      statuses.push((await look(output.task_id)).output.task_status)
      clock.time += 200
    }
    assert.deepEqual(statuses, ["PENDING", "RUNNING", "RUNNING", "RUNNING", "RUNNING", "SUCCEEDED"])
    const { output: end, usage } = await look(output.task_id)
    assert.equal(end.submit_time, "2026-09-22 10:00:00.000")
    assert.equal(usage?.image_count, 1)
    const [result] = end.results!
    assert.equal(result?.orig_prompt, "a red kite")
    assert.equal(await sizeOf(await buffer((await get(result!.url!)).body)), "1328x1328 png")
  })

  test("can be cancelled while it waits, and not later", async () => {
    const { submit, look, post, clock } = start({ pace: "human" })
    const [early, late] = [await submit(square), await submit(square)]
    assert.equal((await post(`tasks/${early.output.task_id}/cancel`)).status, 200)
    clock.time += 500
    assert.equal((await look(early.output.task_id)).output.task_status, "CANCELED")
    for (const id of [early.output.task_id, late.output.task_id, "no-such-task"]) {
      const { status, body } = await post(`tasks/${id}/cancel`)
      assert.deepEqual([status, body.code], [400, "UnsupportedOperation"])
    }
  })

  test("is unknown where there never was one, or no longer", async () => {
    assert.deepEqual((await start().look("0f3a")).output, { task_id: "0f3a", task_status: "UNKNOWN" })
  })

  test("outlives the process that took it", async () => {
    const folder = await mkdtemp(join(tmpdir(), "atelier-dashscope-"))
    try {
      const { output } = await start({ folder }).submit(square)
      const { look, get } = start({ folder })
      const { url = "" } = (await look(output.task_id)).output.results![0]!
      assert.equal(await sizeOf(await buffer((await get(url)).body)), "1328x1328 png")
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  test("fails when its work does, and not when it is given", async () => {
    const { submit, look } = start()
    const endOf = async (word: string) => {
      const { output } = await submit(square, `a kite sandbox:${word}`)
      const { task_status, code, results } = (await look(output.task_id)).output
      return [task_status, code, results?.length]
    }
    assert.deepEqual(await endOf("moderation"), ["FAILED", "DataInspectionFailed", undefined])
    assert.deepEqual(await endOf("moderation-output"), ["FAILED", "DataInspectionFailed", undefined])
    assert.deepEqual(await endOf("task-error"), ["FAILED", "InternalError.Algo", undefined])
    assert.deepEqual(await endOf("no-image"), ["SUCCEEDED", undefined, 0])
  })
})

describe("refusals", () => {
  const text = { text: "a red kite" }
  const picture = { image: "https://example.com/a.png" }
  const table: [object, object[], string, string, number?][] = [
    [{ size: "1024*1024" }, [text], "qwen-image", "InvalidParameter"],
    [{ size: "1328x1328" }, [text], "qwen-image", "InvalidParameter"],
    [{ size: "" }, [text], "qwen-image", "InvalidParameter"],
    [{ size: "511*1024" }, [text], "qwen-image-2.0", "InvalidParameter"],
    [{ size: "1328*1328" }, [picture, text], "qwen-image-edit", "InvalidParameter"],
    [{ prompt_extend: false }, [picture, text], "qwen-image-edit", "InvalidParameter"],
    [{ n: 2 }, [text], "qwen-image", "InvalidParameter"],
    [{ n: 7 }, [picture, text], "qwen-image-edit-plus", "InvalidParameter"],
    [{ seed: 2_147_483_648 }, [text], "qwen-image", "InvalidParameter"],
    [{ watermark: "yes" }, [text], "qwen-image", "InvalidParameter"],
    [{ negative_prompt: "x".repeat(501) }, [text], "qwen-image", "InvalidParameter"],
    [{}, [text, text], "qwen-image", "InvalidParameter"],
    [{}, [picture], "qwen-image-edit", "InvalidParameter"],
    [{}, [], "qwen-image", "InvalidParameter"],
    [{}, [picture, text], "qwen-image", "InvalidParameter"],
    [{}, [text], "qwen-image-edit", "InvalidParameter"],
    [{}, [picture, picture, picture, picture, text], "qwen-image-edit", "InvalidParameter"],
    [{}, [{ image: "data:image/png;base64,iVBORw0KGgo=" }, text], "qwen-image-edit", "InvalidURL"],
    [{}, [text], "qwen-image-9", "ModelNotFound", 404],
  ]
  for (const [parameters, content, model, code, status = 400] of table) {
    test(`${model} ${JSON.stringify([parameters, content]).slice(0, 70)}: ${code}`, async () => {
      const { status: found, body } = await start().draw(parameters, content, model)
      assert.deepEqual([found, body.code], [status, code])
      assert.ok(body.message && body.request_id)
    })
  }

  test("of pictures that are too small, of keys, addresses and manners of asking", async () => {
    const { draw, post, send } = start()
    const tiny = await draw({}, [{ image: await pngOf("red", 10, 64) }, text], "qwen-image-edit")
    assert.equal(tiny.body.code, "InternalError.Algo.InvalidParameter")
    const now = { model: "qwen-image", input: { messages: [{ role: "user", content: [text] }] } }
    const later = { model: "qwen-image", input: { prompt: "a red kite" } }
    const endOf = async (...sent: Parameters<typeof post>) => {
      const { status, body } = await post(...sent)
      return `${status} ${body.code}`
    }
    for (const authorization of ["", "Bearer an-invalid-key"])
      assert.equal(await endOf(atOnce, now, { authorization }), "401 InvalidApiKey")
    assert.equal(await endOf(atOnce, now, background), "403 AccessDenied")
    assert.equal(await endOf(asTask, later), "403 AccessDenied")
    assert.equal(await endOf(asTask, { ...later, model: "qwen-image-max" }, background), "403 AccessDenied")
    assert.equal(await endOf(asTask, { ...later, model: "qwen-image-9" }, background), "404 ModelNotFound")
    assert.equal(await endOf(asTask, { ...later, parameters: { size: "1K" } }, background), "400 InvalidParameter")
    assert.equal(await endOf(atOnce, later), "400 InvalidParameter")
    assert.equal((await send("services/aigc/other", now)).status, 404)
    assert.equal((await send("tasks/0f3a", undefined, {}, "DELETE")).status, 404)
  })

  test("come on request, each in the vendor's own way", async () => {
    const { draw, get } = start()
    const drawWith = (word: string) => draw(square, [{ text: `a kite sandbox:${word}` }])
    const endOf = async (word: string) => {
      const { status, headers, body } = await drawWith(word)
      return [status, body.code, ...(headers["retry-after"] === undefined ? [] : [headers["retry-after"]])]
    }
    assert.deepEqual(await endOf("moderation"), [400, "DataInspectionFailed"])
    assert.deepEqual(await endOf("moderation-output"), [400, "DataInspectionFailed"])
    assert.deepEqual(await endOf("rate-limit"), [429, "Throttling.RateQuota", "1"])
    assert.deepEqual(await endOf("rate-limit-once"), [429, "Throttling.RateQuota", "1"])
    assert.deepEqual(await endOf("rate-limit-once"), [200, undefined])
    assert.deepEqual(await endOf("no-credit"), [400, "Arrearage"])
    assert.deepEqual(await endOf("overloaded"), [503, "ModelServingError"])
    assert.deepEqual(await endOf("error"), [500, "InternalError"])
    assert.deepEqual(await endOf("task-error"), [500, "InternalError.Algo"])
    assert.deepEqual(linksIn((await drawWith("no-image")).body), [])
    const linkFor = async (word: string) => get(linksIn((await drawWith(word)).body)[0]!)
    await assert.rejects(buffer((await linkFor("broken-body")).body), { code: "ECONNRESET" })
    await assert.rejects(sharp(await buffer((await linkFor("bad-base64")).body)).metadata())
  })
})
