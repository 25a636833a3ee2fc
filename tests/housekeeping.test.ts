// What a running server forgets, and that it forgets nothing that anybody still needs.
import assert from "node:assert/strict"
import { existsSync } from "node:fs"
import { utimes } from "node:fs/promises"
import { join } from "node:path"
import { after, before, beforeEach, describe, it } from "node:test"
import { createProject } from "../server/accounts/projects.ts"
import { newId } from "../server/ids.ts"
import { keepHouse } from "../server/housekeeping.ts"
import { uploadOnce } from "../server/generations/uploads.ts"
import { readPieces } from "../server/storage/pieces.ts"
import type { App } from "../server/app.ts"
import { call, download, followEvents, generate } from "./calls.ts"
import { composeServer } from "./harness.ts"
import type { InProcess } from "./harness.ts"

const hourMs = 3_600_000
const dayMs = 24 * hourMs

let server: InProcess
let app: App
let passedMs = 0
before(async () => {
  server = await composeServer()
  app = server.atelier.app
  app.clock.now = () => Date.now() + passedMs
})
beforeEach(() => (passedMs = 0))
after(() => server.end())

const query = () => app.database.query
const keepAll = async () => {
  while (await keepHouse(app, 2));
}

describe("deliveries of webhooks", () => {
  const deliver = async (generationId: string, status: "pending" | "succeeded" | "dead", ageMs: number) => {
    const [id, created_at] = [newId("msg"), app.clock.now() - ageMs]
    const end =
      status === "pending" ? { due_at: created_at, finished_at: null } : { due_at: null, finished_at: created_at }
    const said = { url: "https://example.com/", generation_id: generationId, event: "images.completed", body: "{}" }
    const names = { id, project_id: "default", endpoint_id: null, replay_of: null }
    await query()
      .insertInto("webhook_deliveries")
      .values({ ...names, ...said, status, tries: 1, created_at, ...end })
      .execute()
    const facts = { duration_ms: 1, status: 200, error: null, next_at: null }
    await query()
      .insertInto("webhook_attempts")
      .values({ delivery_id: id, ordinal: 1, sent_at: created_at, ...facts })
      .execute()
    return id
  }

  it("are forgotten with their attempts when they can no longer be sent again, but not while they are under way", async () => {
    const { body } = await generate(server, "delivered")
    const old = 30 * dayMs + 60_000
    for (const status of ["succeeded", "dead", "succeeded", "dead", "succeeded"] as const)
      await deliver(body.id, status, old)
    const stay = [
      await deliver(body.id, "pending", old),
      await deliver(body.id, "dead", 30 * dayMs - 60_000),
      await deliver(body.id, "succeeded", 0),
    ]
    assert.equal(await keepHouse(app, 2), true, "a little at a time")
    assert.equal((await query().selectFrom("webhook_deliveries").select("id").execute()).length, 6)
    await keepAll()
    const left = await query().selectFrom("webhook_deliveries").select("id").execute()
    assert.deepEqual(left.map(({ id }) => id).toSorted(), stay.toSorted())
    const attempts = await query().selectFrom("webhook_attempts").select("delivery_id").execute()
    assert.deepEqual(attempts.map(({ delivery_id }) => delivery_id).toSorted(), stay.toSorted())
  })
})

describe("requests that may be sent again", () => {
  it("are remembered for a day, and then forgotten for all projects", async () => {
    await createProject(app, { id: "quiet" })
    const names = async () =>
      (await query().selectFrom("repeats").select("name").orderBy("name").execute()).map((row) => row.name)
    const row = { route: "POST /", fingerprint: "f", generation_id: "gen_x", delivered_at: null }
    const before = await names()
    for (const [name, project_id, ageMs] of [
      ["key 1", "quiet", dayMs + 1000] as const,
      ["key 2", "default", dayMs + 1000] as const,
      ["key 3", "default", 2 * dayMs] as const,
      ["key 4", "quiet", dayMs - 60_000] as const,
    ])
      await query()
        .insertInto("repeats")
        .values({ ...row, name, project_id, created_at: app.clock.now() - ageMs })
        .execute()
    await keepAll()
    assert.deepEqual(await names(), [...before, "key 4"].toSorted())
  })
})

