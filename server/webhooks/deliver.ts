// Sends one delivery, writes down what came of it, and says when it is tried again or that it is given up.
import type { App } from "../app.ts"
import type { Queries } from "../database/database.ts"
import type { WebhookDeliveryRow, WebhookEndpointRow } from "../database/tables/webhooks.ts"
import { GatewayError } from "../errors.ts"
import { noTraces } from "../observe/traces.ts"
import type { Span } from "../observe/traces.ts"
import type { Job } from "../queue/queue.ts"
import { requestSecret, secretsOf } from "./endpoints.ts"
import { delayAfter, failingMaxMs, pauseAfter } from "./schedule.ts"
import { signedHeaders } from "./sign.ts"
import type { Slots } from "./slots.ts"

type Needs = Pick<
  App,
  "database" | "clock" | "queue" | "wakeAt" | "webhookKey" | "masterKeys" | "guardedPost" | "log" | "metrics" | "traces"
>

type Sending = { job: Job; delivery: WebhookDeliveryRow; endpoint: WebhookEndpointRow | undefined }

type Result = {
  sentAt: number
  durationMs: number
  status?: number
  error?: string
  /** How long the receiver is left alone. */
  pauseMs: number
}

/** Handles one job. At least once: whoever dies between the answer and the row is followed by one who sends again. */
export async function deliverWebhook(app: Needs, slots: Slots, job: Job): Promise<void> {
  const sending = await findSending(app.database.query, job)
  if (!sending) return app.database.transaction((tx) => app.queue.done(tx, job))
  const { delivery, endpoint } = sending
  const now = app.clock.now()
  if (endpoint && endpoint.disabled !== null) return app.database.transaction((tx) => giveUp(app, tx, sending))
  if (endpoint && endpoint.slow_until !== null && endpoint.slow_until > now)
    return postpone(app, sending, endpoint.slow_until)
  const receiver = endpoint?.id ?? `${delivery.project_id} ${URL.parse(delivery.url!)?.host}`
  if (!slots.take(receiver)) return postpone(app, sending, slots.lookAgainAt(receiver, now))
  try {
    await record(app, sending, await send(app, sending))
  } finally {
    slots.give(receiver)
  }
}

/** Undefined where there is nothing to send any more. */
async function findSending(queries: Queries, job: Job): Promise<Sending | undefined> {
  const wanted = queries.selectFrom("webhook_deliveries").selectAll().where("id", "=", job.subject)
  const delivery = await wanted.executeTakeFirst()
  if (!delivery || delivery.status !== "pending") return undefined
  const found = queries.selectFrom("webhook_endpoints").selectAll().where("id", "=", delivery.endpoint_id)
  return { job, delivery, endpoint: delivery.endpoint_id === null ? undefined : await found.executeTakeFirst() }
}

async function postpone(app: Needs, { job, delivery }: Sending, dueAt: number): Promise<void> {
  await app.database.transaction(async (tx) => {
    await app.queue.later(tx, job, dueAt)
    await tx.updateTable("webhook_deliveries").set({ due_at: dueAt }).where("id", "=", delivery.id).execute()
  })
  app.wakeAt(dueAt)
}

async function send(app: Needs, { delivery, endpoint }: Sending): Promise<Result> {
  const sentAt = app.clock.now()
  const startedAt = performance.now()
  const secrets = endpoint ? secretsOf(app, endpoint, sentAt) : [requestSecret(app, delivery.project_id)]
  const { id, body } = delivery
  const headers = signedHeaders(secrets, { id, timestamp: Math.floor(sentAt / 1000), body })
  const span = await startSpan(app, delivery)
  const answer = await app.guardedPost
    .post(endpoint?.url ?? delivery.url!, { headers, body })
    .catch((error: unknown) => errorOf(app, id, error))
  const durationMs = Math.round(performance.now() - startedAt)
  span.end(typeof answer === "string" ? answer : isGood(answer.status) ? undefined : String(answer.status))
  if (typeof answer === "string") return { sentAt, durationMs, error: answer, pauseMs: 0 }
  const { status } = answer
  return { sentAt, durationMs, status, pauseMs: pauseAfter(status, answer.headers["retry-after"], app.clock.now()) }
}

