import assert from "node:assert/strict"
import { mkdtemp } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { it } from "node:test"
import { readPlans } from "../accounts/plans.ts"
import { createProject } from "../accounts/projects.ts"
import { sqliteDatabase } from "../database/sqlite.ts"
import { showBalance, verifyLedger } from "./balance.ts"
import { giveMonthlyCredits } from "./monthly.ts"

it("a plan's credits are given once a month, to live and test keys alike, however often it is asked", async () => {
  const database = await sqliteDatabase(join(await mkdtemp(join(tmpdir(), "atelier-monthly-")), "monthly.sqlite"))
  let time = Date.parse("2026-11-30T23:59:00Z")
  const app = { database, clock: { now: () => time }, plans: readPlans("") }
  await createProject(app, { id: "shop", plan: "starter" })
  await createProject(app, { id: "home" })
  const balance = async (projectId: string, mode: "live" | "test") =>
    (await showBalance(database.query, { projectId, mode })).availableMicros / 1_000_000
  assert.equal(await giveMonthlyCredits(app), 2)
  assert.equal(await giveMonthlyCredits(app), 0)
  assert.deepEqual([await balance("shop", "live"), await balance("shop", "test")], [500, 500])
  time = Date.parse("2026-12-01T00:00:00Z")
  assert.equal(await giveMonthlyCredits(app), 2)
  assert.deepEqual([await balance("shop", "live"), await balance("home", "live")], [1_000, 0])
  assert.deepEqual((await verifyLedger(database.query)).faults, [])
  await database.close()
})
