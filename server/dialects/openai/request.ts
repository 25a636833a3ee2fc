// Reads a request of OpenAI's Images API: what of it is for the model, and what is about the answer.
import type { App } from "../../app.ts"
import { fromText } from "../../catalogue/forms.ts"
import { GatewayError } from "../../errors.ts"
import type { Problem } from "../../errors.ts"
import { findModel } from "../../generations/routes.ts"
import { nearest } from "../../nearest.ts"

export type OpenAiRequest = {
  model: string
  parameters: Record<string, unknown>
  stream: boolean
  /** How the caller wants pictures; undefined where he left it to the model. */
  format: "url" | "b64_json" | undefined
  warnings: string[]
}

// What OpenAI puts in place of the models that its API once took by default.
export const defaultModel = "openai/gpt-image-2"

const formats = ["url", "b64_json"] as const

// AIHubMix' word for the same.
const spelled = (format: unknown): unknown => (format === "base64_json" ? "b64_json" : (format ?? undefined))

export function readRequest(app: Pick<App, "catalogue">, body: Record<string, unknown>): OpenAiRequest {
  const { model, stream, response_format, user, images, mask, ...rest } = body
  const problems: Problem[] = []
  const name = model === undefined || model === null ? defaultModel : model
  if (typeof name !== "string") problems.push({ param: "model", message: "model must be a string" })
  const format = spelled(response_format)
  if (format !== undefined && !formats.includes(format as "url"))
    problems.push({ param: "response_format", message: 'response_format must be "url" or "b64_json"' })
  const streams = readBoolean(stream)
  if (streams === undefined) problems.push({ param: "stream", message: "stream must be true or false" })
  const pictures = {
    ...(images === undefined || images === null ? {} : { image: readImages(images, problems) }),
    ...(mask === undefined || mask === null ? {} : { mask: linkOf(mask, "mask", problems) }),
  }
  if ("image" in pictures && rest["image"] !== undefined)
    problems.push({ param: "images", message: "image and images cannot both be given" })
  if (rest["partial_images"] !== undefined && streams === false)
    problems.push({ param: "partial_images", message: "partial_images needs stream: true" })
  if (problems.length > 0) throw refused(problems)
  return {
    model: name as string,
    parameters: { ...fromText(findModel(app, name as string), rest), ...pictures },
    stream: streams ?? false,
    format: format as OpenAiRequest["format"],
    // A name for the end user, for OpenAI's own abuse reports; nothing here reads it.
    warnings: user === undefined || user === null ? [] : ["user is not passed on"],
  }
}

const refused = (problems: Problem[]) =>
  new GatewayError({ code: "invalid_request", detail: problems.map(({ message }) => message).join("; "), problems })

/** `images` as OpenAI's JSON form of an edit has it: objects that hold a link; plain strings are taken as well. */
function readImages(images: unknown, problems: Problem[]): unknown {
  const all = Array.isArray(images) ? images : [images]
  return all.map((item) => linkOf(item, "images", problems))
}

function linkOf(item: unknown, param: string, problems: Problem[]): unknown {
  if (typeof item !== "object" || item === null) return item
  const { image_url, file_id, ...others } = item as { image_url?: unknown; file_id?: unknown }
  if (file_id !== undefined)
    problems.push({
      param: `${param}.file_id`,
      message: "file_id is not served here; send image_url, with a URL or a data URL",
    })
  for (const name of Object.keys(others)) {
    const [near] = nearest(name, ["image_url"])
    problems.push({
      param: `${param}.${name}`,
      message: `${param} takes image_url, not ${near === undefined ? name : `${name}`}`,
    })
  }
  return image_url
}

function readBoolean(value: unknown): boolean | undefined {
  if (value === undefined || value === null || value === false || value === "false") return false
  return value === true || value === "true" ? true : undefined
}