describe("early states of streamed pictures", () => {
  const stream = async (prompt: string) => {
    const { body, text } = await generate(server, prompt, { partial_images: 2 })
    assert.equal(body.status, "succeeded", text)
    return body
  }
  const earlyOf = async (id: string) => {
    const rows = query().selectFrom("early_pictures").select("sha256").where("generation_id", "=", id)
    return (await rows.orderBy("sha256").execute()).map(({ sha256 }) => sha256)
  }
  const pathOf = (sha256: string) => join(server.dataFolder, "pictures/objects", sha256.slice(0, 2), sha256)
  const isThere = (sha256: string) => existsSync(pathOf(sha256))
  const eventsOf = async (id: string) => {
    const types = []
    for await (const { event } of followEvents(server, id)) types.push(event)
    return types
  }

  it("can be read for an hour after the end, and then are gone with their events; the picture stays", async () => {
    const { id, images } = await stream("a slow dawn")
    const early = await earlyOf(id)
    assert.equal(early.length, 2)
    const picture = await download(images[0]!.url)
    passedMs = hourMs - 60_000
    await keepAll()
    assert.deepEqual(await eventsOf(id), ["queued", "running", "partial_image", "partial_image", "succeeded"])
    passedMs = hourMs + 60_000
    await keepAll()
    assert.ok(!early.some(isThere))
    assert.deepEqual(await earlyOf(id), [])
    assert.deepEqual(await eventsOf(id), ["queued", "running", "succeeded"])
    assert.ok((await download(images[0]!.url)).equals(picture))
    passedMs = 100 * dayMs
    await keepAll()
    const again = await call(server, `/v1/images/${images[0]!.id}`)
    assert.equal(again.status, 200, "a picture is never too old")
  })

  it("stay where another generation that is not over for an hour has the same", async () => {
    const first = await stream("the same dawn")
    const early = await earlyOf(first.id)
    passedMs = 30 * 60_000
    const second = await stream("the same dawn")
    assert.deepEqual(await earlyOf(second.id), early)
    passedMs = hourMs + 60_000
    await keepAll()
    assert.deepEqual(await earlyOf(first.id), [])
    assert.ok(early.every(isThere))
    assert.ok((await eventsOf(second.id)).includes("partial_image"))
    passedMs = 2 * hourMs
    await keepAll()
    assert.ok(!early.some(isThere))
  })

  it("stay where they are somebody's picture, and where they were kept again just now", async () => {
    const { id } = await stream("a dawn to keep")
    const [uploaded, keptAgain] = (await earlyOf(id)) as [string, string]
    const draft = await app.storage.draft()
    for await (const piece of readPieces(app.storage, uploaded, await rangeOf(uploaded), "steps"))
      await draft.write(piece)
    const image = await uploadOnce(app, { projectId: "default", sealed: await draft.seal(), now: app.clock.now() })
    assert.equal(image.sha256, uploaded)
    passedMs = hourMs + 60_000
    const now = new Date(app.clock.now())
    await utimes(pathOf(keptAgain), now, now)
    await keepAll()
    assert.ok(isThere(uploaded) && isThere(keptAgain))
    assert.equal((await call(server, `/v1/images/${image.id}`)).status, 200)
  })

  const rangeOf = async (sha256: string) => {
    const object = (await app.storage.open(sha256))!
    await object.close()
    return { start: 0, end: object.bytes }
  }

  it("stay where open work was given them, or has them among its results", async () => {
    const { id } = await stream("a dawn to go on with")
    const [given, stored] = (await earlyOf(id)) as [string, string]
    const facts = { bytes: 1, mediaType: "image/png", width: 1, height: 1 }
    const done = query().selectFrom("generations").selectAll().where("id", "=", id)
    const like = { ...(await done.executeTakeFirstOrThrow()), finished_at: null, created_at: app.clock.now() - dayMs }
    const references_json = JSON.stringify([{ role: "image", kind: "stored", sha256: given, ...facts }])
    await query()
      .insertInto("generations")
      .values({ ...like, id: "gen_waiting", status: "queued", references_json })
      .execute()
    await query()
      .insertInto("generations")
      .values({ ...like, id: "gen_halfway", status: "running" })
      .execute()
    const attempt = await query()
      .selectFrom("attempts")
      .selectAll()
      .where("generation_id", "=", id)
      .executeTakeFirstOrThrow()
    const pictures_json = JSON.stringify([{ picture: { sha256: stored, ...facts }, notes: {} }])
    await query()
      .insertInto("attempts")
      .values({ ...attempt, id: "att_halfway", generation_id: "gen_halfway", pictures_json })
      .execute()
    passedMs = hourMs + 60_000
    await keepAll()
    assert.ok(isThere(given) && isThere(stored))
    assert.deepEqual(await earlyOf(id), [])
  })
})
