// What the house pays for and nobody pays it: calls that a vendor may bill although no picture of them was delivered.
import type { Database, Queries } from "../database/database.ts"
import type { LossRow } from "../database/tables/credits.ts"
import type { Mode } from "../egress/send.ts"
import { houseAccount, post } from "./ledger.ts"
import type { Purse } from "./ledger.ts"

export type Loss = { attemptId: string; provider: string; vendorModel: string; micros: number; reason: string }

/** In the transaction that ends the generation, and once for it: the table refuses a second. */
export async function bookLosses(
  tx: Queries,
  now: number,
  { generationId, ...purse }: Purse & { generationId: string },
  losses: Loss[],
): Promise<void> {
  if (losses.length === 0) return
  const micros = losses.reduce((sum, loss) => sum + loss.micros, 0)
  await post(tx, now, {
    ...{ projectId: purse.projectId, mode: purse.mode, kind: "adjust", generationId },
    reason: "the house bears what a vendor may bill",
    // As with plans that the house pays for: it grants itself the work.
    entries: [
      [houseAccount(purse.mode, "granted"), -micros],
      [houseAccount(purse.mode, "lost"), micros],
    ],
  })
  const rows = losses.map(({ attemptId, provider, vendorModel, micros: amount_micros, reason }): LossRow => ({
    ...{ attempt_id: attemptId, generation_id: generationId, provider, vendor_model: vendorModel },
    ...{ amount_micros, reason, created_at: now },
  }))
  await tx.insertInto("losses").values(rows).execute()
}

export type ListedLoss = LossRow & { project_id: string; mode: Mode; model: string }

/** The newest first; of one project, or of all. */
export async function listLosses(
  { database }: { database: Pick<Database, "query"> },
  { projectId, limit }: { projectId?: string | undefined; limit: number },
): Promise<ListedLoss[]> {
  const all = database.query
    .selectFrom("losses")
    .innerJoin("generations", "generations.id", "losses.generation_id")
    .selectAll("losses")
    .select(["generations.project_id", "generations.mode", "generations.model"])
  const some = projectId === undefined ? all : all.where("generations.project_id", "=", projectId)
  return some.orderBy("losses.created_at", "desc").orderBy("losses.attempt_id", "desc").limit(limit).execute()
}

/** Micro-credits in all, by kind of key; of one project, or of all. */
export async function sumLosses(queries: Queries, projectId?: string): Promise<Record<Mode, number>> {
  const all = queries
    .selectFrom("losses")
    .innerJoin("generations", "generations.id", "losses.generation_id")
    .select(["generations.mode", (eb) => eb.fn.sum<number>("losses.amount_micros").as("sum")])
    .groupBy("generations.mode")
  const some = projectId === undefined ? all : all.where("generations.project_id", "=", projectId)
  const sums = new Map((await some.execute()).map(({ mode, sum }) => [mode, Number(sum)]))
  return { live: sums.get("live") ?? 0, test: sums.get("test") ?? 0 }
}
