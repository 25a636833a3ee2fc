// What a generation was charged, given back by the operator: once for a generation, and never more than it was.
import type { App } from "../app.ts"
import { microsPerCredit } from "../catalogue/price.ts"
import type { Queries } from "../database/database.ts"
import { fail } from "../errors.ts"
import { houseAccount, post } from "./ledger.ts"
import type { Purse } from "./ledger.ts"
import { sourceOf, uncountOnKey } from "./reserve.ts"

export type Refunded = Purse & { generationId: string; micros: number }

/** Without `micros` all that was charged. Throws `not_found`, and `invalid_request` with why there is nothing to give. */
export async function refundGeneration(
  { database, clock }: Pick<App, "database" | "clock">,
  { generationId, micros, reason }: { generationId: string; micros?: number | undefined; reason: string },
): Promise<Refunded> {
  return database.transaction(async (tx) => {
    const found = tx.selectFrom("generations").select(["project_id", "key_id", "mode"]).where("id", "=", generationId)
    const row = await found.executeTakeFirst()
    if (!row) return fail("not_found", `There is no generation ${generationId}.`)
    const { project_id: projectId, key_id: keyId, mode } = row
    const charged = await chargedFor(tx, generationId, houseAccount(mode, "revenue"))
    const amount = micros ?? charged
    if (amount <= 0 || amount > charged)
      return fail("invalid_request", `${generationId} was charged ${charged / microsPerCredit} credits: ${allowed}.`)
    await uncountOnKey(tx, keyId, amount)
    await post(tx, clock.now(), {
      ...{ kind: "refund", projectId, mode, generationId, reason },
      entries: [
        [houseAccount(mode, "revenue"), -amount],
        // Where the plan paid it is the house's own.
        [await sourceOf(tx, generationId), amount],
      ],
    })
    return { projectId, mode, generationId, micros: amount }
  })
}

const allowed = "a refund is more than nothing and at most that"

async function chargedFor(tx: Queries, generationId: string, revenue: string): Promise<number> {
  const rows = await tx
    .selectFrom("postings")
    .innerJoin("entries", "entries.posting_id", "postings.id")
    .select(["kind", "reason", "created_at", "amount_micros"])
    .where("generation_id", "=", generationId)
    .where("account_id", "=", revenue)
    .execute()
  const before = rows.find(({ kind }) => kind === "refund")
  if (before) {
    const [credits, day] = [-before.amount_micros / microsPerCredit, new Date(before.created_at).toISOString()]
    return fail("invalid_request", `${generationId} was given ${credits} credits back on ${day}: ${before.reason}`)
  }
  return rows.find(({ kind }) => kind === "settle")?.amount_micros ?? 0
}
