// What every database promises to the rooms above it.
import assert from "node:assert/strict"
import { afterEach, beforeEach, describe, it } from "node:test"
import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises"
import { sql } from "kysely"
import type { Database, Queries } from "./database.ts"
import type { GenerationRow } from "./tables/generations.ts"

/** An empty place for a database. `open` may be called several times: the same data, as other processes see it. */
export type Place = {
  open: () => Promise<Database>
  /** Runs `setSetting` in a process of its own. */ elsewhere: (name: string) => Promise<void>
}

const generation = (id: string, facts: Partial<GenerationRow> = {}): GenerationRow => ({
  ...{ id, project_id: "p", key_id: "k", mode: "test", dialect: "native", model: "m", status: "queued" },
  ...{ input_json: "{}", references_json: "[]", warnings_json: "[]", failure_json: null, usage_json: null },
  ...{ input_marks_json: "[]", webhook_url: null, webhook_origin: null, request_id: null, traceparent: null },
  ...{ image_name: null, image_fingerprint: null },
  ...{ price_micros: 0, reserved_micros: 0, charged_micros: 0 },
  ...{ created_at: 1, started_at: null, finished_at: null },
  ...facts,
})

export const setSetting = (queries: Queries, name: string, value: string) =>
  queries.insertInto("settings").values({ name, value }).execute()