/** In the trace of the request that began the generation. */
async function startSpan({ database, traces }: Needs, { id, generation_id, event }: WebhookDeliveryRow): Promise<Span> {
  const facts = { "atelier.delivery": id, "atelier.generation": generation_id }
  if (traces === noTraces) return traces.start(event, { kind: "client" })
  const row = database.query.selectFrom("generations").select("traceparent").where("id", "=", generation_id)
  const parent = (await row.executeTakeFirst())?.traceparent ?? undefined
  return traces.start(`webhook ${event}`, { kind: "client", parent, facts })
}

function errorOf(app: Needs, id: string, error: unknown): string {
  if (!(error instanceof GatewayError)) throw error
  app.log.debug({ delivery: id, cause: error.cause }, "a webhook got no answer")
  return error.failure.code
}

const isGood = (status: number): boolean => status >= 200 && status < 300
const isSuccess = ({ status }: Result): boolean => status !== undefined && isGood(status)

async function record(app: Needs, sending: Sending, result: Result): Promise<void> {
  const { job, delivery, endpoint } = sending
  const now = app.clock.now()
  const tries = delivery.tries + 1
  const failed = !isSuccess(result)
  const delay = failed && result.status !== 410 ? delayAfter(tries, Math.random()) : undefined
  const nextAt = delay === undefined ? null : now + Math.max(delay, result.pauseMs)
  const status = !failed ? "succeeded" : nextAt === null ? "dead" : "pending"
  const told = await app.database.transaction(async (tx) => {
    if (nextAt === null) await app.queue.done(tx, job)
    else await app.queue.later(tx, job, nextAt)
    const changed = { status, tries, due_at: nextAt, finished_at: nextAt === null ? now : null } as const
    const updated = tx.updateTable("webhook_deliveries").set(changed).where("id", "=", delivery.id)
    // It may have been deleted with its endpoint meanwhile.
    if ((await updated.executeTakeFirstOrThrow()).numUpdatedRows === 0n) return undefined
    await insertAttempt(tx, delivery.id, { ordinal: tries, next_at: nextAt }, result)
    return endpoint && judge(tx, endpoint.id, result, now)
  })
  const outcome = status === "pending" ? "failed" : status
  app.metrics.delivered({ outcome, seconds: result.durationMs / 1000 })
  if (told) app.log.warn({ endpoint: endpoint!.id, why: told }, "a webhook was disabled")
  if (status === "dead") app.log.warn({ delivery: delivery.id, tries }, "a webhook was given up")
  if (nextAt !== null) app.wakeAt(nextAt)
}

async function insertAttempt(
  tx: Queries,
  deliveryId: string,
  place: { ordinal: number; next_at: number | null },
  { sentAt, durationMs, status, error }: Result,
): Promise<void> {
  const facts = { sent_at: sentAt, duration_ms: durationMs, status: status ?? null, error: error ?? null }
  await tx
    .insertInto("webhook_attempts")
    .values({ delivery_id: deliveryId, ...place, ...facts })
    .execute()
}

/** What the answer says of the endpoint: that it is well, slow, failing or gone. Answers why it was disabled, if so. */
async function judge(tx: Queries, id: string, result: Result, now: number): Promise<string | undefined> {
  const row = await tx.selectFrom("webhook_endpoints").selectAll().where("id", "=", id).executeTakeFirst()
  if (!row) return undefined
  const change = (to: Partial<WebhookEndpointRow>) =>
    tx.updateTable("webhook_endpoints").set(to).where("id", "=", id).execute()
  if (isSuccess(result)) {
    if (row.failing_since !== null || row.slow_until !== null) await change({ failing_since: null, slow_until: null })
    return undefined
  }
  const failingSince = row.failing_since ?? result.sentAt
  const why =
    result.status === 410 ? ("gone" as const) : now - failingSince >= failingMaxMs ? ("failing" as const) : undefined
  const slowUntil = Math.max(row.slow_until ?? 0, now + result.pauseMs)
  await change({
    failing_since: failingSince,
    slow_until: slowUntil > now ? slowUntil : null,
    disabled: row.disabled ?? why ?? null,
  })
  return row.disabled === null ? why : undefined
}

/** For what was due while its endpoint is disabled: it can be sent again by hand. */
async function giveUp(app: Needs, tx: Queries, { job, delivery }: Sending): Promise<void> {
  await app.queue.done(tx, job)
  const end = { status: "dead" as const, due_at: null, finished_at: app.clock.now() }
  await tx.updateTable("webhook_deliveries").set(end).where("id", "=", delivery.id).execute()
}
