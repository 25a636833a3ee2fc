// Webhooks of a project: where its generations' ends are told, and what was sent there.
import { z } from "zod"
import { recalled } from "../../generations/repeats.ts"
import type { Delivery } from "../../webhooks/deliveries.ts"
import { listDeliveries, replayDelivery } from "../../webhooks/deliveries.ts"
import {
  changeEndpoint,
  createEndpoint,
  deleteEndpoint,
  findEndpoint,
  listEndpoints,
  requestSecret,
  rotateSecret,
} from "../../webhooks/endpoints.ts"
import type { Endpoint } from "../../webhooks/endpoints.ts"
import { webhookEvents } from "../../webhooks/payload.ts"
import { route } from "../../http/route.ts"
import { phrase } from "./errors.ts"

const group = "Webhooks"
const ById = z.object({ id: z.string() })
const time = z.iso.datetime()

export const WebhookUrl = z.string().min(1).max(2048)
const Events = z
  .array(z.enum(webhookEvents))
  .min(1)
  .refine((events) => new Set(events).size === events.length, "names an event twice")

const NewWebhook = z.strictObject({
  url: WebhookUrl.meta({ description: "https, and public.", examples: ["https://example.com/hooks/atelier"] }),
  events: Events.meta({ examples: [[...webhookEvents]] }),
})

const WebhookAnswer = z.object({
  id: z.string(),
  url: z.string(),
  events: z.array(z.enum(webhookEvents)),
  enabled: z.boolean(),
  disabled_because: z.enum(["by_request", "gone", "failing"]).nullable().meta({
    description: "`gone`: it answered 410. `failing`: nothing was taken for five days. `enabled: true` starts again.",
  }),
  failing_since: time.nullable(),
  created_at: time,
})

const Secret = z.string().meta({ description: "`whsec_…`, by Standard Webhooks. It is shown only this once." })
const WithSecret = WebhookAnswer.extend({ secret: Secret })

const AttemptAnswer = z.object({
  number: z.int(),
  sent_at: time,
  duration_ms: z.int(),
  status: z.int().nullable().meta({ description: "What the receiver answered; null where no answer came." }),
  error: z.string().nullable(),
  next_try_at: time.nullable(),
})

const DeliveryAnswer = z.object({
  id: z.string().meta({ description: "The header `webhook-id` of every try." }),
  webhook_id: z.string().nullable(),
  event: z.string(),
  generation_id: z.string(),
  status: z.enum(["pending", "succeeded", "dead"]),
  next_try_at: time.nullable(),
  replay_of: z.string().nullable(),
  created_at: time,
  finished_at: time.nullable(),
  attempts: z.array(AttemptAnswer),
})

const iso = (milliseconds: number | null): string | null =>
  milliseconds === null ? null : new Date(milliseconds).toISOString()

export function writeEndpoint({ id, url, events, disabled, failingSince, createdAt }: Endpoint) {
  const state = { enabled: disabled === null, disabled_because: disabled, failing_since: iso(failingSince) }
  return { id, url, events, ...state, created_at: iso(createdAt) }
}

export function writeDelivery({ row, attempts }: Delivery) {
  const { id, endpoint_id: webhook_id, event, generation_id, status, replay_of } = row
  return {
    ...{ id, webhook_id, event, generation_id, status, next_try_at: iso(row.due_at), replay_of },
    ...{ created_at: iso(row.created_at), finished_at: iso(row.finished_at) },
    attempts: attempts.map((attempt) => ({
      ...{ number: attempt.ordinal, sent_at: iso(attempt.sent_at), duration_ms: attempt.duration_ms },
      ...{ status: attempt.status, error: attempt.error, next_try_at: iso(attempt.next_at) },
    })),
  }
}

/** With the secret where a reader looks for it. */
export function writeWithSecret({ endpoint, secret }: { endpoint: Endpoint; secret: string }) {
  const { id, url, events, ...rest } = writeEndpoint(endpoint)
  return { id, url, events, secret, ...rest }
}

export const createWebhook = route({
  method: "POST",
  path: "/v1/webhooks",
  group,
  summary: "Be told at a URL when generations end",
  about:
    "Signed by Standard Webhooks 1.0.0: verify `webhook-signature` with the secret, allow 5 minutes of tolerance, " +
    "compare in constant time, and pass over a `webhook-id` that was seen before. Order is not promised. Answer 2xx " +
    "within 15 seconds; anything else is tried again, ten times in three days.",
  access: "key",
  takesRepeats: true,
  plain: true,
  body: NewWebhook,
  answers: [{ status: 201, about: "The webhook, with its secret.", schema: WithSecret }],
  failures: ["invalid_request", "invalid_key", "idempotency_mismatch", "url_not_allowed"],
  phrase,
  async handle({ app, caller, body, origin, repeat }) {
    const recall = recalled(app, caller.projectId, repeat)
    const made = await createEndpoint(app, caller.projectId, { ...body, origin }, recall)
    return { status: 201, headers: { location: `/v1/webhooks/${made.endpoint.id}` }, json: writeWithSecret(made) }
  },
})

