// The server is killed again and again while it works, and started on the same folder: nothing accepted is lost, nothing
// is asked of a vendor twice, and what is said to be there is there.
import assert from "node:assert/strict"
import { createHash } from "node:crypto"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { after, before, describe, it } from "node:test"
import { setTimeout as sleep } from "node:timers/promises"
import type { AttemptRow, GenerationRow } from "../server/database/tables/generations.ts"
import type { ImageRow } from "../server/database/tables/images.ts"
import { call, download, generate, kindOf } from "./calls.ts"
import type { Generation } from "./calls.ts"
import { sandboxCalls, startServer, temporaryFolder } from "./harness.ts"
import type { Server } from "./harness.ts"

const kills = 12
const unhurried = { ATELIER_SANDBOX_PACE: "human" }

/** Numbers from 0 to 1, the same at every run (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Called again after the vendor has said that it did nothing. */
const mayRepeat = (prompt: string) => prompt.includes("-once")

type Answered = { id: string; ended: boolean }

/** What a caller holds in his hands; undefined where the connection broke before that. */
type Ask = (server: Server, prompt: string) => Promise<Answered>

const native =
  (model: string): Ask =>
  async (server, prompt) => {
    const { status, body } = await generate(server, prompt, { model, wait: 0 })
    assert.equal(status, 202)
    return { id: body.id, ended: false }
  }

const openai: Ask = async (server, prompt) => {
  const json = { model: "gpt-image-1", prompt, response_format: "url", size: "1024x1024" }
  const { status, headers, body } = await call<{ data: { url: string }[] }>(server, "/v1/images/generations", { json })
  assert.deepEqual([status, body.data.length], [200, 1])
  return { id: headers.get("atelier-generation")!, ended: true }
}

const aihubmix: Ask = async (server, prompt) => {
  const json = { input: { prompt } }
  const path = "/v1/models/bfl/flux-kontext-max/predictions"
  const { status, body } = await call<{ output: { taskId: string }[] }>(server, path, { json })
  assert.equal(status, 200)
  return { id: body.output[0]!.taskId, ended: false }
}

const asks: [string, Ask][] = [
  ["", native("openai/gpt-image-1")],
  ["", native("bfl/flux-2-pro")],
  ["", openai],
  ["", aihubmix],
  ["sandbox:slow ", native("bfl/flux-2-pro")],
  ["sandbox:slow ", openai],
  ["sandbox:error-once ", native("openai/gpt-image-1-mini")],
  ["", openai],
]

/** Rows of the database as a second process reads them. */
function rowsOf<Row>(folder: string, sql: string): Row[] {
  const file = new DatabaseSync(join(folder, "atelier.sqlite"), { readOnly: true })
  try {
    return file.prepare(sql).all() as Row[]
  } finally {
    file.close()
  }
}

const open = "select id from generations where status in ('queued', 'running')"

