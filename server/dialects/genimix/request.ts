// Reads a request of Genimix' API: which model its provider and modelId mean, and that it makes one picture.
import type { App } from "../../app.ts"
import type { Model } from "../../catalogue/model.ts"
import { readInput } from "../../catalogue/read.ts"
import { GatewayError } from "../../errors.ts"
import type { Failure } from "../../errors.ts"
import { nearest } from "../../nearest.ts"

// Genimix' names of providers, where they are not those of our families.
const families: Record<string, string> = { gemini: "google" }

// What Genimix lists and no vendor serves any more; it was gone before there was a row for it here.
const gone: Record<string, { why: string; successor: string }> = {
  "openai/dall-e-2": { why: "OpenAI shut it down on 2026-05-12.", successor: "openai/gpt-image-2" },
  "google/gemini-2.0-flash-preview-image-generation": {
    why: "It was a preview, and Google has shut it down.",
    successor: "google/gemini-nano-banana-2.1",
  },
}

/** Throws `unknown_model` with the nearest, or `model_retired` with what is to be used instead. */
export function readModel(app: Pick<App, "catalogue">, provider: string, modelId: string): Model {
  const wanted = provider.trim().toLowerCase()
  const name = `${families[wanted] ?? wanted}/${modelId.trim()}`
  const model = app.catalogue.find(name)
  if (model) return model
  const asked = `modelId ${shown(modelId)} of provider ${shown(provider)}`
  const end = gone[name.toLowerCase()]
  if (end) {
    const detail = `${asked} is no longer served: ${end.why} Use ${inTheirWords(end.successor)} instead.`
    throw refused("modelId", { code: "model_retired", detail, successor: end.successor })
  }
  const known = [...new Set([...app.catalogue.models.map(({ id }) => familyOf(id)), ...Object.keys(families)])]
  const near = [...new Set([...app.catalogue.nearest(name), ...app.catalogue.nearest(modelId)])].slice(0, 3)
  const hint = near.length > 0 ? `Did you mean ${near.map(inTheirWords).join(" or ")}?` : "GET /v1/models lists them."
  if (known.includes(wanted))
    throw refused("modelId", { code: "unknown_model", detail: `There is no ${asked}. ${hint}` })
  const [similar = known.join(", ")] = nearest(wanted, known)
  const providers = `There is no provider ${shown(provider)}; did you mean ${similar}?`
  const detail = near.length > 0 ? `There is no ${asked}. ${hint}` : `There is no ${asked}. ${providers}`
  throw refused("provider", { code: "unknown_model", detail })
}

const shown = (text: string): string => JSON.stringify(text.slice(0, 128))

const familyOf = (id: string): string => id.split("/")[0]!

const inTheirWords = (id: string): string =>
  `provider "${familyOf(id)}" with modelId "${id.slice(familyOf(id).length + 1)}"`

const refused = (param: string, failure: Failure & { detail: string }) =>
  new GatewayError({ ...failure, problems: [{ param, message: failure.detail }] })

/** One id names one picture, so a request that may make more is refused. */
export function checkOnePicture(model: Model, parameters: Record<string, unknown>): void {
  const { input, images, mask } = readInput(model, parameters)
  const most = model.picturesMax({ input, images: images.length, mask: mask !== undefined })
  if (most <= 1) return
  const detail = `n must be 1: an image id names one picture, and this request may make ${most}`
  throw refused("n", { code: "invalid_request", detail })
}
