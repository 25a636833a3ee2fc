// AIHubMix's public list of models, in its shape: lists are texts with commas, names have no family.
import { z } from "zod"
import { lastDayOf, stageOf } from "../../catalogue/lifecycle.ts"
import type { Model } from "../../catalogue/model.ts"
import { leastPrice, microsPerCredit } from "../../catalogue/price.ts"
import { route } from "../../http/route.ts"
import { phrase } from "./errors.ts"

const type = "image_generation"

const ModelEntry = z.object({
  model_id: z.string(),
  model_name: z.string(),
  developer_id: z.int(),
  desc: z.string(),
  pricing: z.object({
    input: z.number(),
    output: z.number(),
    cache_read: z.number(),
    per_image: z.number().nullable().meta({ description: "US dollars for a picture by default." }),
  }),
  types: z.string(),
  features: z.string(),
  input_modalities: z.string(),
  output_modalities: z.string(),
  endpoints: z.string(),
  context_length: z.int(),
  max_output: z.int(),
  release_date: z.string(),
  last_updated: z.string(),
  schema_checked: z.boolean(),
  retire_stage: z.enum(["active", "deprecated", "retired"]),
  deprecated_at: z.string().nullable(),
  retired_at: z.string().nullable(),
  successor_model: z.string().nullable(),
})

const orders = {
  model_id: (a: Model, b: Model) => shortName(a.id).localeCompare(shortName(b.id)),
  release_date: (a: Model, b: Model) => b.released - a.released,
}

export const listCatalog = route({
  method: "GET",
  path: "/api/v1/models",
  group: "AIHubMix",
  summary: "List the models, as AIHubMix's catalogue does",
  access: "anyone",
  query: z.looseObject({
    type: z
      .string()
      .optional()
      .meta({ description: `Only \`${type}\` has any.` }),
    sort_by: z
      .string()
      .optional()
      .meta({ description: `${Object.keys(orders).join(" or ")}.` }),
  }),
  answers: [{ status: 200, about: "The models.", schema: z.object({ data: z.array(ModelEntry) }) }],
  failures: [],
  phrase,
  handle({ app, query }) {
    const wanted = (query.type ?? type).split(",").includes(type) ? app.catalogue.models : []
    const order = orders[query.sort_by as keyof typeof orders]
    const data = (order ? wanted.toSorted(order) : wanted).map((model) => writeEntry(model, app.clock.now()))
    return { status: 200, json: { data } }
  },
})

const shortName = (id: string): string => id.slice(id.indexOf("/") + 1)

function writeEntry(model: Model, now: number): z.infer<typeof ModelEntry> {
  const price = leastPrice(model)
  const released = new Date(model.released * 1000).toISOString().slice(0, 10)
  return {
    model_id: shortName(model.id),
    model_name: model.title,
    developer_id: developerOf(model.id),
    desc: model.description,
    // The first three are for words, by the million; pictures have a price of their own.
    pricing: {
      input: 0,
      output: 0,
      cache_read: 0,
      per_image: price === undefined ? null : price / microsPerCredit / 100,
    },
    types: type,
    features: "",
    input_modalities: model.imagesMax > 0 ? "text,image" : "text",
    output_modalities: "image",
    endpoints: `/v1/models/${model.id}/predictions,/v1/images/generations`,
    context_length: 0,
    max_output: 0,
    release_date: released,
    last_updated: released,
    schema_checked: true,
    retire_stage: stageOf(model, now),
    deprecated_at: model.deprecated ?? null,
    retired_at: lastDayOf(model) ?? null,
    successor_model: model.successor === undefined ? null : shortName(model.successor),
  }
}

/** A number for each family, the same always; AIHubMix's own numbers are its own. */
function developerOf(id: string): number {
  let number = 0
  for (const letter of id.slice(0, id.indexOf("/"))) number = (number * 31 + letter.charCodeAt(0)) % 10_000
  return number
}
