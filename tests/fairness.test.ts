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

async function newProject({ url, atelier: { app } }: InProcess, id: string, plan = "community") {
  await createProject(app, { id, plan })
  await grantCredits(app, { projectId: id, mode: "test" }, 1_000_000_000, "for the test")
  return { url, testKey: await createKey(app, id, "test") }
}

const query = ({ atelier }: InProcess) => atelier.app.database.query

const openCount = async (server: InProcess) => {
  const open = query(server).selectFrom("generations").select("id").where("status", "in", ["queued", "running"])
  return (await open.execute()).length
}

async function untilAccepted(server: InProcess, count: number) {
  while ((await openCount(server)) < count) await sleep(5)
}

const patienceMs = 60_000

async function untilAllEnded(server: InProcess, look: () => Promise<void> = async () => undefined) {
  for (const end = Date.now() + patienceMs; (await openCount(server)) > 0; await sleep(10)) {
    assert.ok(Date.now() < end, "everything comes to an end")
    await look()
  }
}

/** How many vendors' calls and tasks were under way at once, until all has ended. */
async function mostAtWork(server: InProcess): Promise<number> {
  let most = 0
  await untilAllEnded(server, async () => {
    const atWork = query(server).selectFrom("attempts").select("id").where("state", "in", ["sent", "pending"])
    most = Math.max(most, (await atWork.execute()).length)
  })
  return most
}

describe("fairness between projects", () => {
  let server: InProcess
  before(async () => {
    server = await startWith(2)
  })
  after(() => server.end())

  it("begins another project's first generation at the next slot, before a backlog that came earlier", async () => {
    const other = await newProject(server, "other")
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
    const most = await mostAtWork(server)
    assert.ok(most > 10 && most <= 24, `${most} at once`)
    const failed = query(server).selectFrom("generations").select("id").where("status", "<>", "succeeded")
    assert.deepEqual(await failed.execute(), [])
    const submits = sandboxCalls(server).filter(({ method }) => method === "POST")
    assert.equal(submits.length, 30, "none was sent away as one too many")
  })

  it("counts those that somebody waits for, who wait for room as well", async () => {
    const asking = Array.from({ length: 30 }, (_, number) =>
      generate(server, `waited for ${number}`, { model: "bfl/flux-2-pro" }),
    )
    await untilAccepted(server, 24)
    const most = await mostAtWork(server)
    assert.ok(most > 10 && most <= 24, `${most} at once`)
    assert.ok((await Promise.all(asking)).every(({ body }) => body.status === "succeeded"))
  })
})

describe("a plan's number at once", () => {
  let server: InProcess
  before(async () => {
    server = await startWith(64)
  })
  after(() => server.end())

  it("is never exceeded, whether somebody waits or not, and all are served in the end", async () => {
    const shop = await newProject(server, "shop", "free")
    const asking = Array.from({ length: 8 }, (_, number) =>
      generate(shop, `wish ${number}`, { n: 2, wait: number % 2 === 0 ? 0 : 60 }),
    )
    await untilAccepted(server, 8)
    const other = generate(await newProject(server, "other"), "another's")
    let most = 0
    await untilAllEnded(server, async () => {
      const running = query(server).selectFrom("generations").select("id").where("status", "=", "running")
      most = Math.max(most, (await running.where("project_id", "=", "shop").execute()).length)
    })
    assert.equal(most, 2)
    assert.equal((await other).body.status, "succeeded")
    for (const { status, body } of await Promise.all(asking))
      assert.deepEqual([status, body.status], status === 202 ? [202, "queued"] : [200, "succeeded"])
    const rows = await query(server).selectFrom("generations").selectAll().orderBy("started_at").execute()
    assert.ok(rows.every(({ status }) => status === "succeeded"))
    const first = rows.find(({ project_id }) => project_id === "other")
    assert.ok(first!.finished_at! <= rows.at(-1)!.started_at!, "another project did not wait for them")
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
