// What a project has used: generations, pictures and credits, by day, model and key.
import type { Queries } from "../database/database.ts"
import { microsPerCredit } from "../catalogue/price.ts"
import type { Purse } from "./ledger.ts"

export type UsageRow = {
  /** In UTC. */
  day: string
  model: string
  key_id: string
  generations: number
  succeeded: number
  failed: number
  images: number
  credits: number
}

const dayMs = 86_400_000

/** Days as "2026-11-21", both included. Those who canceled are among the generations and neither succeeded nor failed. */
export async function usageOf(
  queries: Queries,
  { projectId, mode }: Purse,
  { from, to }: { from: string; to: string },
): Promise<UsageRow[]> {
  const rows = await queries
    .selectFrom("generations")
    .select(["id", "model", "key_id", "status", "charged_micros", "created_at"])
    .select((eb) =>
      eb
        .selectFrom("images")
        .select((count) => count.fn.countAll<number>().as("count"))
        .whereRef("images.generation_id", "=", "generations.id")
        .as("images"),
    )
    .where("project_id", "=", projectId)
    .where("mode", "=", mode)
    .where("created_at", ">=", Date.parse(from))
    .where("created_at", "<", Date.parse(to) + dayMs)
    .execute()
  const groups = Map.groupBy(rows, ({ created_at, model, key_id }) => {
    const day = new Date(created_at).toISOString().slice(0, 10)
    return JSON.stringify([day, model, key_id])
  })
  const all = [...groups].map(([group, members]): UsageRow => {
    const [day, model, key_id] = JSON.parse(group) as [string, string, string]
    const charged = members.reduce((sum, { charged_micros }) => sum + charged_micros, 0)
    return {
      ...{ day, model, key_id, generations: members.length },
      succeeded: members.filter(({ status }) => status === "succeeded").length,
      failed: members.filter(({ status }) => status === "failed").length,
      images: members.reduce((sum, { images }) => sum + Number(images ?? 0), 0),
      credits: charged / microsPerCredit,
    }
  })
  return all.sort(
    (a, b) => b.day.localeCompare(a.day) || a.model.localeCompare(b.model) || a.key_id.localeCompare(b.key_id),
  )
}
