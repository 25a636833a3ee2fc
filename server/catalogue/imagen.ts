// Google's Imagen models, which are on their way out. Sources: Google's Imagen API reference, its pages of the models,
// the Gemini API's release notes of 2026, and Google's own SDK.
import { z } from "zod"
import { to } from "./model.ts"
import type { ModelRow, Rule } from "./model.ts"
import { count, oneOf, prompt, seed } from "./parameters.ts"
import { perImage } from "./price.ts"

/** What only Vertex AI takes; the Gemini API refuses fields that it does not know. */
export const onlyOnVertex =
  (...names: string[]): Rule =>
  ({ input }) => {
    // The Gemini API marks every picture, so that asking for the mark is no hindrance; nor is saying nothing.
    const param = names.find((name) => {
      const value = input[name]
      return value !== undefined && value !== "" && !(name === "watermark" && value === true)
    })
    return param === undefined
      ? undefined
      : { param, message: `${param} is taken by Vertex AI only, not by the Gemini API` }
  }

/** Sizes in pixels are squares; all others go by aspect_ratio. */
export const squareIsSquare: Rule = ({ input }) =>
  String(input["size"]).includes("x") && ![undefined, "1:1"].includes(input["aspect_ratio"] as string)
    ? { param: "aspect_ratio", message: 'aspect_ratio must be "1:1" together with a size in pixels' }
    : undefined

export const compressionFitsFormat: Rule = ({ input }) =>
  input["output_compression"] !== undefined && input["output_format"] !== "jpeg"
    ? { param: "output_compression", message: 'output_compression needs output_format "jpeg"' }
    : undefined

export const compression = z
  .int()
  .min(0)
  .max(100)
  .optional()
  .meta({ title: "Compression", description: "For jpeg: 100 is best." })

export const people = oneOf(
  ["dont_allow", "allow_adult", "allow_all"],
  "People",
  "Whether pictures may show nobody, adults or anybody.",
)

export const strictness = "How much the vendor's filter stops; none of the words switches all of it off."

// The largest that int32 holds. UNVERIFIED: Google's reference of Imagen names no range.
export const seedMax = 2 ** 31 - 1

// Google takes 480 tokens, which longer prompts cannot be.
const promptMax = 8_000

const imagen = z.object({
  prompt: prompt(promptMax),
  n: count(10),
  aspect_ratio: oneOf(["1:1", "3:4", "4:3", "9:16", "16:9"], "Aspect ratio", "Width to height.").default("1:1"),
  size: oneOf(["auto", "1K", "1024x1024"], "Size", "This model makes about 1 megapixel.").default("auto"),
  negative_prompt: z
    .string()
    .max(promptMax)
    .optional()
    .meta({ title: "Negative prompt", description: "What the picture shall not show. Vertex AI only." }),
  seed: seed(0, seedMax),
  watermark: z.boolean().optional().meta({
    title: "Watermark",
    description: "Invisible, on unless it is set to false, which only Vertex AI takes.",
  }),
  prompt_upsampling: z.boolean().optional().meta({
    title: "Prompt upsampling",
    description: "Lets the vendor enrich the prompt. Vertex AI only.",
  }),
  person_generation: people.optional(),
  safety_setting: oneOf(
    ["block_low_and_above", "block_medium_and_above", "block_only_high", "block_none"],
    "Filter",
    strictness,
  ).optional(),
  language: oneOf(
    ["auto", "en", "zh", "zh-CN", "zh-TW", "hi", "ja", "ko", "pt", "es"],
    "Language",
    "The language of the prompt; English where it is not given.",
  ).optional(),
  output_format: oneOf(["png", "jpeg"], "File format", "The kind of file the picture comes as.").default("png"),
  output_compression: compression,
})

/** Imagen 4 and 4 Ultra alone; the previews, Fast and Imagen 3 have one size. */
const imagenTo2K = imagen.extend({
  size: oneOf(["auto", "1K", "2K", "1024x1024", "2048x2048"], "Size", "About 1 megapixel, or 4.").default("auto"),
})

const seedWithoutWatermark: Rule = ({ input }) =>
  input["seed"] !== undefined && input["watermark"] !== false
    ? { param: "seed", message: "seed needs watermark false: the vendor repeats no picture that it marks" }
    : undefined

const notOnGeminiApi = onlyOnVertex("seed", "negative_prompt", "watermark", "prompt_upsampling")

// As Google's SDKs and its own JSON call them.
const otherNames: Record<string, string> = {
  sampleCount: "n",
  sampleImageSize: "size",
  imageSize: "size",
  negativePrompt: "negative_prompt",
  addWatermark: "watermark",
  enhancePrompt: "prompt_upsampling",
  personGeneration: "person_generation",
  prominentPeople: "prominent_people",
  safetySetting: "safety_setting",
  safetyFilterLevel: "safety_setting",
  thinkingLevel: "thinking_level",
  googleSearch: "google_search",
  outputCompression: "output_compression",
}

