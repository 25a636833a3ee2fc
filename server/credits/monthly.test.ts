import assert from "node:assert/strict"
import { mkdtemp } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { it } from "node:test"
import { readPlans } from "../accounts/plans.ts"
import { createProject, updateProject } from "../accounts/projects.ts"
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
  // On a dearer plan in the middle of a month: what was given stays, and the rest comes with the next.
  await updateProject(app, "shop", { plan: "pro" })
  assert.equal(await giveMonthlyCredits(app), 0)
  await updateProject(app, "home", { plan: "free" })
  assert.equal(await giveMonthlyCredits(app), 2)
  assert.deepEqual([await balance("shop", "live"), await balance("home", "live")], [1_000, 20])
  time = Date.parse("2027-01-01T00:00:00Z")
  assert.equal(await giveMonthlyCredits(app), 4)
  assert.deepEqual([await balance("shop", "live"), await balance("home", "live")], [4_000, 40])
  assert.deepEqual((await verifyLedger(database.query)).faults, [])
  await database.close()
})
