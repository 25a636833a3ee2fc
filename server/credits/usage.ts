// What a project has used: generations, pictures and credits, by day, model and key. Counted by the database.
import { sql } from "kysely"
import type { Queries } from "../database/database.ts"
import { microsPerCredit } from "../catalogue/price.ts"
import { GatewayError } from "../errors.ts"
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
const daysMax = 366
const rowsMax = 10_000

const dayOf = (milliseconds: number): string => new Date(milliseconds).toISOString().slice(0, 10)

/** Days as "2026-11-21", both included: the last 31 where nothing is said. */
export type Days = { from?: string | undefined; to?: string | undefined }

/** Those who canceled are among the generations and neither succeeded nor failed. */
export async function usageOf(queries: Queries, purse: Purse, days: Days, now: number): Promise<UsageRow[]> {
  const { from, to } = readDays(days, now)
  // Whole numbers in the text itself: SQLite would divide by one that is bound as by a fraction.
  const day = sql<number>`created_at / ${sql.lit(dayMs)}`
  const countOf = (status: string) => sql<number>`sum(case when status = ${status} then 1 else 0 end)`
  const images = sql<number>`sum((select count(*) from images where images.generation_id = generations.id))`
  const rows = await queries
    .selectFrom("generations")
    .select(["model", "key_id", day.as("day"), sql<number>`count(*)`.as("generations")])
    .select([countOf("succeeded").as("succeeded"), countOf("failed").as("failed"), images.as("images")])
    .select(sql<number>`sum(charged_micros)`.as("charged"))
    .where("project_id", "=", purse.projectId)
    .where("mode", "=", purse.mode)
    .where("created_at", ">=", from)
    .where("created_at", "<", to + dayMs)
    .groupBy([day, "model", "key_id"])
    .limit(rowsMax + 1)
    .execute()
  if (rows.length > rowsMax) throw wrong("from", `from: these days have more than ${rowsMax} rows; ask for fewer days`)
  const all = rows.map(({ day: number, charged, ...row }): UsageRow => {
    const { model, key_id, generations, succeeded, failed, images: made } = row
    const counts = { generations, succeeded, failed, images: made, credits: charged / microsPerCredit }
    return { day: dayOf(number * dayMs), model, key_id, ...counts }
  })
  return all.sort(
    (a, b) => b.day.localeCompare(a.day) || a.model.localeCompare(b.model) || a.key_id.localeCompare(b.key_id),
  )
}

/** The first moments of both days. */
function readDays(days: Days, now: number): { from: number; to: number } {
  const to = readDay("to", days.to ?? dayOf(now))
  const from = days.from === undefined ? to - 30 * dayMs : readDay("from", days.from)
  if (from > to) throw wrong("from", `from must not be after to, which is ${dayOf(to)}`)
  if (to - from >= daysMax * dayMs) throw wrong("from", `from must be at most ${daysMax - 1} days before to`)
  return { from, to }
}

function readDay(param: string, text: string): number {
  const time = Date.parse(text)
  if (Number.isNaN(time) || dayOf(time) !== text) throw wrong(param, `${param} must be a day such as 2026-11-21`)
  return time
}

const wrong = (param: string, message: string): GatewayError =>
  new GatewayError({ code: "invalid_request", detail: message, problems: [{ param, message }] })
