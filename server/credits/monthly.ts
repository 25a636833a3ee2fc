// The credits that a plan gives each month: once for each project, month and kind of key.
import type { App } from "../app.ts"
import { microsPerCredit } from "../catalogue/price.ts"
import { grantOnce } from "./balance.ts"

type Needs = Pick<App, "database" | "clock" | "plans">

/** Gives what is due to every project that has not had it this month (UTC). Answers how many grants it made. */
export async function giveMonthlyCredits(app: Needs): Promise<number> {
  const projects = await app.database.query.selectFrom("projects").select(["id", "plan"]).execute()
  const reason = `monthly credits ${new Date(app.clock.now()).toISOString().slice(0, 7)}`
  let given = 0
  for (const { id: projectId, plan } of projects) {
    const micros = Math.round((app.plans[plan]?.monthly_credits ?? 0) * microsPerCredit)
    for (const mode of ["live", "test"] as const)
      if (micros > 0 && (await grantOnce(app, { projectId, mode }, micros, reason))) given++
  }
  return given
}