export const listWebhooks = route({
  method: "GET",
  path: "/v1/webhooks",
  group,
  summary: "List the project's webhooks",
  access: "key",
  answers: [{ status: 200, about: "All of them.", schema: z.object({ data: z.array(WebhookAnswer) }) }],
  failures: ["invalid_key"],
  phrase,
  async handle({ app, caller }) {
    return { status: 200, json: { data: (await listEndpoints(app, caller.projectId)).map(writeEndpoint) } }
  },
})

export const getWebhook = route({
  method: "GET",
  path: "/v1/webhooks/{id}",
  group,
  summary: "Read a webhook",
  access: "key",
  params: ById,
  answers: [{ status: 200, about: "As it is now.", schema: WebhookAnswer }],
  failures: ["invalid_key", "not_found"],
  phrase,
  async handle({ app, caller, params }) {
    return { status: 200, json: writeEndpoint(await findEndpoint(app, caller.projectId, params.id)) }
  },
})

export const changeWebhook = route({
  method: "PUT",
  path: "/v1/webhooks/{id}",
  group,
  summary: "Change, disable or enable a webhook",
  about: "What is left out stays as it is. What is still to be sent goes to the new URL.",
  access: "key",
  params: ById,
  plain: true,
  body: z.strictObject({
    url: WebhookUrl.optional(),
    events: Events.optional(),
    enabled: z.boolean().optional(),
  }),
  answers: [{ status: 200, about: "As it is now.", schema: WebhookAnswer }],
  failures: ["invalid_request", "invalid_key", "not_found", "url_not_allowed"],
  phrase,
  async handle({ app, caller, params, body }) {
    return { status: 200, json: writeEndpoint(await changeEndpoint(app, caller.projectId, params.id, body)) }
  },
})

export const deleteWebhook = route({
  method: "DELETE",
  path: "/v1/webhooks/{id}",
  group,
  summary: "Delete a webhook and its log",
  about: "What was still to be sent to it is not sent.",
  access: "key",
  params: ById,
  answers: [{ status: 200, about: "It is gone.", schema: z.object({ id: z.string(), deleted: z.literal(true) }) }],
  failures: ["invalid_key", "not_found"],
  phrase,
  async handle({ app, caller, params }) {
    await deleteEndpoint(app, caller.projectId, params.id)
    return { status: 200, json: { id: params.id, deleted: true } }
  },
})

export const rotateWebhook = route({
  method: "POST",
  path: "/v1/webhooks/{id}/rotate",
  group,
  summary: "Give a webhook a new secret",
  about: "For 24 hours the secret before this one signs as well.",
  access: "key",
  takesRepeats: true,
  params: ById,
  answers: [{ status: 200, about: "The webhook, with its new secret.", schema: WithSecret }],
  failures: ["invalid_request", "invalid_key", "not_found", "idempotency_mismatch"],
  phrase,
  async handle({ app, caller, params, repeat }) {
    const recall = recalled(app, caller.projectId, repeat)
    return { status: 200, json: writeWithSecret(await rotateSecret(app, caller.projectId, params.id, recall)) }
  },
})

export const getRequestSecret = route({
  method: "GET",
  path: "/v1/webhooks/default/secret",
  group,
  summary: "Read the secret that signs for URLs which requests name themselves",
  access: "key",
  answers: [{ status: 200, about: "The project's.", schema: z.object({ key: z.string() }) }],
  failures: ["invalid_key"],
  phrase,
  handle: ({ app, caller }) => ({ status: 200, json: { key: requestSecret(app, caller.projectId) } }),
})

export const listWebhookDeliveries = route({
  method: "GET",
  path: "/v1/webhooks/{id}/deliveries",
  group,
  summary: "Read what was sent to a webhook, newest first",
  about: "With `default` for `id`: what was sent to URLs that requests named themselves.",
  access: "key",
  params: ById,
  query: z.strictObject({ limit: z.int().min(1).max(100).default(20), cursor: z.string().optional() }),
  answers: [
    {
      status: 200,
      about: "One page. `next_cursor` is null on the last.",
      schema: z.object({ data: z.array(DeliveryAnswer), next_cursor: z.string().nullable() }),
    },
  ],
  failures: ["invalid_request", "invalid_key", "not_found"],
  phrase,
  async handle({ app, caller, params, query: { limit, cursor: after } }) {
    const endpointId = params.id === "default" ? null : params.id
    const { deliveries, next } = await listDeliveries(app, caller.projectId, endpointId, { limit, after })
    return { status: 200, json: { data: deliveries.map(writeDelivery), next_cursor: next ?? null } }
  },
})

export const replayWebhookDelivery = route({
  method: "POST",
  path: "/v1/webhooks/deliveries/{id}/replay",
  group,
  summary: "Send a delivery again",
  about: "As a new delivery with the same body, up to 30 days after the first.",
  access: "key",
  takesRepeats: true,
  params: ById,
  answers: [{ status: 202, about: "The new delivery.", schema: DeliveryAnswer }],
  failures: ["invalid_request", "invalid_key", "not_found", "idempotency_mismatch"],
  phrase,
  async handle({ app, caller, params, repeat }) {
    const recall = recalled(app, caller.projectId, repeat)
    return { status: 202, json: writeDelivery(await replayDelivery(app, caller.projectId, params.id, recall)) }
  },
})
