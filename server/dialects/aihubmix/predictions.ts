// AIHubMix's unified API: a prediction for any model, and the tasks of those that work in the background.
import { z } from "zod"
import { findGeneration, waitForGeneration } from "../../generations/find.ts"
import { hasEnded, throwUnlessSucceeded } from "../../generations/generation.ts"
import { generationHeaders } from "../../generations/headers.ts"
import { findModel } from "../../generations/routes.ts"
import { startGeneration } from "../../generations/start.ts"
import { route } from "../../http/route.ts"
import type { Answer, Call } from "../../http/route.ts"
import { answerOf, writeTaskState } from "./answers.ts"
import { phrase } from "./errors.ts"
import { isMirrored, readPrediction } from "./request.ts"

const Prediction = z.strictObject({
  input: z
    .record(z.string(), z.unknown())
    .meta({ description: "The model's parameters.", examples: [{ prompt: "a deer drinking in the lake" }] }),
  width: z.unknown().optional(),
  height: z.unknown().optional(),
})

const Output = z.object({ output: z.unknown(), usage: z.record(z.string(), z.unknown()).optional() })

const group = "AIHubMix"
// Clients of Black Forest Labs, whose tasks these are in form, send `x-key`.
const shared = { group, access: "key", keyHeader: "x-key", phrase } as const

const predictionRoute = (path: string, params: z.ZodObject, nameOf: (params: Record<string, string>) => string) =>
  route({
    ...shared,
    method: "POST",
    path,
    summary: "Make pictures with a model",
    counted: true,
    about:
      "Models that work in the background (FLUX) answer with `taskId` and `polling_url`; all others with the pictures, " +
      "in the shape of their family.",
    params,
    body: Prediction,
    answers: [{ status: 200, about: "The pictures, or the task that makes them.", schema: Output }],
    failures: [
      "invalid_request",
      "invalid_key",
      "unknown_model",
      "model_retired",
      "too_large",
      "content_refused",
      "provider_error",
      "provider_unavailable",
    ],
    handle: (call) => predict(call, nameOf(call.params as Record<string, string>)),
  })

export const predict2 = predictionRoute(
  "/v1/models/{provider}/{model}/predictions",
  z.object({ provider: z.string(), model: z.string() }),
  ({ provider, model }) => `${provider}/${model}`,
)

// The older document and several clients leave the provider out.
export const predict1 = predictionRoute(
  "/v1/models/{model}/predictions",
  z.object({ model: z.string() }),
  ({ model }) => model!,
)

type Predicting = Pick<Call, "app" | "caller" | "received" | "origin" | "signal" | "headers" | "repeat"> & {
  body: z.infer<typeof Prediction>
}

async function predict(call: Predicting, name: string): Promise<Answer> {
  const { app, caller, received, origin, signal, body } = call
  const model = findModel(app, name)
  const { parameters, format, warnings } = readPrediction(model, body)
  const wanted = {
    dialect: "aihubmix",
    model: model.id,
    parameters,
    at: "input.",
    warnings,
    received,
    repeat: call.repeat,
    signal,
    waited: !model.background,
  }
  const started = await startGeneration(app, caller, wanted)
  const generation = model.background
    ? started
    : await waitForGeneration(app, caller, started.id, { waitMs: Number.POSITIVE_INFINITY, signal })
  if (!model.background) throwUnlessSucceeded(generation)
  const headers = generationHeaders(app, origin, generation)
  const mirrored = isMirrored(app.config.aihubmixData, model, { input: body.input, headers: call.headers })
  return { status: 200, headers, json: answerOf(model)(app, origin, generation, { format, mirrored }) }
}

export const getTask = route({
  ...shared,
  method: "GET",
  path: "/v1/tasks/{taskId}",
  summary: "Read a task",
  params: z.object({ taskId: z.string() }),
  answers: [
    {
      status: 200,
      about: "Pending, Ready, Error, Request Moderated or Content Moderated.",
      schema: z.object({ id: z.string(), status: z.string(), result: z.unknown() }),
    },
  ],
  failures: ["invalid_key", "not_found"],
  phrase: (failure, requestId) => {
    const { status, body } = phrase(failure, requestId)
    return {
      status,
      body: failure.code === "not_found" ? { status: "Task not found", result: null, ...(body as object) } : body,
    }
  },
  async handle({ app, caller, params, origin }) {
    const generation = await findGeneration(app, caller, params.taskId)
    const wait: Record<string, string> = hasEnded(generation.status) ? {} : { "retry-after": "1" }
    return { status: 200, headers: wait, json: writeTaskState(app, origin, generation) }
  },
})
