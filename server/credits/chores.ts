// What has to be looked after while the server runs: monthly credits, and whether the ledger still comes out.
import type { App } from "../app.ts"
import { verifyLedger } from "./balance.ts"
import { giveMonthlyCredits } from "./monthly.ts"

type Needs = Pick<App, "database" | "clock" | "plans" | "log">

const lookEveryMs = 60_000
// A ledger that takes long to sum is summed less often: it shall cost a thousandth of the time.
const share = 1_000

/** Looks at once and then every minute. Answers how to stop, which waits for a look under way. */
export function startCreditChores(app: Needs): () => Promise<void> {
  let timer: NodeJS.Timeout | undefined
  let stopped = false
  let looking: Promise<void> = look()

  async function look() {
    const startedAt = performance.now()
    try {
      await giveMonthlyCredits(app)
      const { faults } = await verifyLedger(app.database.query)
      if (faults.length > 0) app.log.error({ faults: faults.slice(0, 20) }, "the ledger does not come out")
    } catch (error) {
      app.log.error({ err: error }, "the ledger could not be looked after")
    }
    const tookMs = performance.now() - startedAt
    if (!stopped) timer = setTimeout(() => (looking = look()), Math.max(lookEveryMs, tookMs * share))
    timer?.unref()
  }

  return async () => {
    stopped = true
    clearTimeout(timer)
    await looking
  }
}
