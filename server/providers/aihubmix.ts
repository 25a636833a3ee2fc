// AIHubMix, which serves the models of many vendors under one API, and any other Atelier, which serves the same.
// Reference: https://docs.aihubmix.com/en/api/Image-Gen of 2026-06-01, and the published clients of it.
import { base64Of } from "../bodies/write.ts"
import { readResponse } from "./aihubmixAnswers.ts"
import { readFailure } from "./aihubmixFailures.ts"
import { defineProvider } from "./provider.ts"
import type { ProviderRequest, ReferencePicture, VendorInput } from "./provider.ts"

// The names that this server has for parameters are those of AIHubMix's documents, so that most go out as they came.
type AihubmixParameters = Record<string, unknown> & { prompt?: string; n: number }

function writeRequest(model: string, input: VendorInput<AihubmixParameters>): ProviderRequest {
  const { images, mask, n, ...given } = input
  const pictures = images.map(dataUrl)
  // UNVERIFIED for several: the documents speak of a picture, and clients send a list to some families.
  const image = pictures.length > 1 ? pictures : pictures[0]
  const { aspect_ratio, ...same } = Object.fromEntries(
    Object.entries(given).filter(([name, value]) => needsSaying(model, name, value)),
  )
  const fields = {
    ...same,
    ...countOf(model, n),
    ...(aspect_ratio === undefined ? {} : { [isImagen(model) ? "aspectRatio" : "aspect_ratio"]: aspect_ratio }),
    ...(image === undefined ? {} : { [pictureNameOf(model)]: image }),
    ...(mask ? { mask: dataUrl(mask) } : {}),
  }
  return { method: "POST", path: `/models/${model}/predictions`, json: { input: fields } }
}

const dataUrl = (picture: ReferencePicture) => base64Of(picture, `data:${picture.mediaType};base64,`)

const isImagen = (model: string): boolean => model.startsWith("google/imagen")

// The formats that vendors make by themselves. OpenAI's has to be said: AIHubMix makes jpeg of it.
const ownFormats: Record<string, string> = { doubao: "jpeg", google: "png", stability: "png" }

/** What goes without saying is not said, to vendors behind that may refuse what they do not know. */
function needsSaying(model: string, name: string, value: unknown): boolean {
  if (value === undefined) return false
  if (["size", "quality", "background", "moderation"].includes(name)) return value !== "auto"
  if (name === "output_format") return value !== ownFormats[model.split("/")[0]!]
  // Early states cannot be had here; only their absence can be asked for.
  return name !== "partial_images"
}

/** Each family has its own word, or none: a model that makes one picture a call is not told a number. */
function countOf(model: string, n: number): object {
  if (isImagen(model)) return { numberOfImages: n }
  return /^(?:openai|qianfan|stability)\/(?!.*-edit$)/.test(model) ? { n } : {}
}

/** FLUX takes the name that Black Forest Labs has for it, Baidu's models that make pictures from text another. */
function pictureNameOf(model: string): string {
  if (model.startsWith("bfl/")) return "input_image"
  return /^qianfan\/(?!.*-edit)/.test(model) ? "refer_image" : "image"
}

export const aihubmix = defineProvider<AihubmixParameters>({
  id: "aihubmix",
  title: "AIHubMix",
  probe: "/models",
  baseUrl: "https://aihubmix.com/v1",
  notes: [
    "Every model goes here last, by the path that AIHubMix's documents print. A model that it does not serve is refused and nothing is charged.",
    "Another Atelier can stand behind this one: set `AIHUBMIX_BASE_URL` to its address and `AIHUBMIX_API_KEY` to one of its keys.",
    "Never seen live: the answers of Imagen, Ideogram, Stability and DALL·E 3, and several reference pictures for FLUX.",
  ],
  linkHosts: [],
  authorize: (key) => ({ authorization: `Bearer ${key}` }),
  pictureKeys: ["bytesBase64", "b64_json", "base64_json"],
  limits: {
    imagesPerCall: (model) => (model.startsWith("openai/gpt-image") ? 10 : model.startsWith("google/imagen") ? 4 : 1),
    references: 16,
    deadlineMs: 600_000,
  },
  writeRequest,
  readResponse,
  readFailure,
})
