// What happened to a generation, in order, kept so that a reader who lost the connection misses nothing.
import { sql } from "kysely"
import type { App } from "../app.ts"
import type { Queries } from "../database/database.ts"
import { prepare } from "../database/prepare.ts"
import type { EventRow } from "../database/tables/generations.ts"
import { generationRow, hasEnded } from "./generation.ts"

export type EventType = "queued" | "running" | "progress" | "partial_image" | "succeeded" | "failed" | "canceled"

export type GenerationEvent = { sequence: number; type: EventType; data: Record<string, unknown>; createdAt: number }

/** An early state of a picture, in an event of type `partial_image`. */
export type PartialImage = {
  part: number
  index: number
  sha256: string
  bytes: number
  media_type: string
  width: number
  height: number
}

type NewEvent = { type: EventType; data?: Record<string, unknown> }

export async function addEvent(tx: Queries, now: number, generationId: string, { type, data = {} }: NewEvent) {
  await insertEvent(tx, { generation_id: generationId, type, data_json: JSON.stringify(data), created_at: now })
}

const insertEvent = prepare((tx, row: Omit<EventRow, "sequence">) => {
  const { generation_id: id } = row
  const sequence = sql<number>`(select coalesce(max(sequence), 0) + 1 from events where generation_id = ${id})`
  return tx.insertInto("events").values({ ...row, sequence })
})

// Another process may have made the change.
const lookEveryMs = 1_000

/** Yields events after `after` as they come, and ends once the generation has ended and all are told. */
export async function* followEvents(
  app: Pick<App, "database" | "changes">,
  id: string,
  after: number,
  signal: AbortSignal,
): AsyncGenerator<GenerationEvent> {
  for (let seen = after; !signal.aborted;) {
    const change = nextChange(app, id, signal)
    const row = await generationRow(app.database.query, id)
    const rows = await app.database.query
      .selectFrom("events")
      .selectAll()
      .where("generation_id", "=", id)
      .where("sequence", ">", seen)
      .orderBy("sequence")
      .execute()
    for (const { sequence, type, data_json, created_at } of rows) {
      seen = sequence
      const data = JSON.parse(data_json) as Record<string, unknown>
      yield { sequence, type: type as EventType, data, createdAt: created_at }
    }
    if (!row || hasEnded(row.status)) return change.stop()
    await change.happened
  }
}

/** Resolves at the next change of the subject, after a while without one, or when the signal is aborted. */
export function nextChange(app: Pick<App, "changes">, id: string, signal: AbortSignal) {
  const { promise, resolve } = Promise.withResolvers<void>()
  const unlisten = app.changes.listen(id, resolve)
  const timer = setTimeout(resolve, lookEveryMs)
  const aborted = () => resolve()
  signal.addEventListener("abort", aborted)
  const stop = () => {
    clearTimeout(timer)
    unlisten()
    signal.removeEventListener("abort", aborted)
    resolve()
  }
  return { happened: promise.then(stop), stop }
}