export function describeDatabase(name: string, makePlace: () => Promise<Place>) {
  let place: Place
  let database: Database
  const opened: Database[] = []

  async function open(): Promise<Database> {
    const one = await place.open()
    opened.push(one)
    return one
  }

  beforeEach(async () => {
    place = await makePlace()
    database = await open()
    await database.query
      .insertInto("projects")
      .values({ id: "p", name: "p", plan: "community", logs_prompts: 0, created_at: 1 })
      .execute()
  })
  afterEach(async () => {
    for (const one of opened.splice(0)) await one.close()
  })

  const set = (queries: Queries, key: string, value = "1") => setSetting(queries, key, value)
  const insert = (row: GenerationRow) => database.query.insertInto("generations").values(row).execute()

  async function valueOf(of: Pick<Database, "query">, key: string): Promise<string | undefined> {
    const row = of.query.selectFrom("settings").select("value").where("name", "=", key)
    return (await row.executeTakeFirst())?.value
  }

  describe(`database: ${name}`, () => {
    it("keeps nothing of a transaction that throws, and goes on", async () => {
      const failing = database.transaction(async (tx) => {
        await set(tx, "gone")
        throw new Error("stop")
      })
      await assert.rejects(failing, /stop/)
      assert.equal(await valueOf(database, "gone"), undefined)
      assert.equal(await database.transaction(async (tx) => (await set(tx, "there"), "answer")), "answer")
      assert.equal(await valueOf(database, "there"), "1")
    })

    it("keeps nothing of a transaction of which one statement is refused", async () => {
      const failing = database.transaction(async (tx) => {
        await set(tx, "first")
        await set(tx, "first")
      })
      await assert.rejects(failing)
      assert.equal(await valueOf(database, "first"), undefined)
    })

    it("shows a transaction to others only as a whole", async () => {
      const other = await open()
      await database.transaction(async (tx) => {
        await set(tx, "one")
        assert.equal(await valueOf(other, "one"), undefined)
        await set(tx, "two")
      })
      assert.deepEqual([await valueOf(other, "one"), await valueOf(other, "two")], ["1", "1"])
    })

    it("does transactions that begin together one after another", async () => {
      await set(database.query, "count", "0")
      const other = await open()
      const increase = (of: Database) =>
        of.transaction(async (tx) => {
          const count = Number(await valueOf({ query: tx }, "count"))
          await nextTurn()
          await tx
            .updateTable("settings")
            .set({ value: String(count + 1) })
            .where("name", "=", "count")
            .execute()
        })
      const increases = Array.from({ length: 40 }, () => increase(database))
      await Promise.all(increases)
      assert.equal(await valueOf(other, "count"), "40")
      for (let round = 0; round < 5; round++) await increase(other)
      assert.equal(await valueOf(database, "count"), "45")
    })

    it("lets another process write, also while this one is in a transaction", async () => {
      await place.elsewhere("from elsewhere")
      assert.equal(await valueOf(database, "from elsewhere"), "1")
      const inside = database.transaction(async (tx) => {
        await set(tx, "mine")
        await sleep(1_500)
      })
      await Promise.all([inside, place.elsewhere("waited for")])
      assert.deepEqual([await valueOf(database, "mine"), await valueOf(database, "waited for")], ["1", "1"])
    })

    it("has everything when it is opened again, and prepares the tables only once", async () => {
      const rowsOf = async ({ query }: Database) =>
        (await query.selectFrom("generations").selectAll().execute()).map((row) => ({ ...row }))
      await insert(generation("kept"))
      const before = await rowsOf(database)
      await database.close()
      opened.splice(0)
      const again = await open()
      assert.deepEqual(await rowsOf(again), before)
      assert.equal(before[0]!.id, "kept")
    })

    it("takes an end only with its time, and a failure only with its reason", async () => {
      await insert(generation("open"))
      for (const status of ["succeeded", "failed", "canceled"] as const) {
        const reason = status === "failed" ? '{"code":"internal"}' : null
        await assert.rejects(insert(generation(`${status} untimed`, { status, failure_json: reason })))
        await insert(generation(status, { status, failure_json: reason, finished_at: 2 }))
        await assert.rejects(
          database.query.updateTable("generations").set({ status }).where("id", "=", "open").execute(),
        )
      }
      await assert.rejects(insert(generation("early", { finished_at: 2 })))
      await assert.rejects(insert(generation("why", { status: "failed", finished_at: 2 })))
      await assert.rejects(insert(generation("why not", { status: "succeeded", finished_at: 2, failure_json: "{}" })))
      await assert.rejects(insert(generation("odd", { status: "done" as "queued" })))
    })

    it("lets no generation that has ended have another status", async () => {
      const ends = { succeeded: null, canceled: null, failed: '{"code":"internal"}' } as const
      for (const [status, failure_json] of Object.entries(ends)) {
        await insert(generation(status, { status: status as "failed", failure_json, finished_at: 2 }))
        const begunAgain = { status: "running", finished_at: null, failure_json: null } as const
        const change = database.query.updateTable("generations").set(begunAgain).where("id", "=", status)
        await assert.rejects(change.execute(), /has ended stays as it is/)
      }
    })

    it("takes no row that refers to nothing, and no second one of a name", async () => {
      await assert.rejects(insert(generation("orphan", { project_id: "nobody" })))
      await insert(generation("once"))
      await assert.rejects(insert(generation("once")))
      const event = { generation_id: "once", sequence: 1, type: "queued", data_json: "{}", created_at: 1 }
      await database.query.insertInto("events").values(event).execute()
      await assert.rejects(database.query.insertInto("events").values(event).execute())
      await assert.rejects(
        database.query
          .insertInto("events")
          .values({ ...event, generation_id: "none" })
          .execute(),
      )
    })

    it("gives whole numbers as numbers, also those it counts and adds up, and refuses one too large", async () => {
      const late = Number.MAX_SAFE_INTEGER
      await insert(generation("early", { created_at: 1 }))
      await insert(generation("late", { created_at: late }))
      const numbers = database.query
        .selectFrom("generations")
        .select(({ fn }) => [fn.countAll().as("count"), fn.max("created_at").as("latest")])
        .select(({ fn }) => fn.sum("created_at").as("sum"))
      assert.deepEqual(
        { ...(await numbers.where("id", "=", "early").executeTakeFirstOrThrow()) },
        { count: 1, latest: 1, sum: 1 },
      )
      const { latest } = await database.query
        .selectFrom("generations")
        .select(({ fn }) => fn.max("created_at").as("latest"))
        .executeTakeFirstOrThrow()
      assert.equal(latest, late)
      await assert.rejects(numbers.execute())
      await database.check()
    })

    it("numbers events without a gap, whoever writes them", async () => {
      const other = await open()
      await insert(generation("busy"))
      const next = sql<number>`(select coalesce(max(sequence), 0) + 1 from events where generation_id = ${"busy"})`
      const event = { generation_id: "busy", sequence: next, type: "progress", data_json: "{}", created_at: 1 }
      const add = (of: Database) => of.transaction((tx) => tx.insertInto("events").values(event).execute())
      const adding = Array.from({ length: 30 }, () => add(database))
      await Promise.all(adding)
      for (let round = 0; round < 3; round++) await add(other)
      const rows = await database.query.selectFrom("events").select("sequence").orderBy("sequence").execute()
      assert.deepEqual(
        rows.map(({ sequence }) => sequence),
        Array.from({ length: 33 }, (_, index) => index + 1),
      )
    })

    it("says whether it is ready", async () => {
      await database.check()
      await database.close()
      opened.splice(0)
      await assert.rejects(database.check())
    })
  })
}
