// The catalogue: which models there are, whether they can be used now, and what each takes.
import { z } from "zod"
import type { OwnKeys } from "../../accounts/vendorKeys.ts"
import type { App } from "../../app.ts"
import { lifecycleHeaders } from "../../catalogue/lifecycle.ts"
import type { Model } from "../../catalogue/model.ts"
import type { Mode } from "../../egress/send.ts"
import { standingOf } from "../../generations/listing.ts"
import { findModel } from "../../generations/routes.ts"
import { route } from "../../http/route.ts"
import { phrase } from "./errors.ts"

const ModelAnswer = z.object({
  id: z.string(),
  object: z.literal("model"),
  created: z.int().meta({ description: "Unix seconds of its release." }),
  owned_by: z.string(),
  title: z.string(),
  description: z.string(),
  available: z.boolean().meta({ description: "Whether this key can use it now." }),
  unavailable_because: z.string().nullable(),
  stage: z
    .enum(["active", "deprecated", "retired"])
    .meta({ description: "Retired models are still served to test keys, by the sandbox." }),
  deprecated_at: z.string().nullable().meta({ description: "The day its end was announced." }),
  retires_at: z.string().nullable().meta({ description: "The first day without it, where that is known." }),
  successor: z.string().nullable(),
  credits_from: z
    .number()
    .nullable()
    .meta({ description: "What one picture costs by default. `POST /v1/quotes` prices a request." }),
  images_min: z.int().meta({ description: "How many reference pictures it needs." }),
  images_max: z.int().meta({ description: "How many reference pictures it takes." }),
})

const group = "Models"

export const listModels = route({
  method: "GET",
  path: "/v1/models",
  group,
  summary: "List the models",
  access: "key",
  answers: [
    {
      status: 200,
      about: "All of them, as OpenAI lists models, with more said of each.",
      schema: z.object({ object: z.literal("list"), data: z.array(ModelAnswer) }),
    },
  ],
  failures: ["invalid_key"],
  phrase,
  async handle({ app, caller }) {
    const own = await app.vendorKeys.of(caller.projectId)
    const data = app.catalogue.models.map((model) => writeModel(app, own, model, caller.mode))
    return { status: 200, json: { object: "list", data } }
  },
})

const describeModel = (path: string, params: z.ZodObject, nameOf: (params: Record<string, string>) => string) =>
  route({
    method: "GET",
    path,
    group,
    summary: "Read a model, with the JSON Schema of its parameters",
    access: "key",
    params,
    answers: [
      {
        status: 200,
        about: "The model.",
        schema: ModelAnswer.extend({ parameters: z.record(z.string(), z.unknown()) }),
      },
    ],
    failures: ["invalid_key", "unknown_model"],
    phrase,
    async handle({ app, caller, params: given, origin }) {
      const model = findModel(app, nameOf(given as Record<string, string>))
      const own = await app.vendorKeys.of(caller.projectId)
      const parameters = z.toJSONSchema(model.parameters, { io: "input" })
      const headers = lifecycleHeaders(model, (id) => `${origin}/v1/models/${id}`)
      return { status: 200, headers, json: { ...writeModel(app, own, model, caller.mode), parameters } }
    },
  })

export const getModel = describeModel(
  "/v1/models/{provider}/{model}",
  z.object({ provider: z.string(), model: z.string() }),
  ({ provider, model }) => `${provider}/${model}`,
)

// Clients of OpenAI write the name in one piece, its slash escaped.
export const getModelByOneName = describeModel(
  "/v1/models/{model}",
  z.object({ model: z.string() }),
  ({ model }) => model!,
)

const writeModel = (app: Pick<App, "config" | "clock">, own: OwnKeys, model: Model, mode: Mode) => ({
  id: model.id,
  object: "model",
  created: model.released,
  owned_by: model.id.split("/")[0],
  title: model.title,
  description: model.description,
  ...standingOf(app, own, model, mode),
  images_min: model.imagesMin,
  images_max: model.imagesMax,
})