export const synonymsOf = ({ shape }: z.ZodObject): Record<string, string> =>
  Object.fromEntries(Object.entries(otherNames).filter(([, name]) => name in shape))

type Facts = Pick<ModelRow, "title" | "description" | "released" | "price" | "successor"> & Partial<ModelRow>

const shared = {
  parameters: imagen,
  imagesMax: 0,
  rules: [squareIsSquare, seedWithoutWatermark, compressionFitsFormat],
  synonyms: synonymsOf(imagen),
}

// Google's SDK of August 2026 no longer calls Imagen on the Gemini API and says that it goes on doing so on Vertex AI
// until 2027 at least; articles say that Vertex AI has ended it as well. UNVERIFIED: a call there may meet a 404.
const endOnVertex = "2027-01-01"

/** The first days without it, on the Gemini API, where it ever was there, and on Vertex AI. */
type Ends = { google?: string; vertex: string }

const imagenRow = (id: string, { google, vertex }: Ends, facts: Facts): ModelRow => ({
  ...shared,
  routes: [
    ...(google === undefined ? [] : [to("google", id, { retires: google, cannot: notOnGeminiApi })]),
    to("vertex", id, { retires: vertex }),
  ],
  ...facts,
})

const announced = { deprecated: "2026-06-15" }
const ends = { google: "2026-08-17", vertex: endOnVertex }

// Kept as models of their own, so that whoever asks for one is told of its end and is not served by another in silence.
// Those of May 2025, whose own end Google's pages do not tell, are names of what replaced them.
const endsOfPreviews = { google: "2026-02-17", vertex: "2025-11-30" }

export const imagenRows: Record<string, ModelRow> = {
  "imagen-4.0-ultra-generate-001": imagenRow("imagen-4.0-ultra-generate-001", ends, {
    ...announced,
    title: "Imagen 4 Ultra",
    description: "The finest Imagen; follows the prompt most closely.",
    released: "2025-08-14",
    parameters: imagenTo2K,
    price: perImage(0.06),
    successor: "google/gemini-3-pro-image",
  }),
  "imagen-4.0-generate-001": imagenRow("imagen-4.0-generate-001", ends, {
    ...announced,
    title: "Imagen 4",
    description: "Photographs and drawings, with text in them.",
    released: "2025-08-14",
    parameters: imagenTo2K,
    price: perImage(0.04),
    successor: "google/gemini-nano-banana-2.1",
  }),
  "imagen-4.0-fast-generate-001": imagenRow("imagen-4.0-fast-generate-001", ends, {
    ...announced,
    title: "Imagen 4 Fast",
    description: "The quick and cheap Imagen 4.",
    released: "2025-08-14",
    price: perImage(0.02),
    successor: "google/gemini-3.1-flash-lite-image",
  }),
  "imagen-4.0-ultra-generate-preview-06-06": imagenRow("imagen-4.0-ultra-generate-preview-06-06", endsOfPreviews, {
    deprecated: "2026-01-15",
    title: "Imagen 4 Ultra preview",
    description: "Imagen 4 Ultra as it was in June 2025.",
    released: "2025-06-06",
    price: perImage(0.06),
    successor: "google/gemini-3-pro-image",
    names: ["imagen-4.0-ultra-generate-exp-05-20"],
  }),
  "imagen-4.0-generate-preview-06-06": imagenRow("imagen-4.0-generate-preview-06-06", endsOfPreviews, {
    deprecated: "2026-01-15",
    title: "Imagen 4 preview",
    description: "Imagen 4 as it was in June 2025.",
    released: "2025-06-06",
    price: perImage(0.04),
    successor: "google/gemini-nano-banana-2.1",
    names: ["imagen-4.0-generate-preview-05-20"],
  }),
  // The Gemini API never had it.
  "imagen-4.0-fast-generate-preview-06-06": imagenRow(
    "imagen-4.0-fast-generate-preview-06-06",
    { vertex: endsOfPreviews.vertex },
    {
      title: "Imagen 4 Fast preview",
      description: "Imagen 4 Fast as it was in June 2025.",
      released: "2025-06-06",
      price: perImage(0.02),
      successor: "google/gemini-3.1-flash-lite-image",
    },
  ),
  "imagen-3.0-generate-002": imagenRow(
    "imagen-3.0-generate-002",
    { google: "2025-11-10", vertex: endOnVertex },
    {
      title: "Imagen 3",
      description: "Photographs and drawings from a description.",
      released: "2025-02-06",
      price: perImage(0.04),
      successor: "google/gemini-nano-banana-2.1",
    },
  ),
}
