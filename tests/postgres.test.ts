// The whole server on PostgreSQL: alone, several on one database, and killed.
import assert from "node:assert/strict"
import { execFile } from "node:child_process"
import { randomBytes } from "node:crypto"
import { join } from "node:path"
import { after, before, describe, it } from "node:test"
import { setTimeout as sleep } from "node:timers/promises"
import { call, download, generate, kindOf } from "./calls.ts"
import type { Generation } from "./calls.ts"
import { composeServer, root, sandboxCalls, startServer, temporaryFolder } from "./harness.ts"
import type { InProcess } from "./harness.ts"
import { postgresMissing, runOn, startPostgres } from "./postgres.ts"
import type { Cluster } from "./postgres.ts"

let cluster: Cluster
before(async () => {
  if (postgresMissing) return
  cluster = await startPostgres()
  process.env["POSTGRES_FOR_TESTS"] = cluster.url
})
after(() => cluster?.end())

const isOpen = ({ status }: Generation) => status === "queued" || status === "running"

async function untilEnded(server: { url: string; testKey: string }, id: string, waitMs: number): Promise<Generation> {
  for (const end = Date.now() + waitMs; ; await sleep(100)) {
    const { status, body } = await call<Generation>(server, `/v1/generations/${id}`)
    assert.equal(status, 200)
    if (!isOpen(body)) return body
    assert.ok(Date.now() < end, `${id} is still ${body.status}`)
  }
}

describe("on PostgreSQL: pictures", { skip: postgresMissing }, () => {
  let server: InProcess
  before(async () => {
    server = await composeServer()
  })
  after(() => server.end())

  it("are made in OpenAI's form and as a task, and are there afterwards", async () => {
    assert.match(server.atelier.app.config.databaseUrl, /^postgresql:/)
    const json = { model: "gpt-image-1", prompt: "a jetty", n: 2, response_format: "url" }
    const { status, body } = await call<{ data: { url: string }[] }>(server, "/v1/images/generations", { json })
    assert.deepEqual([status, body.data.length], [200, 2])
    for (const { url } of body.data) assert.equal(kindOf(await download(url)), "png")
    const task = await call<{ output: { taskId: string }[] }>(server, "/v1/models/bfl/flux-2-pro/predictions", {
      json: { input: { prompt: "a lighthouse" } },
    })
    const { id, images } = await untilEnded(server, task.body.output[0]!.taskId, 10_000)
    assert.equal(images.length, 1)
    const found = await call<{ data: Generation[] }>(server, "/v1/generations?limit=1")
    assert.equal(found.body.data[0]!.id, id)
  })

  it("are made for 16 callers at once, each told in order and without a gap, with nothing left to do", async () => {
    const models = ["openai/gpt-image-1", "bfl/flux-2-pro"]
    const askFor = async (caller: number) => {
      for (let round = 0; round < 2; round++) {
        const wish = { model: models[(caller + round) % 2]!, n: 1 + ((caller + round) % 3) }
        const { status, body } = await generate(server, `caller ${caller}, round ${round}`, wish)
        assert.deepEqual([status, body.status, body.images.length], [200, "succeeded", wish.n])
      }
    }
    await Promise.all(Array.from({ length: 16 }, (_, caller) => askFor(caller)))
    const { databaseUrl } = server.atelier.app.config
    const gaps = "select generation_id from events group by generation_id having max(sequence) <> count(*)"
    assert.deepEqual(await runOn(databaseUrl, gaps), [])
    // A worker gives its job back after it has told the caller.
    const jobs = () => runOn(databaseUrl, "select id from jobs where kind = 'run-generation'")
    for (const end = Date.now() + 5_000; (await jobs()).length > 0; await sleep(20)) assert.ok(Date.now() < end)
  })

  it("are not found under names that no database would take", async () => {
    for (const name of ["%00", "gen_%00", "x".repeat(5_000), "%F0%9F%8C%8A", "%27%3B--", "99999999999999999999"])
      for (const path of [`/v1/generations/${name}`, `/v1/tasks/${name}`, `/v1/images/${name}`, `/v1/models/${name}`]) {
        const { status } = await call(server, path)
        assert.ok(status >= 400 && status < 500, `${status} for ${path}`)
      }
    for (const cursor of ["999999999999999 x", "1 \0", "1 gen_x"].map((text) =>
      Buffer.from(text).toString("base64url"),
    ))
      assert.ok((await call(server, `/v1/generations?cursor=${cursor}`)).status < 500)
    const strange = await generate(server, "a \0 and half a wave \ud83c")
    assert.ok(strange.status < 500, strange.text)
  })
})

