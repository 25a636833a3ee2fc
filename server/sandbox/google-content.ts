// What a request to generateContent asks for, checked as Google checks it for the model named.
import { randomInt } from "node:crypto"
import { z } from "zod"
import { isRefusal, refuseByModel, refuseIssue } from "./google-errors.ts"
import type { Refusal } from "./google-errors.ts"
import { nearestRatio, pixelsOf, ratiosOf } from "./google-models.ts"
import type { Model, Surface } from "./google-models.ts"
import { inspect, seedOf } from "./picture.ts"
import type { Format, Size } from "./picture.ts"

export type ContentWish = Size & {
  prompt: string
  seed: number
  size: string
  format: Format
  quality?: number
  inputs: Buffer[]
  /** Whether words may come, and a picture. */
  words: boolean
  picture: boolean
  thoughts: boolean
}

/** Fields that are known and have nothing to do with a picture. */
const known = (...names: string[]) => Object.fromEntries(names.map((name) => [name, z.unknown().optional()]))

/** The API reads words in any case. */
const word = <const Words extends readonly [string, ...string[]]>(...words: Words) =>
  z.string().toUpperCase().pipe(z.enum(words))

const Blob = z.strictObject({ mimeType: z.string(), data: z.string(), ...known("displayName") })

const Part = z.strictObject({
  text: z.string().nullish(),
  inlineData: Blob.nullish(),
  fileData: z.strictObject({ mimeType: z.string().nullish(), fileUri: z.string() }).nullish(),
  ...known("thought", "thoughtSignature", "mediaResolution", "mediaProcessing", "videoMetadata", "partMetadata"),
  ...known("functionCall", "functionResponse", "toolCall", "toolResponse", "executableCode", "codeExecutionResult"),
})

const imageConfig = { aspectRatio: z.string().nullish(), imageSize: z.string().nullish() }

const vertexImageConfig = {
  ...imageConfig,
  personGeneration: word("ALLOW_ALL", "ALLOW_ADULT", "ALLOW_NONE").nullish(),
  prominentPeople: word("ALLOW_PROMINENT_PEOPLE", "BLOCK_PROMINENT_PEOPLE").nullish(),
  imageOutputOptions: z
    .strictObject({
      mimeType: z.enum(["image/png", "image/jpeg"]).nullish(),
      compressionQuality: z.int().min(0).max(100).nullish(),
    })
    .nullish(),
}

const thresholds = ["BLOCK_LOW_AND_ABOVE", "BLOCK_MEDIUM_AND_ABOVE", "BLOCK_ONLY_HIGH", "BLOCK_NONE", "OFF"] as const

const requestOf = (image: typeof imageConfig | typeof vertexImageConfig, ...names: string[]) =>
  z.strictObject({
    contents: z.array(z.strictObject({ role: z.string().nullish(), parts: z.array(Part).min(1) })).min(1),
    generationConfig: z
      .strictObject({
        responseModalities: z.array(word("TEXT", "IMAGE")).nullish(),
        imageConfig: z.strictObject(image).nullish(),
        candidateCount: z.int().nullish(),
        seed: z.int32().nullish(),
        thinkingConfig: z
          .strictObject({
            thinkingLevel: word("MINIMAL", "LOW", "MEDIUM", "HIGH").nullish(),
            includeThoughts: z.boolean().nullish(),
            ...known("thinkingBudget"),
          })
          .nullish(),
        ...known("temperature", "topP", "topK", "maxOutputTokens", "stopSequences", "mediaResolution"),
        ...known("presencePenalty", "frequencyPenalty", "responseLogprobs", "logprobs", "speechConfig"),
        ...known("responseMimeType", "responseSchema", "responseJsonSchema", "responseFormat"),
      })
      .nullish(),
    safetySettings: z
      .array(z.strictObject({ category: z.string(), threshold: word(...thresholds), ...known("method") }))
      .nullish(),
    tools: z.array(z.looseObject({ googleSearch: z.looseObject({}).nullish() })).nullish(),
    ...known("systemInstruction", "toolConfig", "cachedContent", ...names),
  })

const requests = {
  gemini: requestOf(imageConfig, "serviceTier", "store", "model"),
  vertex: requestOf(vertexImageConfig, "labels", "modelArmorConfig", "model"),
}

type Request = z.infer<(typeof requests)[Surface]>
type Options = { mimeType?: string | null | undefined; compressionQuality?: number | null | undefined }

