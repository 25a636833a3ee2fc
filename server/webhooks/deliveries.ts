// What was sent to whom, or is still to be: written down in the transaction that ends a generation.
import type { App } from "../app.ts"
import type { Queries } from "../database/database.ts"
import { isAfter, pageOf } from "../database/pages.ts"
import type { GenerationRow } from "../database/tables/generations.ts"
import type { WebhookAttemptRow, WebhookDeliveryRow } from "../database/tables/webhooks.ts"
import { fail } from "../errors.ts"
import { newId } from "../ids.ts"
import { imagesOf } from "../images/images.ts"
import { endpointRow, endpointRows, eventsOf } from "./endpoints.ts"
import type { Recall } from "./endpoints.ts"
import { writePayload } from "./payload.ts"
import type { WebhookEvent } from "./payload.ts"
import { replayMaxMs } from "./schedule.ts"

type Needs = Pick<App, "config" | "clock" | "linkSecret" | "queue" | "wakeAt">

export const deliverWebhookJob = "deliver-webhook"

// The job is looked for a little later than it is due: by then the transaction around it has been committed.
const wakeAfterMs = 25

/** Who is to be told: an endpoint of the project, or the URL that the request named. */
type Receiver = { endpointId: string | null; url: string | null; origin: string }

/** Inside the transaction that ends the generation, after everything else in it; `row` is as it has become by then. */
export async function recordWebhooks(app: Needs, tx: Queries, row: GenerationRow, now: number): Promise<void> {
  const event: WebhookEvent = row.status === "succeeded" ? "images.completed" : "images.failed"
  const endpoints = await endpointRows(tx, row.project_id)
  const receivers: Receiver[] = endpoints
    .filter((endpoint) => endpoint.disabled === null && eventsOf(endpoint).includes(event))
    .map(({ id, origin }) => ({ endpointId: id, url: null, origin }))
  const { webhook_url: url, webhook_origin } = row
  if (url !== null) receivers.push({ endpointId: null, url, origin: webhook_origin ?? "" })
  if (receivers.length === 0) return
  const images = (await imagesOf(tx, [row.id])).get(row.id) ?? []
  for (const { endpointId, url, origin } of receivers) {
    const body = writePayload(app, { row, images, event, origin, now })
    const names = { project_id: row.project_id, endpoint_id: endpointId, url, generation_id: row.id }
    await insertDelivery(app, tx, now, { ...names, event, body, replay_of: null })
  }
  app.wakeAt(now + wakeAfterMs)
}

type Said = "project_id" | "endpoint_id" | "url" | "generation_id" | "event" | "body" | "replay_of"

async function insertDelivery(
  app: Pick<App, "queue">,
  tx: Queries,
  now: number,
  said: Pick<WebhookDeliveryRow, Said>,
  id = newId("msg"),
): Promise<WebhookDeliveryRow> {
  const state = { status: "pending" as const, tries: 0, due_at: now, created_at: now, finished_at: null }
  const row: WebhookDeliveryRow = { id, ...said, ...state }
  await tx.insertInto("webhook_deliveries").values(row).execute()
  // Before the project's own generations: what is done is told even while a thousand others wait.
  const turn = { projectId: row.project_id, priority: 1 }
  await app.queue.add(tx, { kind: deliverWebhookJob, subject: row.id, dueAt: now, claimed: false, ...turn })
  return row
}

export type Delivery = { row: WebhookDeliveryRow; attempts: WebhookAttemptRow[] }

/** The newest first. Without an endpoint those to URLs that requests named. `after` is an earlier page's `next`. */
export async function listDeliveries(
  app: Pick<App, "database">,
  projectId: string,
  endpointId: string | null,
  { limit, after }: { limit: number; after?: string | undefined },
): Promise<{ deliveries: Delivery[]; next: string | undefined }> {
  if (endpointId !== null) await endpointRow(app.database.query, projectId, endpointId)
  let query = app.database.query.selectFrom("webhook_deliveries").selectAll().where("project_id", "=", projectId)
  query = endpointId === null ? query.where("endpoint_id", "is", null) : query.where("endpoint_id", "=", endpointId)
  const ordered = query.where(isAfter(after)).orderBy("created_at", "desc").orderBy("id", "desc")
  const { page, next } = pageOf(await ordered.limit(limit + 1).execute(), limit)
  return { deliveries: await withAttempts(app.database.query, page), next }
}

async function withAttempts(queries: Queries, rows: WebhookDeliveryRow[]): Promise<Delivery[]> {
  if (rows.length === 0) return []
  const ids = rows.map(({ id }) => id)
  const attempts = queries.selectFrom("webhook_attempts").selectAll().where("delivery_id", "in", ids)
  const found = await attempts.orderBy("ordinal").execute()
  return rows.map((row) => ({ row, attempts: found.filter(({ delivery_id }) => delivery_id === row.id) }))
}

/** Sends the same once more, as a message of its own, whatever became of it the first time. */
export async function replayDelivery(
  app: Pick<App, "database" | "clock" | "queue" | "wakeAt">,
  projectId: string,
  id: string,
  recall?: Recall,
): Promise<Delivery> {
  const now = app.clock.now()
  const replay = newId("msg")
  const row = await app.database.transaction(async (tx) => {
    const before = await recall?.(tx, replay)
    if (before !== undefined) return deliveryRow(tx, projectId, before)
    const first = await deliveryRow(tx, projectId, id)
    if (now > first.created_at + replayMaxMs)
      return fail("invalid_request", "This delivery is older than 30 days and is not sent again.")
    const endpoint = first.endpoint_id === null ? undefined : await endpointRow(tx, projectId, first.endpoint_id)
    if (endpoint && endpoint.disabled !== null)
      return fail("invalid_request", "This webhook is disabled: enable it before anything is sent to it again.")
    const { project_id, endpoint_id, url, generation_id, event, body } = first
    const said = { project_id, endpoint_id, url, generation_id, event, body, replay_of: id }
    return insertDelivery(app, tx, now, said, replay)
  })
  app.wakeAt(now)
  return (await withAttempts(app.database.query, [row]))[0]!
}

async function deliveryRow(queries: Queries, projectId: string, id: string): Promise<WebhookDeliveryRow> {
  const found = queries.selectFrom("webhook_deliveries").selectAll().where("project_id", "=", projectId)
  return (await found.where("id", "=", id).executeTakeFirst()) ?? fail("not_found", "There is no such delivery.")
}
