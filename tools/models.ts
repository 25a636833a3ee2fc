// Writes docs/guide/models.md: for every model, what becomes of every parameter.
import { z } from "zod"
import { lastDayOf } from "../server/catalogue/lifecycle.ts"
import type { Model } from "../server/catalogue/model.ts"
import { leastPrice, microsPerCredit } from "../server/catalogue/price.ts"

type Field = {
  title?: string
  description?: string
  default?: unknown
  enum?: unknown[]
  const?: unknown
  type?: string
  minimum?: number
  maximum?: number
  multipleOf?: number
  maxLength?: number
  pattern?: string
  maxItems?: number
  items?: Field
  anyOf?: Field[]
  "x-mapped"?: string
}

// What the documents of AIHubMix list, for any family.
const documented = [
  ...["prompt", "size", "image", "n", "quality", "input_fidelity", "moderation", "background", "output_format"],
  ...["safety_tolerance", "aspect_ratio", "seed", "raw", "watermark", "sequential_image_generation"],
  ...["sequential_image_generation_options", "guidance", "rendering_speed"],
]

const table = (rows: string[][]): string => rows.map((cells) => `| ${cells.join(" | ")} |`).join("\n")

const code = (text: string): string => `\`${text}\``

/** Bounds that stand for "any whole number" say nothing. */
const isReal = (bound: number | undefined): bound is number => bound !== undefined && Math.abs(bound) < 2 ** 52

function rangeOf(field: Field): string {
  const { anyOf, enum: words, type, minimum, maximum, pattern, maxLength } = field
  if (field.const !== undefined) return code(JSON.stringify(field.const))
  if (words) return words.map((word) => code(String(word))).join(", ")
  if (anyOf) return [...new Set(anyOf.map(rangeOf).filter(Boolean))].join(" or ")
  if (type === "boolean") return "`true`, `false`"
  if (type === "array") return `a list${isReal(field.maxItems) ? ` of at most ${field.maxItems}` : ""}`
  if (type === "integer" || type === "number") {
    const from = isReal(minimum) ? String(minimum) : ""
    const to = isReal(maximum) ? String(maximum) : ""
    const bounds = from && to ? `${from} to ${to}` : from ? `from ${from}` : to ? `up to ${to}` : "any number"
    return field.multipleOf && field.multipleOf > 1 ? `${bounds}, multiples of ${field.multipleOf}` : bounds
  }
  if (pattern) return "text, as described"
  if (isReal(maxLength)) return `text of at most ${maxLength} characters`
  return type === "string" ? "text" : (type ?? "")
}

const inCell = (text: string): string => text.replaceAll("|", "\\|").replaceAll("\n", " ")

function rowOf([name, field]: [string, Field]): string[] {
  const { "x-mapped": mapped, description = "" } = field
  const fate = mapped === undefined ? "honoured" : `mapped: ${mapped}`
  const fallback = field.default === undefined ? "" : code(JSON.stringify(field.default))
  return [code(name), inCell(fate), rangeOf(field), fallback, inCell(description)]
}

const fieldsOf = (model: Model): [string, Field][] => {
  const { properties } = z.toJSONSchema(model.parameters, { io: "input" }) as { properties: Record<string, Field> }
  return Object.entries(properties)
}

function factsOf(model: Model, titles: Record<string, string>): string[] {
  const short = (id: string) => id.slice(id.indexOf("/") + 1)
  const end = lastDayOf(model)
  const life = end === undefined ? "" : `${end}${model.successor ? `, then ${code(model.successor)}` : ""}`
  const price = leastPrice(model)
  const vendors = [...new Set(model.routes.map(({ provider }) => titles[provider] ?? provider))]
  const names = [short(model.id), ...model.names].map(code)
  return [
    code(model.id),
    names.join(", "),
    model.imagesMax === 0 ? "none" : `${model.imagesMin} to ${model.imagesMax}`,
    price === undefined ? "" : `${price / microsPerCredit}`,
    life,
    vendors.join(", "),
  ]
}

/** Models that take the very same parameters stand together. */
function groupsOf(models: Model[]): Model[][] {
  const byFields = Map.groupBy(models, (model) => `${model.id.split("/")[0]} ${JSON.stringify(fieldsOf(model))}`)
  return [...byFields.values()]
}

function sectionOf(models: Model[]): string {
  const fields = fieldsOf(models[0]!)
  const refused = documented.filter((name) => !fields.some(([own]) => own === name))
  return `### ${models.map(({ id }) => id).join(", ")}

${table([["Parameter", "", "Takes", "Default", "Meaning"], Array(5).fill("---"), ...fields.map(rowOf)])}

${refused.length === 0 ? "" : `Refused: ${refused.map(code).join(", ")}, and any other name.\n`}`
}

export function writeModelsPage(models: Model[], titles: Record<string, string>): string {
  const families = Map.groupBy(models, ({ id }) => id.split("/")[0]!)
  const head = ["Model", "Also called", "Reference pictures", "Credits from", "Ends", "Served by"]
  const parts = [...families].map(
    ([family, all]) => `## ${family}

${table([head, Array(6).fill("---"), ...all.map((model) => factsOf(model, titles))])}

${groupsOf(all).map(sectionOf).join("\n")}`,
  )
  return `# Models and their parameters

Every given parameter is **honoured** as it is, **mapped** to what its vendor calls the same, or **refused** with an error that
names it; nothing is dropped or clamped. The same as JSON Schema: \`GET /v1/models/{id}\`. This page is written from
\`server/catalogue/\`.

A credit is US$0.01. Prices are for one picture without any parameter but the prompt; \`POST /v1/quotes\` prices a request.
The price of what a vendor bills by tokens is an upper bound.

For every model: \`numberOfImages\` and \`num_images\` are \`n\`; \`images\`, \`image_url\`, \`image_urls\`, \`refer_image\` and
\`input_image\` are \`image\`; \`aspectRatio\` is \`aspect_ratio\`. \`1024*1024\` is \`1024x1024\`, \`2k\` is \`2K\`, \`2x1\` is \`2:1\`,
\`jpg\` is \`jpeg\`. Pictures to start from are URLs, data URLs, base64 or ids of stored pictures. More pictures than a
vendor makes in one call become several calls.

${parts.join("\n")}`.replaceAll(/\n{3,}/g, "\n\n")
}