// In folders of their own they would each make one.
const masterKey = randomBytes(32).toString("hex")

describe("on PostgreSQL: several servers", { skip: postgresMissing }, () => {
  it("share what there is to do, and do nothing twice", async (t) => {
    // In folders of their own, each sandbox keeps its own list of calls.
    const database = { ATELIER_DATABASE_URL: await cluster.newDatabase(), ATELIER_MASTER_KEY: masterKey }
    const unhurried = { ...database, ATELIER_SANDBOX_PACE: "human" }
    // A project's place in the queue is counted over all servers, so the second takes what the first has no place for.
    const first = await startServer({ ...unhurried, ATELIER_CONCURRENCY: "2" })
    const second = await startServer({ ...unhurried, ATELIER_CONCURRENCY: "8" })
    t.after(() => Promise.all([first, second].map((server) => server.kill("SIGKILL"))))
    const prompts = Array.from({ length: 16 }, (_, number) => `wish ${number}`)
    const asked = await Promise.all(prompts.map((prompt) => generate(first, prompt, { wait: 0 })))
    for (const { body } of asked) assert.equal((await untilEnded(second, body.id, 30_000)).status, "succeeded")
    const calls = [first, second].map((server) => sandboxCalls(server).map(({ prompt }) => prompt!))
    assert.ok(calls[0]!.length > 0 && calls[1]!.length > 0, `${calls[0]!.length} and ${calls[1]!.length} calls`)
    assert.deepEqual(calls.flat().toSorted(), prompts.toSorted())
    for (const server of [first, second]) assert.deepEqual(await server.kill("SIGTERM"), { code: 0, signal: null })
  })

  it("take over from one that is killed, which finds everything when it is back", async (t) => {
    const [folder, unhurried] = [temporaryFolder(), { ATELIER_SANDBOX_PACE: "human" }]
    const [killed, other] = [await startServer(unhurried, folder), await startServer(unhurried, folder)]
    t.after(() => other.kill("SIGKILL"))
    assert.equal(other.testKey, killed.testKey)
    const prompts = Array.from({ length: 8 }, (_, number) => `sandbox:slow wish ${number}`)
    const models = ["openai/gpt-image-1", "bfl/flux-2-pro"]
    const asking = prompts.map((prompt, index) => generate(killed, prompt, { model: models[index % 2]!, wait: 0 }))
    const ids = (await Promise.all(asking)).map(({ body }) => body.id)
    await sleep(500)
    await killed.kill("SIGKILL")
    for (const id of ids) {
      const { status, error } = await untilEnded(other, id, 60_000)
      assert.ok(status === "succeeded" || error?.code === "outcome_unknown", `${status} ${error?.code}`)
    }
    const submits = sandboxCalls(other).filter(({ method }) => method === "POST")
    assert.equal(new Set(submits.map(({ prompt }) => prompt)).size, submits.length, "no vendor was asked twice")
    await other.kill("SIGKILL")
    const again = await startServer(unhurried, folder)
    t.after(() => again.kill("SIGKILL"))
    for (const id of ids) {
      const { body } = await call<Generation>(again, `/v1/generations/${id}`)
      assert.equal(isOpen(body), false)
      for (const { url, media_type } of body.images) assert.equal(`image/${kindOf(await download(url))}`, media_type)
    }
  })
})

describe("on PostgreSQL: as on SQLite", { skip: postgresMissing, concurrency: 2 }, () => {
  const names = [
    ...["native", "vendorFailures", "credits", "repeats", "tenancy", "webhooks", "genimix", "gempix2"],
    ...["people", "callers", "derivatives", "fairness", "housekeeping", "costs", "refunds", "vendorKeys"],
    ...["canary"],
  ]
  for (const name of names)
    it(`does what tests/${name}.test.ts says`, async () => {
      const { NODE_TEST_CONTEXT: _, ...env } = process.env
      const { promise, resolve } = Promise.withResolvers<string>()
      const file = join(root, `tests/${name}.test.ts`)
      execFile(process.execPath, ["--test", file], { env, maxBuffer: 1e8 }, (error, said) => resolve(error ? said : ""))
      assert.equal(await promise, "")
    })
})
