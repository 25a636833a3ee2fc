// Reads the input of a prediction, with what AIHubMix documents as defaults and what its clients write differently.
import type { IncomingHttpHeaders } from "node:http"
import type { App } from "../../app.ts"
import type { Model } from "../../catalogue/model.ts"

export type Format = "url" | "b64_json" | undefined

export type Prediction = { parameters: Record<string, unknown>; format: Format; warnings: string[] }

// One client writes the picture's sides beside `input`.
const besideInput = ["width", "height"]

type Body = { input: Record<string, unknown> } & Record<string, unknown>

export function readPrediction(model: Model, body: Body): Prediction {
  const { input, ...beside } = body
  const strays = Object.fromEntries(Object.entries(beside).filter(([name]) => besideInput.includes(name)))
  const { stream, response_format, ...parameters } = { ...strays, ...input }
  const format = response_format === "base64_json" ? "b64_json" : response_format
  const known = format === "url" || format === "b64_json"
  return {
    parameters: {
      ...withNumbers(withDefaults(model, withoutMeaningless(model, parameters))),
      // What is not known here is left in, for the model to refuse by name.
      ...(stream === undefined || stream === false ? {} : { stream }),
      ...(response_format === undefined || known ? {} : { response_format }),
    },
    format: known ? format : undefined,
    warnings: meaningless(model, parameters).map((name) => `${name} means nothing to ${model.id} and was passed over`),
  }
}

// One plugin sends the same fields to every model under openai/, and to those of doubao one that none of them has.
const passedOver: [models: RegExp, names: string[]][] = [
  [/^openai\/dall-e-3$/, ["moderation", "background"]],
  [/^doubao\//, ["image_strength"]],
]

const meaningless = (model: Model, given: Record<string, unknown>): string[] =>
  passedOver
    .flatMap(([models, names]) => (models.test(model.id) ? names : []))
    .filter((name) => given[name] !== undefined)

function withoutMeaningless(model: Model, given: Record<string, unknown>): Record<string, unknown> {
  const names = meaningless(model, given)
  return Object.fromEntries(Object.entries(given).filter(([name]) => !names.includes(name)))
}

/**
 * Whether the pictures are to stand under `data` as well: one client looks for them nowhere else, and others, which look
 * everywhere, would then count each twice. It names pictures `images` and comes with the AI SDK.
 */
export function isMirrored(mirror: App["config"]["aihubmixData"], model: Model, call: Marks): boolean {
  if (mirror !== "auto") return mirror === "always"
  const { input, headers } = call
  const named = Array.isArray(input["images"]) && input["image"] === undefined
  const bySdk = /\bai-sdk\/provider-utils\b/.test(headers["user-agent"] ?? "")
  const byTitle = /^cherry studio$/i.test(String(headers["x-title"] ?? ""))
  return model.id.startsWith("qianfan/") && (named || bySdk || byTitle)
}

type Marks = { input: Record<string, unknown>; headers: IncomingHttpHeaders }

/** AIHubMix documents jpeg as the default for OpenAI's models, which themselves make png; jpeg cannot be transparent. */
function withDefaults(model: Model, given: Record<string, unknown>): Record<string, unknown> {
  const isGpt = model.id.startsWith("openai/gpt-image")
  if (!isGpt || given["output_format"] !== undefined || given["background"] === "transparent") return given
  return { ...given, output_format: "jpeg" }
}

/** The vendor's own MCP server writes this number as text. */
function withNumbers(given: Record<string, unknown>): Record<string, unknown> {
  const { safety_tolerance: tolerance } = given
  return typeof tolerance === "string" && /^\d$/.test(tolerance)
    ? { ...given, safety_tolerance: Number(tolerance) }
    : given
}
