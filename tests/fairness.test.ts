// Whose turn it is, through the whole server: one project's backlog keeps no other waiting, no vendor is given more at
// once than it takes, and what waits can be called off.
import assert from "node:assert/strict"
import { after, before, describe, it } from "node:test"
import { setTimeout as sleep } from "node:timers/promises"
import { createKey } from "../server/accounts/keys.ts"
import { createProject } from "../server/accounts/projects.ts"
import { grantCredits } from "../server/credits/balance.ts"
import { call, generate } from "./calls.ts"
import type { Generation } from "./calls.ts"
import { composeServer, sandboxCalls } from "./harness.ts"
import type { InProcess } from "./harness.ts"

async function startWith(concurrency: number): Promise<InProcess> {
  return composeServer({ ATELIER_CONCURRENCY: String(concurrency), ATELIER_SANDBOX_PACE: "human" })
}

const accept = async (target: { url: string; testKey: string }, prompt: string, model = "openai/gpt-image-1") => {
  const { status, body, text } = await generate(target, prompt, { model, wait: 0 })
  assert.equal(status, 202, text)
  return body.id
}

const query = ({ atelier }: InProcess) => atelier.app.database.query

const openCount = async (server: InProcess) => {
  const open = query(server).selectFrom("generations").select("id").where("status", "in", ["queued", "running"])
  return (await open.execute()).length
}

const patienceMs = 60_000

async function untilAllEnded(server: InProcess, look: () => Promise<void> = async () => undefined) {
  for (const end = Date.now() + patienceMs; (await openCount(server)) > 0; await sleep(10)) {
    assert.ok(Date.now() < end, "everything comes to an end")
    await look()
  }
}

describe("fairness between projects", () => {
  let server: InProcess
  before(async () => {
    server = await startWith(2)
  })
  after(() => server.end())

  it("begins another project's first generation at the next slot, before a backlog that came earlier", async () => {
    await createProject(server.atelier.app, { id: "other" })
    const purse = { projectId: "other", mode: "test" } as const
    await grantCredits(server.atelier.app, purse, 1_000_000_000, "for the test")
    const other = { url: server.url, testKey: await createKey(server.atelier.app, "other", "test") }
    for (let number = 0; number < 8; number++) await accept(server, `backlog ${number}`)
    const late = await accept(other, "the only one")
    await untilAllEnded(server)
    const rows = query(server).selectFrom("generations").select(["id", "status"]).orderBy("started_at")
    const order = await rows.execute()
    assert.ok(order.every(({ status }) => status === "succeeded"))
    // Two were at work when it came, and one more may have been taken at that moment.
    const place = order.findIndex(({ id }) => id === late)
    assert.ok(place <= 3, `it was number ${place + 1} of ${order.length}`)
  })
})

describe("fairness to vendors", () => {
  let server: InProcess
  before(async () => {
    server = await startWith(64)
  })
  after(() => server.end())

  it("gives Black Forest Labs 24 at once and no more, tasks that are only asked for included", async () => {
    for (let number = 0; number < 30; number++) await accept(server, `wish ${number}`, "bfl/flux-2-pro")
    let most = 0
    await untilAllEnded(server, async () => {
      const atWork = query(server).selectFrom("attempts").select("id").where("state", "in", ["sent", "pending"])
      most = Math.max(most, (await atWork.execute()).length)
    })
    assert.ok(most > 10 && most <= 24, `${most} at once`)
    const failed = query(server).selectFrom("generations").select("id").where("status", "<>", "succeeded")
    assert.deepEqual(await failed.execute(), [])
    const submits = sandboxCalls(server).filter(({ method }) => method === "POST")
    assert.equal(submits.length, 30, "none was sent away as one too many")
  })
})

describe("fairness to who changes his mind", () => {
  let server: InProcess
  before(async () => {
    server = await startWith(1)
  })
  after(() => server.end())

  const jobOf = (id: string) => query(server).selectFrom("jobs").selectAll().where("subject", "=", id).execute()

  it("forgets at once what waits and is called off", async () => {
    await accept(server, "at work")
    const waiting = await accept(server, "waiting")
    assert.equal((await jobOf(waiting)).length, 1)
    const { body } = await call<Generation>(server, `/v1/generations/${waiting}/cancel`, { method: "POST" })
    assert.equal(body.status, "canceled")
    assert.deepEqual(await jobOf(waiting), [])
    await untilAllEnded(server)
  })

  it("ends what nobody had room for in a whole day, and charges nothing", async () => {
    await accept(server, "at work")
    const waiting = await accept(server, "waiting")
    await query(server).updateTable("jobs").set({ deadline_at: 1 }).where("subject", "=", waiting).execute()
    await untilAllEnded(server)
    const { body } = await call<Generation>(server, `/v1/generations/${waiting}`)
    assert.deepEqual([body.status, body.error?.code, body.error?.retry], ["failed", "provider_busy", true])
    const row = query(server).selectFrom("generations").select("charged_micros").where("id", "=", waiting)
    assert.equal((await row.executeTakeFirstOrThrow()).charged_micros, 0)
    assert.ok(sandboxCalls(server).every(({ prompt }) => prompt !== "waiting"))
  })
})
