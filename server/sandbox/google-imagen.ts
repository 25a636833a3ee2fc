// Imagen's predict: what a request asks for, checked as Google checks it, and its answer.
import { randomInt } from "node:crypto"
import { z } from "zod"
import { base64Pieces, jsonAnswer, textBody } from "./bodies.ts"
import { inCamelCase } from "./google-content.ts"
import { refuseByModel, refuseIssue } from "./google-errors.ts"
import type { Refusal } from "./google-errors.ts"
import { pixelsOf } from "./google-models.ts"
import type { Model, Surface } from "./google-models.ts"
import type { Answer, Pace } from "./imitation.ts"
import type { Mishap } from "./mishaps.ts"
import { draw } from "./picture.ts"
import type { Format, Size } from "./picture.ts"

export type ImagenWish = Size & {
  prompt: string
  count: number
  seed: number
  format: Format
  quality?: number
  /** Whether filtered pictures are to be accounted for. */
  reasons: boolean
  /** Whether the safety of the prompt is to be told. */
  attributes: boolean
  enhanced: boolean
}

/** Words in either case. */
const word = <const Words extends readonly [string, ...string[]]>(...words: Words) =>
  z.string().toLowerCase().pipe(z.enum(words)).nullish()

const parameters = {
  sampleCount: z.int().nullish(),
  aspectRatio: z.string().nullish(),
  sampleImageSize: z.string().nullish(),
  personGeneration: word("dont_allow", "allow_adult", "allow_all"),
  safetySetting: word("block_low_and_above", "block_medium_and_above", "block_only_high", "block_none"),
  language: z.enum(["auto", "en", "zh", "zh-CN", "zh-TW", "hi", "ja", "ko", "pt", "es"]).nullish(),
  guidanceScale: z.number().nullish(),
  includeRaiReason: z.boolean().nullish(),
  includeSafetyAttributes: z.boolean().nullish(),
  outputOptions: z
    .strictObject({
      mimeType: z.enum(["image/png", "image/jpeg"]).nullish(),
      compressionQuality: z.int().min(0).max(100).nullish(),
    })
    .nullish(),
}

const vertexParameters = {
  negativePrompt: z.string().nullish(),
  seed: z.int().min(0).nullish(),
  addWatermark: z.boolean().nullish(),
  enhancePrompt: z.boolean().nullish(),
}

const instances = z.array(z.strictObject({ prompt: z.string().min(1) })).length(1)

const requests = {
  gemini: z.strictObject({ instances, parameters: z.strictObject(parameters).nullish() }),
  vertex: z.strictObject({
    instances,
    parameters: z.strictObject({ ...parameters, ...vertexParameters }).nullish(),
    labels: z.record(z.string(), z.string()).nullish(),
  }),
}

type Parameters = z.infer<z.ZodObject<typeof parameters>>
type VertexParameters = z.infer<z.ZodObject<typeof vertexParameters>>

export function readImagenWish(given: unknown, model: Model, surface: Surface): ImagenWish | Refusal {
  const parsed = requests[surface].safeParse(inCamelCase(given), { reportInput: true })
  if (!parsed.success) return refuseIssue(parsed.error.issues[0]!)
  const asked: Parameters & Partial<VertexParameters> = parsed.data.parameters ?? {}
  // Documented as the default of both; whoever wants one says so.
  const count = asked.sampleCount ?? model.most[surface]
  const ratio = asked.aspectRatio ?? "1:1"
  const size = asked.sampleImageSize?.toUpperCase()
  const refusal = refuseParameters(model, surface, { ...asked, count, ratio, size })
  if (refusal) return refusal
  const format = asked.outputOptions?.mimeType === "image/jpeg" ? "jpeg" : "png"
  return {
    ...pixelsOf(model, ratio, size ?? "1K"),
    ...{ prompt: parsed.data.instances[0]!.prompt, count, format, seed: asked.seed ?? randomInt(2 ** 31) },
    ...(format === "jpeg" && { quality: Math.max(1, asked.outputOptions?.compressionQuality ?? 75) }),
    reasons: asked.includeRaiReason === true,
    attributes: asked.includeSafetyAttributes === true,
    enhanced: asked.enhancePrompt === true,
  }
}

type Asked = Partial<VertexParameters> & { count: number; ratio: string; size: string | undefined }

/** UNVERIFIED: the words. */
function refuseParameters(model: Model, surface: Surface, asked: Asked): Refusal | undefined {
  const { count, ratio, size, seed, addWatermark } = asked
  const most = model.most[surface]
  if (count < 1 || count > most) return refuseByModel(`sampleCount must be from 1 to ${most}.`)
  if (!(ratio in model.pixels)) return refuseByModel(`aspectRatio ${ratio} is not supported.`)
  if (size !== undefined && !model.sizes.includes(size))
    return refuseByModel(`sampleImageSize ${size} is not supported for ${model.id}.`)
  if (seed !== undefined && seed !== null && addWatermark !== false)
    return refuseByModel("Seed is not supported when watermark is enabled.")
  return undefined
}

export type ImagenJob = { wish: ImagenWish; model: Model; mishap: Mishap | undefined; pace: Pace }

const filtered = {
  raiFilteredReason:
    "Unable to show generated images. All images were filtered out because they violated Google's Responsible AI practices. You will not be charged for blocked images. Try rephrasing the prompt. Support codes: 56562880",
}

const positivePrompt = {
  contentType: "Positive Prompt",
  safetyAttributes: { categories: ["Violence"], scores: [0] },
}

/** Without refusals by an error body, which come before this. */
export function imagenAnswer(job: ImagenJob): Answer {
  const { wish, mishap, pace } = job
  if (mishap === "sandbox:moderation-output") return jsonAnswer(200, wish.reasons ? { predictions: [filtered] } : {})
  if (mishap === "sandbox:no-image") return jsonAnswer(200, { predictions: [] })
  return {
    status: 200,
    headers: { "content-type": "application/json; charset=UTF-8" },
    body: textBody(predictions(job)),
    delayMs: pace === "human" ? 1_000 * wish.count : 0,
  }
}

async function* predictions({ wish, model, mishap }: ImagenJob): AsyncGenerator<string> {
  const { prompt, width, height, format, quality } = wish
  yield `{"predictions":[`
  for (let index = 0; index < wish.count; index++) {
    const seed = wish.seed + index
    const picture = { prompt, seed, model: model.id, width, height, format, ...(quality !== undefined && { quality }) }
    const rewritten = wish.enhanced ? `"prompt":${JSON.stringify(`${prompt}, painted offline by the sandbox`)},` : ""
    yield `${index > 0 ? "," : ""}{"mimeType":"image/${format}",${rewritten}"bytesBase64Encoded":"`
    if (mishap === "sandbox:bad-base64") yield "@@not*base64@@"
    yield* base64Pieces(await draw(picture))
    yield `"}`
  }
  yield wish.attributes ? `,${JSON.stringify(positivePrompt)}]}` : "]}"
}
