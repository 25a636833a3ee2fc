// Baidu Qianfan: one call, links back. Reference: https://cloud.baidu.com/doc/qianfan-api/s/8m7u6un8a, for edits
// Rm9m76ekf, for errors rmwbl43x7
import { z } from "zod"
import { base64Of } from "../bodies/write.ts"
import { defineProvider } from "./provider.ts"
import type {
  AnsweredPicture,
  Outcome,
  ProviderRequest,
  ReferencePicture,
  VendorFailure,
  VendorInput,
} from "./provider.ts"

type QianfanParameters = {
  prompt?: string
  n: number
  size?: string
  seed?: number
  steps?: number
  guidance?: number
  negative_prompt?: string
  prompt_upsampling?: boolean
  watermark?: boolean
  feature?: string
}

const sizes: Record<string, string> = { "1K": "1024x1024", "2K": "2048x2048" }

function writeRequest(model: string, input: VendorInput<QianfanParameters>): ProviderRequest {
  const { prompt, n, size = "auto", seed, steps, guidance, negative_prompt, prompt_upsampling, watermark } = input
  const json = {
    model,
    // Empty texts say nothing, and the vendor refuses some of them.
    ...(prompt ? { prompt } : {}),
    ...(negative_prompt ? { negative_prompt } : {}),
    ...picturesOf(model, input),
    ...(picturesPerCall(model) > 1 ? { n } : {}),
    ...(size === "auto" ? {} : { size: sizes[size] ?? size }),
    ...{ seed, steps, guidance, prompt_extend: prompt_upsampling },
    // Named even where it is the documents' default, since the vendor's own is none.
    watermark,
  }
  return { method: "POST", path: model.endsWith("-edit") ? "/images/edits" : "/images/generations", json }
}

function picturesOf(model: string, { images, mask, feature }: VendorInput<QianfanParameters>): object {
  const pictures = images.map(dataUrl)
  const [first] = pictures
  if (model === "irag-1.0") return first === undefined ? {} : { refer_image: first }
  const image = pictures.length > 1 ? pictures : first
  if (model !== "ernie-irag-edit") return image === undefined ? {} : { image }
  const kind = feature ?? (mask ? "repaint" : "variation")
  return { image, feature: kind, ...(mask ? { mask: dataUrl(mask) } : {}) }
}

const dataUrl = (picture: ReferencePicture) => base64Of(picture, `data:${picture.mediaType};base64,`)

// UNVERIFIED for edits with ERNIE iRAG, whose page names no number: one surely works.
const picturesPerCall = (model: string): number => (model === "irag-1.0" ? 4 : 1)

// The picture is paid for: it must not be lost to something beside it that cannot be read.
const text = z.string().nullish().catch(null)

// UNVERIFIED: bytes instead of a link, which are never asked for.
const Answer = z.object({ data: z.array(z.object({ url: text, b64_json: text })).nullish() })

function readResponse(body: unknown): Outcome {
  const { data } = Answer.parse(body)
  const pictures = (data ?? []).flatMap(({ url, b64_json }): AnsweredPicture[] => {
    if (b64_json) return [{ mark: b64_json }]
    return url ? [{ url: secure(url) }] : []
  })
  return { state: "done", pictures }
}

/** Links often come without encryption, which the same hosts speak as well. */
const secure = (url: string): string => url.replace(/^http:(?=\/\/[\w.-]+\.bcebos\.com\/)/i, "https:")

const refused = (what: string): VendorFailure => ({
  code: "content_refused",
  refused: "prompt",
  detail: `The vendor's filter refused ${what}.`,
})
const wrong = (param: string, message: string): VendorFailure => ({
  code: "invalid_request",
  detail: message,
  problems: [{ param, message }],
})
const unavailable = (detail: string): VendorFailure => ({ code: "provider_unavailable", detail, untouched: true })

const tooLong = wrong("prompt", "The prompt is too long for the model.")
// Only pictures that were made are billed.
const fault: VendorFailure = { code: "provider_error", untouched: true }

const meanings: Record<string, VendorFailure> = {
  invalid_image_generation_prompt: refused("the prompt"),
  invalid_image_generation_refer_image: refused("a reference picture"),
  image_url_unsafe: refused("a reference picture"),
  characters_too_long: tooLong,
  tokens_too_long: tooLong,
  invalid_image_url: wrong("image", "The vendor could not read a reference picture."),
  // Said with 400 of a model that there is not, and with 401 of one that the key may not use.
  invalid_model: unavailable("The vendor does not serve this model to this server's account."),
  // Of a wrong path as well: the caller has chosen neither.
  method_not_supported: unavailable("The vendor does not answer at this server's address for it."),
  internal_error: fault,
  dispatch_internal_error: fault,
  image_generation_internal_error: fault,
}

const Refusal = z.object({ error: z.object({ code: z.string() }) })

function readFailure(_status: number, body: unknown): VendorFailure | undefined {
  const parsed = Refusal.safeParse(body)
  if (!parsed.success) return undefined
  // Three codes were misspelt until the page of November 2026 set them right; either may come.
  const code = parsed.data.error.code.toLowerCase().replace("genration", "generation").replace("interal", "internal")
  if (Object.hasOwn(meanings, code)) return meanings[code]
  if (code.endsWith("_unsafe")) return { code: "content_refused" }
  if (code.endsWith("_rate_limit_exceeded")) return { code: "provider_busy", untouched: true }
  // UNVERIFIED: Baidu lists such a code, with 429, for its search on the same host; for pictures it lists none.
  return /insufficient_balance|overdue|arrear/.test(code)
    ? unavailable("The vendor's account has no credit left.")
    : undefined
}

export const qianfan = defineProvider<QianfanParameters>({
  id: "qianfan",
  title: "Baidu Qianfan",
  baseUrl: "https://qianfan.baidubce.com/v2",
  notes: [
    "Outside of China Baidu has accounts and keys of another kind: set `QIANFAN_BASE_URL=https://api.baiduqianfan.ai/v1` for them.",
    "A picture of Qwen-Image takes about a minute.",
    "Whether iRAG 1.0 and ERNIE iRAG Edit still run is not known: they are documented, but a probe in September 2026 met an error.",
  ],
  linkHosts: [],
  authorize: (key) => ({ authorization: `Bearer ${key}` }),
  pictureKeys: ["b64_json"],
  limits: { imagesPerCall: picturesPerCall, references: 3, deadlineMs: 600_000 },
  writeRequest,
  readResponse,
  readFailure,
})
