// The ledger: whatever is done to it in whatever order, every set sums to zero and no project falls below it.
import assert from "node:assert/strict"
import { mkdtemp } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, before, describe, it } from "node:test"
import fc from "fast-check"
import { createKey, findKeyHolder } from "../accounts/keys.ts"
import { createProject } from "../accounts/projects.ts"
import type { Database } from "../database/database.ts"
import { sqliteDatabase } from "../database/sqlite.ts"
import type { Mode } from "../egress/send.ts"
import { GatewayError } from "../errors.ts"
import { newId } from "../ids.ts"
import { grantCredits, showBalance, verifyLedger } from "./balance.ts"
import { post } from "./ledger.ts"
import { bookLosses, listLosses, sumLosses } from "./losses.ts"
import { reserveCredits, settleCredits } from "./reserve.ts"

const clock = { now: () => 1_700_000_000_000 }
let database: Database
let app: { database: Database; clock: typeof clock }
let keyId: string

before(async () => {
  database = await sqliteDatabase(join(await mkdtemp(join(tmpdir(), "atelier-ledger-")), "ledger.sqlite"))
  app = { database, clock }
})
after(() => database.close())

let projects = 0

async function newPurse(mode: Mode = "live") {
  const projectId = `p${++projects}`
  await createProject(app, { id: projectId })
  keyId = (await findKeyHolder(app, await createKey(app, projectId, mode)))!.keyId
  return { projectId, mode }
}

type Purse = Awaited<ReturnType<typeof newPurse>>

async function newGeneration({ projectId, mode }: Purse): Promise<string> {
  const id = newId("gen")
  await database.query
    .insertInto("generations")
    .values({
      ...{ id, project_id: projectId, key_id: keyId, mode, dialect: "native", model: "m", status: "queued" },
      ...{ input_json: "{}", references_json: "[]", warnings_json: "[]", failure_json: null, usage_json: null },
      ...{ price_micros: 0, reserved_micros: 0, charged_micros: 0 },
      ...{ created_at: 1, started_at: null, finished_at: null },
    } as never)
    .execute()
  return id
}

const reserve = async (purse: Purse, generationId: string, micros: number, unmetered = false) =>
  database.transaction((tx) => reserveCredits(tx, 1, { ...purse, generationId, keyId, micros, unmetered }))

const settle = (purse: Purse, generationId: string, reservedMicros: number, chargedMicros: number) =>
  database.transaction((tx) => settleCredits(tx, 2, { ...purse, generationId, keyId, reservedMicros, chargedMicros }))

const verified = async () => assert.deepEqual((await verifyLedger(database.query)).faults, [])

