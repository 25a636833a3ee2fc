// Finding generations again, waiting for one, and calling one off. Always within the caller's project.
import type { App } from "../app.ts"
import { isAfter, pageOf } from "../database/pages.ts"
import type { GenerationRow } from "../database/tables/generations.ts"
import { GatewayError } from "../errors.ts"
import { imagesOf } from "../images/images.ts"
import { recordWebhooks } from "../webhooks/deliveries.ts"
import { addEvent, nextChange } from "./events.ts"
import type { Telling } from "./finish.ts"
import { generationRow, hasEnded, readGeneration } from "./generation.ts"
import type { Caller, Generation } from "./generation.ts"
import { cancelSubject } from "./run.ts"
import { settleUndelivered } from "./settle.ts"
import { runGenerationJob } from "./start.ts"
import { tellEnd } from "./story.ts"

type Reading = Pick<App, "database">

export async function findGeneration(app: Reading, caller: Caller, id: string): Promise<Generation> {
  return withImages(app, caller, await generationRow(app.database.query, id))
}

async function withImages(app: Reading, caller: Caller, row: GenerationRow | undefined): Promise<Generation> {
  // Another project's generation is like a missing one.
  if (!row || row.project_id !== caller.projectId)
    throw new GatewayError({ code: "not_found", detail: "There is no such generation." })
  const images = await imagesOf(app.database.query, [row.id])
  return readGeneration(row, images.get(row.id) ?? [])
}

/** Resolves when the generation has ended, when the time is over, or when the signal is aborted: as it is then. */
export async function waitForGeneration(
  app: Reading & Pick<App, "changes">,
  caller: Caller,
  id: string,
  { waitMs, signal }: { waitMs: number; signal: AbortSignal },
): Promise<Generation> {
  const over = AbortSignal.any([signal, ...(waitMs < Number.POSITIVE_INFINITY ? [AbortSignal.timeout(waitMs)] : [])])
  for (;;) {
    const change = nextChange(app, id, over)
    const row = await generationRow(app.database.query, id)
    if (over.aborted || !row || hasEnded(row.status)) {
      change.stop()
      return withImages(app, caller, row)
    }
    await change.happened
  }
}

export type Page = { generations: Generation[]; next: string | undefined }

/** The newest first. `after` is a cursor that an earlier page gave. */
export async function listGenerations(app: Reading, caller: Caller, limit: number, after?: string): Promise<Page> {
  const rows = await app.database.query
    .selectFrom("generations")
    .selectAll()
    .where("project_id", "=", caller.projectId)
    .where(isAfter(after))
    .orderBy("created_at", "desc")
    .orderBy("id", "desc")
    .limit(limit + 1)
    .execute()
  const { page, next } = pageOf(rows, limit)
  const ids = page.map(({ id }) => id)
  const images = await imagesOf(app.database.query, ids)
  return { generations: page.map((row) => readGeneration(row, images.get(row.id) ?? [])), next }
}

/** Calls a generation off; one that has ended stays as it is. A vendor's call under way is broken off. */
export async function cancelGeneration(
  app: Reading & Telling & Pick<App, "changes" | "queue" | "log" | "metrics">,
  caller: Caller,
  id: string,
): Promise<Generation> {
  await findGeneration(app, caller, id)
  const now = app.clock.now()
  const canceled = await app.database.transaction(async (tx) => {
    const row = await tx
      .updateTable("generations")
      .set({ status: "canceled", finished_at: now })
      .where("id", "=", id)
      .where("status", "in", ["queued", "running"])
      .returningAll()
      .executeTakeFirst()
    if (!row) return false
    await settleUndelivered(tx, now, row, "canceled")
    await addEvent(tx, now, id, { type: "canceled" })
    // Whoever works on it already is told below.
    await app.queue.cancel(tx, { kind: runGenerationJob, subject: id })
    await recordWebhooks(app, tx, row, now)
    return true
  })
  app.changes.tell(cancelSubject(id))
  app.changes.tell(id)
  if (canceled) await tellEnd(app, id)
  return findGeneration(app, caller, id)
}