describe("survive: killed at any point", () => {
  const folder = temporaryFolder()
  const answered: Answered[] = []
  let broken = 0
  let openAtKill = 0
  let server: Server

  before(async () => {
    const random = randomFrom(20_260_820)
    for (let round = 0; round < kills; round++) {
      server = await startServer(unhurried, folder)
      const asking = asks.map(async ([word, ask], index) => {
        await sleep(random() * 300)
        const given = await ask(server, `${word}round ${round}, wish ${index}`).catch((error: unknown) => {
          if (error instanceof assert.AssertionError) throw error
          return undefined
        })
        if (given) answered.push(given)
        else broken++
      })
      await sleep(50 + random() * 2_000)
      await server.kill("SIGKILL")
      openAtKill += rowsOf(folder, open).length
      await Promise.all(asking)
    }
    server = await startServer(unhurried, folder)
    for (const end = Date.now() + 30_000; rowsOf(folder, open).length > 0; await sleep(100))
      assert.ok(Date.now() < end, "everything comes to an end")
  })
  after(() => server.kill("SIGKILL"))

  it("was killed in the middle of things", () => {
    const ended = answered.filter((one) => one.ended).length
    const was = `${answered.length} answered (${ended} of them with pictures), ${broken} broken off, ${openAtKill} open`
    console.log(`survive: ${was}`)
    assert.ok(answered.length > 0 && broken > 0 && openAtKill > 0, was)
  })

  it("ends everything that was answered, and has what it handed out already", async () => {
    for (const { id, ended } of answered) {
      const { status, body } = await call<Generation>(server, `/v1/generations/${id}`)
      assert.equal(status, 200, `${id} is lost`)
      assert.ok(["succeeded", "failed"].includes(body.status))
      if (ended) assert.equal(body.status, "succeeded")
    }
  })

  it("ends each generation once, with nothing left to do", () => {
    const twice = `select generation_id, count(*) from events where type in ('succeeded', 'failed', 'canceled')
      group by generation_id having count(*) <> 1`
    assert.deepEqual(rowsOf(folder, twice), [])
    const gaps = `select generation_id from events group by generation_id having max(sequence) <> count(*)`
    assert.deepEqual(rowsOf(folder, gaps), [])
    assert.deepEqual(rowsOf(folder, "select id from jobs"), [])
    assert.deepEqual(rowsOf(folder, "select id from attempts where state in ('sent', 'pending')"), [])
    const failed = rowsOf<GenerationRow>(folder, "select * from generations where status = 'failed'")
    for (const { failure_json, input_json } of failed) {
      const { code } = JSON.parse(failure_json!) as { code: string }
      // After a restart the sandbox does not remember that it has already failed once.
      const repeated = mayRepeat((JSON.parse(input_json) as { prompt: string }).prompt)
      assert.ok(code === "outcome_unknown" || (repeated && code === "provider_error"), `${code} for ${input_json}`)
    }
  })

  it("has every picture whole, under its sha256", () => {
    const images = rowsOf<ImageRow>(folder, "select * from images")
    const counts = `select generations.id from generations left join images on generation_id = generations.id
      where status = 'succeeded' group by generations.id having count(images.id) <> 1`
    assert.deepEqual(rowsOf(folder, counts), [])
    assert.ok(images.length > 0)
    for (const { sha256, bytes } of images) {
      const file = readFileSync(join(folder, "pictures/objects", sha256.slice(0, 2), sha256))
      assert.equal(file.length, bytes)
      assert.equal(createHash("sha256").update(file).digest("hex"), sha256)
    }
  })

  it("asked no vendor twice for the same", () => {
    const submits = sandboxCalls({ dataFolder: folder }).filter(({ method }) => method === "POST")
    const counts = Map.groupBy(submits, ({ prompt }) => prompt!)
    for (const [prompt, { length }] of counts) assert.ok(length <= (mayRepeat(prompt) ? 3 : 1), `${length} × ${prompt}`)
    assert.ok(counts.size > kills)
  })

  it("polled on for every task that a vendor had accepted, and got its picture", () => {
    const tasks = rowsOf<AttemptRow>(folder, "select * from attempts where provider = 'bfl' and check_json is not null")
    const lost = tasks.filter(({ state }) => state !== "stored")
    assert.deepEqual(
      lost.map(({ generation_id, failure_json }) => [generation_id, failure_json]),
      [],
    )
    assert.ok(tasks.length > 0)
  })
})

describe("survive: told to stop", () => {
  it("finishes the call in flight, takes nothing new, and is gone soon after with 0", async () => {
    const server = await startServer(unhurried)
    const asking = call<{ data: unknown[] }>(server, "/v1/images/generations", {
      json: { model: "gpt-image-1", prompt: "the last one", n: 2 },
    })
    while (rowsOf(server.dataFolder, "select id from attempts").length === 0) await sleep(20)
    const ended = server.kill("SIGTERM")
    await sleep(100)
    const late = await generate(server, "too late", { wait: 0 }).catch(() => undefined)
    assert.ok(late === undefined || late.status === 503, "refused, or no longer listened to")
    const { status, headers, body } = await asking
    assert.deepEqual([status, body.data.length], [200, 2])
    const answeredAt = Date.now()
    assert.deepEqual(await ended, { code: 0, signal: null })
    assert.ok(Date.now() - answeredAt < 5_000, "an idle connection holds nothing up")
    const again = await startServer(unhurried, server.dataFolder)
    const found = await call<Generation>(again, `/v1/generations/${headers.get("atelier-generation")}`)
    assert.equal(found.body.status, "succeeded")
    for (const { url } of found.body.images) assert.equal(kindOf(await download(url)), "png")
    assert.equal(again.testKey, server.testKey, "the key of the first start still works")
    await again.kill("SIGKILL")
  })

  it("refuses to work on a folder on which another server works", async () => {
    const server = await startServer()
    await assert.rejects(startServer({}, server.dataFolder), /Another server already works on/)
    await server.kill("SIGKILL")
  })
})
