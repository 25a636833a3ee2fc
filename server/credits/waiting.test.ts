// Two sets of entries on PostgreSQL never wait for each other in a circle: it would take the database a second to notice.
import assert from "node:assert/strict"
import { after, before, describe, it } from "node:test"
import { postgresMissing, startPostgres } from "../../tests/postgres.ts"
import type { Cluster } from "../../tests/postgres.ts"
import { createKey, findKeyHolder } from "../accounts/keys.ts"
import { createProject } from "../accounts/projects.ts"
import type { Database, Queries } from "../database/database.ts"
import { postgresDatabase } from "../database/postgres.ts"
import type { GenerationRow } from "../database/tables/generations.ts"
import { newId } from "../ids.ts"
import { grantCredits } from "./balance.ts"
import { reserveCredits, settleCredits } from "./reserve.ts"

const clock = { now: () => 1_700_000_000_000 }
const purse = { projectId: "busy", mode: "live" } as const
const [micros, keys, rounds] = [70, 4, 5]

describe("on PostgreSQL, the ledger", { skip: postgresMissing }, () => {
  let cluster: Cluster
  let database: Database
  // Whoever has the same key waits for it, and so never gets to the accounts at the same time.
  const keyIds: string[] = []
  before(async () => {
    cluster = await startPostgres()
    database = await postgresDatabase(await cluster.newDatabase())
    const app = { database, clock }
    await createProject(app, { id: purse.projectId })
    for (let count = 0; count < keys; count++)
      keyIds.push((await findKeyHolder(app, await createKey(app, purse.projectId, purse.mode)))!.keyId)
    await grantCredits(app, purse, 1_000_000, "to begin with")
  })
  after(async () => {
    await database?.close()
    await cluster?.end()
  })

  type Made = { generationId: string; keyId: string }

  async function newGeneration(keyId: string): Promise<Made> {
    const generationId = newId("gen")
    const texts = { input_json: "{}", references_json: "[]", warnings_json: "[]", dialect: "native", model: "m" }
    const row = { id: generationId, project_id: purse.projectId, key_id: keyId, mode: purse.mode, status: "queued" }
    await database.query
      .insertInto("generations")
      .values({ ...row, ...texts, created_at: 1 } as unknown as GenerationRow)
      .execute()
    return { generationId, keyId }
  }

  // As the database does them by itself: `database.transaction` would begin those again that it sends back.
  const once = (work: (tx: Queries) => Promise<void>) => database.query.transaction().execute(work)
  const reserve = (made: Made) => once((tx) => reserveCredits(tx, 1, { ...purse, ...made, micros, unmetered: false }))
  const settle = (made: Made) =>
    once((tx) => settleCredits(tx, 2, { ...purse, ...made, reservedMicros: micros, chargedMicros: 30 }))

  it("sets aside and settles at the same time, with nobody sent back", async () => {
    const make = () => Promise.all([...keyIds, ...keyIds].map(newGeneration))
    let open = await make()
    for (const made of open) await reserve(made)
    for (let round = 0; round < rounds; round++) {
      const fresh = await make()
      const told = await Promise.allSettled([...fresh.map(reserve), ...open.map(settle)])
      const refused = told.flatMap((one) => (one.status === "rejected" ? [String(one.reason)] : []))
      assert.deepEqual(refused, [], `in round ${round}`)
      open = fresh
    }
  })
})
