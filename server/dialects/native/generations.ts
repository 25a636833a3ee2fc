// Atelier's own API: start, read, list, cancel and follow generations.
import { z } from "zod"
import type { App } from "../../app.ts"
import { base64Of } from "../../bodies/write.ts"
import { followEvents } from "../../generations/events.ts"
import type { PartialImage } from "../../generations/events.ts"
import { cancelGeneration, findGeneration, listGenerations, waitForGeneration } from "../../generations/find.ts"
import { hasEnded } from "../../generations/generation.ts"
import { generationHeaders } from "../../generations/headers.ts"
import { progressNow } from "../../generations/progress.ts"
import { startGeneration } from "../../generations/start.ts"
import { route } from "../../http/route.ts"
import type { ServerEvent } from "../../http/route.ts"
import { storedBytes } from "../../images/stored.ts"
import { GenerationAnswer, writeGeneration } from "./answers.ts"
import { phrase } from "./errors.ts"
import { WebhookUrl } from "./webhooks.ts"

/** A model and what is asked of it. */
export const WantedGeneration = z.strictObject({
  model: z
    .string()
    .min(1)
    .meta({ description: "A model's name; `GET /v1/models` lists them.", examples: ["bfl/flux-2-pro"] }),
  input: z.record(z.string(), z.unknown()).meta({
    description: "The model's parameters; `GET /v1/models/{id}` has their schema.",
    examples: [{ prompt: "a lighthouse at dawn" }],
  }),
})

const NewGeneration = WantedGeneration.extend({
  webhook: WebhookUrl.optional().meta({
    description: "A URL to tell of the end, signed with the secret of `GET /v1/webhooks/default/secret`.",
  }),
  wait: z.int().min(0).max(600).default(0).meta({ description: "Seconds to wait for the end before answering." }),
})

const ById = z.object({ id: z.string() })
const group = "Generations"

export const createGeneration = route({
  method: "POST",
  path: "/v1/generations",
  group,
  summary: "Start generating pictures",
  counted: true,
  about: "Once it is answered the generation is on disk, and goes on whatever happens to this connection.",
  access: "key",
  body: NewGeneration,
  answers: [
    { status: 200, about: "It has ended.", schema: GenerationAnswer },
    { status: 202, about: "It is not finished yet.", schema: GenerationAnswer },
  ],
  failures: [
    "invalid_request",
    "invalid_key",
    "unknown_model",
    "too_large",
    "image_type_not_allowed",
    "model_retired",
    "provider_unavailable",
    "url_not_allowed",
  ],
  phrase,
  async handle({ app, caller, body, received, repeat, origin, signal }) {
    const wanted = {
      dialect: "native",
      model: body.model,
      parameters: body.input,
      at: "input.",
      received,
      repeat,
      signal,
      webhook: body.webhook === undefined ? undefined : { url: body.webhook, origin },
      waited: body.wait > 0,
    }
    const started = await startGeneration(app, caller, wanted)
    const waitMs = body.wait * 1000
    const generation = waitMs > 0 ? await waitForGeneration(app, caller, started.id, { waitMs, signal }) : started
    const headers = {
      location: `/v1/generations/${generation.id}`,
      ...generationHeaders(app, origin, generation),
    }
    const status = hasEnded(generation.status) ? 200 : 202
    return { status, headers, json: writeGeneration(app, origin, generation) }
  },
})

export const getGeneration = route({
  method: "GET",
  path: "/v1/generations/{id}",
  group,
  summary: "Read a generation",
  access: "key",
  params: ById,
  answers: [
    {
      status: 200,
      about: "As it is now.",
      schema: GenerationAnswer.extend({
        progress: z.int().meta({ description: "0 to 100; 100 when it has succeeded and not before." }),
        estimated_seconds: z.int().meta({ description: "Until the end, by what its model usually takes." }),
      }),
    },
  ],
  failures: ["invalid_key", "not_found"],
  phrase,
  async handle({ app, caller, params, origin }) {
    const generation = await findGeneration(app, caller, params.id)
    const { progress, estimatedSeconds: estimated_seconds } = await progressNow(app, generation)
    return { status: 200, json: { ...writeGeneration(app, origin, generation), progress, estimated_seconds } }
  },
})

export const listAllGenerations = route({
  method: "GET",
  path: "/v1/generations",
  group,
  summary: "List the project's generations, newest first",
  access: "key",
  query: z.strictObject({ limit: z.int().min(1).max(100).default(20), cursor: z.string().optional() }),
  answers: [
    {
      status: 200,
      about: "One page. `next_cursor` is null on the last.",
      schema: z.object({ data: z.array(GenerationAnswer), next_cursor: z.string().nullable() }),
    },
  ],
  failures: ["invalid_request", "invalid_key"],
  phrase,
  async handle({ app, caller, query, origin }) {
    const { generations, next } = await listGenerations(app, caller, query.limit, query.cursor)
    const data = generations.map((generation) => writeGeneration(app, origin, generation))
    return { status: 200, json: { data, next_cursor: next ?? null } }
  },
})

export const cancelOneGeneration = route({
  method: "POST",
  path: "/v1/generations/{id}/cancel",
  scope: "generate",
  group,
  summary: "Call a generation off",
  about: "One that has ended stays as it is.",
  access: "key",
  params: ById,
  answers: [{ status: 200, about: "As it is now.", schema: GenerationAnswer }],
  failures: ["invalid_key", "not_found"],
  phrase,
  async handle({ app, caller, params, origin }) {
    return { status: 200, json: writeGeneration(app, origin, await cancelGeneration(app, caller, params.id)) }
  },
})

const writePartial = (app: Pick<App, "storage">, { part, index, media_type, sha256, bytes }: PartialImage) => ({
  ...{ part, index, media_type, bytes },
  b64_json: base64Of(storedBytes(app, sha256, bytes)),
})

export const followGeneration = route({
  method: "GET",
  path: "/v1/generations/{id}/events",
  group,
  summary: "Follow a generation as server-sent events",
  about:
    "Events: queued, running, progress, partial_image, and one of succeeded, failed and canceled, which carries the " +
    "generation. After a broken connection, send the last event's id as `Last-Event-ID` to get what came after it. An " +
    "hour after the end there are no partial_image events any more.",
  access: "key",
  params: ById,
  answers: [{ status: 200, about: "The events, from the first.", type: "text/event-stream" }],
  failures: ["invalid_key", "not_found"],
  phrase,
  async handle({ app, caller, params, origin, headers, signal }) {
    await findGeneration(app, caller, params.id)
    const after = Number(headers["last-event-id"] ?? 0)
    async function* events(): AsyncGenerator<ServerEvent> {
      for await (const event of followEvents(app, params.id, Number.isSafeInteger(after) ? after : 0, signal)) {
        const ended = event.type === "succeeded" || event.type === "failed" || event.type === "canceled"
        const generation = ended
          ? { generation: writeGeneration(app, origin, await findGeneration(app, caller, params.id)) }
          : {}
        const data = event.type === "partial_image" ? writePartial(app, event.data as PartialImage) : event.data
        yield { id: String(event.sequence), event: event.type, data: { ...data, ...generation } }
      }
    }
    return { status: 200, events: events() }
  },
})