/** The API reads both spellings of its names. */
export function inCamelCase(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inCamelCase)
  if (typeof value !== "object" || value === null) return value
  const entries = Object.entries(value).map(([name, part]) => {
    const camel = name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
    return [camel, inCamelCase(part)]
  })
  return Object.fromEntries(entries)
}

export async function readContentWish(given: unknown, model: Model, surface: Surface): Promise<ContentWish | Refusal> {
  const parsed = requests[surface].safeParse(inCamelCase(given), { reportInput: true })
  if (!parsed.success) return refuseIssue(parsed.error.issues[0]!)
  const refusal = refuseConfig(parsed.data, model, surface)
  if (refusal) return refusal
  const parts = parsed.data.contents.flatMap((content) => content.parts)
  const pictures = await readPictures(parts.flatMap(({ inlineData }) => inlineData ?? []))
  if (isRefusal(pictures)) return pictures
  const prompt = parts.flatMap(({ text }) => text ?? []).join("\n")
  return wishOf(parsed.data, model, prompt, pictures)
}

/** What each field allows by itself, but not this model. UNVERIFIED: the words of these refusals. */
function refuseConfig({ generationConfig, tools }: Request, model: Model, surface: Surface): Refusal | undefined {
  const { candidateCount, imageConfig: image, thinkingConfig } = generationConfig ?? {}
  if ((candidateCount ?? 1) > 1) return refuseByModel("Multiple candidates is not enabled for this model")
  const ratios = ratiosOf(model, surface)
  if (image?.aspectRatio && !ratios.includes(image.aspectRatio))
    return refuseByModel(`aspect_ratio must be one of ${ratios.map((ratio) => `'${ratio}'`).join(", ")}.`)
  if (image?.imageSize && model.sizes.length === 0) return refuseByModel("image_size is not supported for this model.")
  if (image?.imageSize && !model.sizes.includes(image.imageSize))
    return refuseByModel(`image_size must be one of ${model.sizes.map((size) => `'${size}'`).join(", ")}.`)
  const level = thinkingConfig?.thinkingLevel
  if (level && !model.levels.includes(level))
    return refuseByModel(`Thinking level ${level} is not supported for this model (thinking_level).`)
  if (tools?.some(({ googleSearch }) => googleSearch) && !model.search)
    return refuseByModel("Search Grounding is not supported for this model (google_search).")
  return undefined
}

type Picture = Size & { bytes: Buffer }

async function readPictures(blobs: z.infer<typeof Blob>[]): Promise<Picture[] | Refusal> {
  const pictures: Picture[] = []
  for (const { data } of blobs) {
    const bytes = Buffer.from(data, "base64")
    const found = await inspect(bytes)
    if (!found) return refuseByModel("Unable to process input image. Please retry or report in Google AI Studio.")
    pictures.push({ bytes, width: found.width, height: found.height })
  }
  return pictures
}

function wishOf(request: Request, model: Model, prompt: string, pictures: Picture[]): ContentWish {
  const { imageConfig: image, responseModalities, seed, thinkingConfig } = request.generationConfig ?? {}
  const { imageOutputOptions: options } = (image ?? {}) as { imageOutputOptions?: Options | null }
  const ratio = image?.aspectRatio || nearestRatio(model, pictures[0] ?? { width: 1, height: 1 })
  const size = image?.imageSize || "1K"
  // As in the examples of Google's guide, both where nothing is said.
  const modes: string[] = responseModalities?.length ? responseModalities : ["TEXT", "IMAGE"]
  const searches = request.tools?.some(({ googleSearch }) => googleSearch) === true
  const addresses = request.contents.flatMap(({ parts }) => parts.flatMap(({ fileData }) => fileData?.fileUri ?? []))
  const rolled = seed ?? randomInt(2 ** 31)
  const format = options?.mimeType ? (options.mimeType === "image/png" ? "png" : "jpeg") : model.format
  return {
    ...pixelsOf(model, ratio, size),
    ...{ prompt, size, format, inputs: pictures.map(({ bytes }) => bytes), words: modes.includes("TEXT") },
    ...(format === "jpeg" && { quality: Math.max(1, options?.compressionQuality ?? 85) }),
    // An address is not fetched: it varies what is painted.
    seed: addresses.length > 0 ? seedOf(String(rolled), ...addresses) : rolled,
    // Google's guide: pictures alone and a search do not go together, and no picture comes.
    picture: modes.includes("IMAGE") && !(searches && !modes.includes("TEXT")),
    thoughts: thinkingConfig?.includeThoughts === true,
  }
}
