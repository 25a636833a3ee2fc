// The credits that a plan gives each month: once for each project, month and kind of key.
import type { App } from "../app.ts"
import { microsPerCredit } from "../catalogue/price.ts"
import { houseAccount, accountOf, post } from "./ledger.ts"
import type { Purse } from "./ledger.ts"

type Needs = Pick<App, "database" | "clock" | "plans">

const reasonOf = (now: number): string => `monthly credits ${new Date(now).toISOString().slice(0, 7)}`

/** Gives what is due to every project that has not had it this month (UTC). Answers how many grants it made. */
export async function giveMonthlyCredits(app: Needs): Promise<number> {
  const projects = await app.database.query.selectFrom("projects").select(["id", "plan"]).execute()
  let given = 0
  for (const { id: projectId, plan } of projects) {
    const micros = Math.round((app.plans[plan]?.monthly_credits ?? 0) * microsPerCredit)
    for (const mode of ["live", "test"] as const)
      if (micros > 0 && (await giveOnce(app, { projectId, mode }, micros))) given++
  }
  return given
}

async function giveOnce({ database, clock }: Needs, purse: Purse, micros: number): Promise<boolean> {
  const now = clock.now()
  const reason = reasonOf(now)
  return database.transaction(async (tx) => {
    const before = tx.selectFrom("postings").select("id").where("project_id", "=", purse.projectId)
    const had = await before
      .where("mode", "=", purse.mode)
      .where("kind", "=", "grant")
      .where("reason", "=", reason)
      .executeTakeFirst()
    if (had) return false
    const entries: [string, number][] = [
      [houseAccount(purse.mode, "granted"), -micros],
      [accountOf(purse, "available"), micros],
    ]
    return post(tx, now, { ...purse, kind: "grant", reason, entries })
  })
}
