// What the house has: no balance beside its entries, whichever the database, and none left of the time when there was.
import assert from "node:assert/strict"
import { mkdtemp } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, describe, it } from "node:test"
import { describeOnPostgres } from "../../tests/onPostgres.ts"
import { createProject } from "../accounts/projects.ts"
import type { Database } from "../database/database.ts"
import { postgresDatabase } from "../database/postgres.ts"
import { sqliteDatabase } from "../database/sqlite.ts"
import { grantCredits, verifyLedger } from "./balance.ts"
import { accountOf, balanceOf, houseAccount, post } from "./ledger.ts"

const clock = { now: () => 1_700_000_000_000 }
const purse = { projectId: "shop", mode: "test" } as const
const [granted, revenue] = [houseAccount("test", "granted"), houseAccount("test", "revenue")]

function describeHouse(newPlace: () => Promise<() => Promise<Database>>) {
  let open: () => Promise<Database>
  let database: Database
  beforeEach(async () => {
    open = await newPlace()
    database = await open()
    await createProject({ database, clock }, { id: purse.projectId })
    await grantCredits({ database, clock }, purse, 100, "to begin with")
    const entries: [string, number][] = [
      [accountOf(purse, "available"), -45],
      [revenue, 45],
    ]
    await database.transaction((tx) => post(tx, 1, { ...purse, kind: "adjust", reason: "sold", entries }))
  })
  afterEach(() => database.close())

  const has = () => Promise.all([granted, revenue].map((account) => balanceOf(database.query, account)))

  async function rows() {
    const all = database.query.selectFrom("accounts").select(["id", "balance_micros"]).where("project_id", "is", null)
    return (await all.orderBy("id").execute()).map(({ id, balance_micros }) => `${id} ${balance_micros}`)
  }

  const untouched = ["live", "test"].flatMap((mode) =>
    ["granted", "lost", "revenue"].map((kind) => `house:${mode}:${kind} 0`),
  )

  it("is what its entries sum to, and no row of it is changed", async () => {
    assert.deepEqual(await has(), [-100, 45])
    assert.deepEqual(await rows(), untouched)
    assert.deepEqual(await verifyLedger(database.query), { accounts: 3, entries: 4, faults: [] })
  })

  it("is the same in a database from before, whose rows had balances or were not there yet", async () => {
    const { query } = database
    await query.updateTable("accounts").set({ balance_micros: -100 }).where("id", "=", granted).execute()
    await query.updateTable("accounts").set({ balance_micros: 45 }).where("id", "=", revenue).execute()
    await query.deleteFrom("accounts").where("id", "like", "house:live:%").execute()
    await query
      .deleteFrom("migrations" as "settings")
      .where("name", "=", "0015-house-sums")
      .execute()
    await database.close()
    database = await open()
    assert.deepEqual(await rows(), untouched)
    assert.deepEqual(await has(), [-100, 45])
    assert.equal(await balanceOf(database.query, accountOf(purse, "available")), 55)
    assert.deepEqual((await verifyLedger(database.query)).faults, [])
  })
}

describe("the house's credits", () => {
  describeHouse(async () => {
    const path = join(await mkdtemp(join(tmpdir(), "atelier-house-")), "house.sqlite")
    return () => sqliteDatabase(path)
  })
  describeOnPostgres(
    async () => undefined,
    (newDatabase) =>
      describeHouse(async () => {
        const url = await newDatabase()
        return () => postgresDatabase(url)
      }),
  )
})