describe("the ledger", () => {
  it("sets a price aside, takes what was delivered and gives the rest back", async () => {
    const purse = await newPurse()
    await grantCredits(app, purse, 100, "to begin with")
    const id = await newGeneration(purse)
    await reserve(purse, id, 70)
    assert.deepEqual(await showBalance(database.query, purse), { availableMicros: 30, reservedMicros: 70 })
    await settle(purse, id, 70, 45)
    assert.deepEqual(await showBalance(database.query, purse), { availableMicros: 55, reservedMicros: 0 })
    await verified()
  })

  it("gives all of it back where nothing was delivered", async () => {
    const purse = await newPurse()
    await grantCredits(app, purse, 100, "to begin with")
    const id = await newGeneration(purse)
    await reserve(purse, id, 70)
    await settle(purse, id, 70, 0)
    assert.deepEqual(await showBalance(database.query, purse), { availableMicros: 100, reservedMicros: 0 })
    const postings = await database.query
      .selectFrom("postings")
      .select("kind")
      .where("generation_id", "=", id)
      .execute()
    assert.deepEqual(postings.map(({ kind }) => kind).sort(), ["release", "reserve"])
  })

  it("never takes more than was set aside", async () => {
    const purse = await newPurse()
    await grantCredits(app, purse, 100, "to begin with")
    const id = await newGeneration(purse)
    await reserve(purse, id, 70)
    await settle(purse, id, 70, 1_000)
    assert.deepEqual(await showBalance(database.query, purse), { availableMicros: 30, reservedMicros: 0 })
  })

  it("refuses what is not there, with what is needed and what there is, and changes nothing", async () => {
    const purse = await newPurse()
    await grantCredits(app, purse, 2_500_000, "to begin with")
    const id = await newGeneration(purse)
    await assert.rejects(reserve(purse, id, 3_000_000), (error: unknown) => {
      assert.ok(error instanceof GatewayError)
      assert.equal(error.failure.code, "insufficient_credits")
      assert.deepEqual(error.failure.credits, { required: 3, current: 2.5 })
      return true
    })
    assert.deepEqual(await showBalance(database.query, purse), { availableMicros: 2_500_000, reservedMicros: 0 })
    await assert.rejects(grantCredits(app, purse, -3_000_000, "too much"), /not as much/)
    await verified()
  })

  it("sets aside and settles once for a generation, whoever tries again", async () => {
    const purse = await newPurse()
    await grantCredits(app, purse, 1_000, "to begin with")
    const id = await newGeneration(purse)
    await reserve(purse, id, 70)
    await assert.rejects(reserve(purse, id, 70), /UNIQUE/)
    await settle(purse, id, 70, 70)
    await assert.rejects(settle(purse, id, 70, 70))
    await grantCredits(app, purse, 1_000, "so that there is something to take wrongly")
    await reserve(purse, await newGeneration(purse), 70)
    await assert.rejects(settle(purse, id, 70, 0), /UNIQUE/)
    assert.deepEqual(await showBalance(database.query, purse), { availableMicros: 1_860, reservedMicros: 70 })
    await verified()
  })

  it("lets a key spend no more than its cap, and counts what was given back", async () => {
    const purse = await newPurse()
    await grantCredits(app, purse, 1_000, "to begin with")
    await database.query.updateTable("api_keys").set({ cap_micros: 100 }).where("id", "=", keyId).execute()
    const [one, two, three] = [await newGeneration(purse), await newGeneration(purse), await newGeneration(purse)]
    await reserve(purse, one, 80)
    await assert.rejects(reserve(purse, two, 30), /This key may not spend/)
    await settle(purse, one, 80, 60)
    await reserve(purse, two, 30)
    await assert.rejects(reserve(purse, three, 11), /This key may not spend/)
    await verified()
  })

  it("takes nothing from a balance where the plan pays, and still counts it", async () => {
    const purse = await newPurse()
    const id = await newGeneration(purse)
    await reserve(purse, id, 70, true)
    await settle(purse, id, 70, 45)
    assert.deepEqual(await showBalance(database.query, purse), { availableMicros: 0, reservedMicros: 0 })
    await verified()
  })

  it("moves nothing of a set whose last account has too little", async () => {
    const [purse, last] = [await newPurse(), "zz"]
    await createProject(app, { id: last })
    const entries: [string, number][] = [
      [`${purse.projectId}:live:available`, 5],
      [`${last}:live:available`, -5],
    ]
    const set = { ...purse, kind: "adjust" as const, reason: "from one to another", entries }
    assert.equal(await database.transaction((tx) => post(tx, 1, set)), false)
    assert.deepEqual(await showBalance(database.query, purse), { availableMicros: 0, reservedMicros: 0 })
    await verified()
  })

  it("takes no set that does not sum to zero, and no part of a micro-credit", async () => {
    const purse = await newPurse()
    const add = (entries: [string, number][]) =>
      database.transaction((tx) => post(tx, 1, { ...purse, kind: "grant", reason: "wrong", entries }))
    await assert.rejects(add([[`${purse.projectId}:live:available`, 5]]), /do not balance/)
    await assert.rejects(
      add([
        [`${purse.projectId}:live:available`, 0.5],
        ["house:live:granted", -0.5],
      ]),
      /do not balance/,
    )
  })

  it("never falls below zero with 64 at once, and gives to as many as there is for", async () => {
    const purse = await newPurse()
    await grantCredits(app, purse, 100, "to begin with")
    const ids = await Promise.all(Array.from({ length: 64 }, () => newGeneration(purse)))
    const told = await Promise.allSettled(ids.map((id) => reserve(purse, id, 7)))
    assert.equal(told.filter(({ status }) => status === "fulfilled").length, 14)
    assert.deepEqual(await showBalance(database.query, purse), { availableMicros: 2, reservedMicros: 98 })
    await verified()
  })

  it("comes out after any sequence of grants, reservations and ends", async () => {
    const step = fc.record({
      kind: fc.constantFrom("grant", "reserve", "settle", "release"),
      micros: fc.integer({ min: 0, max: 50 }),
    })
    const property = fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      const purse = await newPurse()
      const open: [id: string, micros: number][] = []
      let expected = 0
      for (const { kind, micros } of steps) {
        if (kind === "grant") await grantCredits(app, purse, micros, "more").then(() => (expected += micros))
        else if (kind === "reserve") {
          const id = await newGeneration(purse)
          if (
            micros > 0 &&
            (await reserve(purse, id, micros).then(
              () => true,
              () => false,
            ))
          )
            open.push([id, micros])
        } else {
          const next = open.shift()
          if (!next) continue
          const charged = kind === "settle" ? Math.min(micros, next[1]) : 0
          await settle(purse, next[0], next[1], charged)
          expected -= charged
        }
        const { availableMicros, reservedMicros } = await showBalance(database.query, purse)
        assert.ok(availableMicros >= 0 && reservedMicros >= 0)
        assert.equal(availableMicros + reservedMicros, expected)
      }
    })
    await fc.assert(property, { numRuns: 30 })
    await verified()
  })

  const lossOf = (attemptId: string, micros: number) => ({
    ...{ attemptId, provider: "bfl", vendorModel: "flux", micros, reason: "the outcome is unknown" },
  })

  it("books what the house lost on a generation once, on accounts of the house alone", async () => {
    const purse = await newPurse()
    await grantCredits(app, purse, 100, "to begin with")
    const generationId = await newGeneration(purse)
    const book = (...losses: ReturnType<typeof lossOf>[]) =>
      database.transaction((tx) => bookLosses(tx, 3, { ...purse, generationId }, losses))
    await book()
    await book(lossOf("att_1", 30), lossOf("att_2", 0))
    await assert.rejects(book(lossOf("att_3", 30)), /UNIQUE/)
    assert.deepEqual(await showBalance(database.query, purse), { availableMicros: 100, reservedMicros: 0 })
    assert.deepEqual(await sumLosses(database.query, purse.projectId), { live: 30, test: 0 })
    const listed = await listLosses(app, { projectId: purse.projectId, limit: 9 })
    assert.deepEqual(
      listed.map((row) => [row.attempt_id, row.amount_micros, row.project_id, row.mode, row.model]),
      [
        ["att_2", 0, purse.projectId, "live", "m"],
        ["att_1", 30, purse.projectId, "live", "m"],
      ],
    )
    await verified()
    const forged = database.transaction(async (tx) => {
      const row = { attempt_id: "att_4", generation_id: generationId, provider: "p", vendor_model: "m" }
      await tx
        .insertInto("losses")
        .values({ ...row, amount_micros: 5, reason: "forged", created_at: 4 })
        .execute()
      throw new Error((await verifyLedger(tx)).faults.join())
    })
    await assert.rejects(forged, /^Error: account house:live:lost has 30, the list of losses 35$/)
  })

  it("is only ever added to: the database itself refuses all else", async () => {
    const purse = await newPurse()
    await grantCredits(app, purse, 100, "to begin with")
    const { query } = database
    for (const table of ["entries", "postings", "losses"] as const)
      await assert.rejects(query.deleteFrom(table).execute(), /only ever added/)
    await assert.rejects(query.updateTable("entries").set({ amount_micros: 1 }).execute(), /only ever added/)
    for (const table of ["postings", "losses"] as const)
      await assert.rejects(query.updateTable(table).set({ reason: "another" }).execute(), /only ever added/)
  })

  it("is told to be wrong where somebody else has written into it", async () => {
    const purse = await newPurse()
    await grantCredits(app, purse, 100, "to begin with")
    const account = `${purse.projectId}:live:available`
    await database.query.updateTable("accounts").set({ balance_micros: 101 }).where("id", "=", account).execute()
    const { faults } = await verifyLedger(database.query)
    assert.deepEqual(faults, [`account ${account} says 101, its entries 100`])
    await database.query.updateTable("accounts").set({ balance_micros: 100 }).where("id", "=", account).execute()
    await verified()
  })
})
