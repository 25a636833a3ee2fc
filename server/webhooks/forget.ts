// Deliveries are kept for as long as they can be sent again.
import type { App } from "../app.ts"
import { replayMaxMs } from "./schedule.ts"

/** Forgets up to `count` that are over and can no longer be sent again, with their attempts. Answers how many. */
export function forgetOldDeliveries(
  { database, clock }: Pick<App, "database" | "clock">,
  count: number,
): Promise<number> {
  const before = clock.now() - replayMaxMs
  return database.transaction(async (tx) => {
    const old = tx.selectFrom("webhook_deliveries").select("id").where("created_at", "<", before)
    const rows = await old.where("status", "<>", "pending").orderBy("created_at").limit(count).execute()
    if (rows.length === 0) return 0
    const ids = rows.map(({ id }) => id)
    await tx.deleteFrom("webhook_attempts").where("delivery_id", "in", ids).execute()
    await tx.deleteFrom("webhook_deliveries").where("id", "in", ids).execute()
    return ids.length
  })
}
