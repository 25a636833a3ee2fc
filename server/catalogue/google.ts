// Google's image models: Gemini ("Nano Banana"), and Imagen from imagen.ts. Sources: the Gemini API's discovery document
// of 2026-08-21, its release notes and its pages of the models, and those of Vertex AI.
import { z } from "zod"
import {
  compression,
  compressionFitsFormat,
  imagenRows,
  onlyOnVertex,
  people,
  seedMax,
  squareIsSquare,
  strictness,
  synonymsOf,
} from "./imagen.ts"
import { family, to } from "./model.ts"
import type { Given, ModelRow } from "./model.ts"
import { count, images, oneOf, prompt, seed } from "./parameters.ts"
import { perToken, promptTokens } from "./tokens.ts"

const ratios = ["1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9"] as const
const wideRatios = [...ratios, "1:4", "4:1", "1:8", "8:1"] as const

const shape = (words: readonly [string, ...string[]]) =>
  oneOf(
    words,
    "Aspect ratio",
    "Width to height. Where it is not given, that of the first reference picture, or 1:1.",
  ).optional()

const size = (words: readonly [string, ...string[]]) =>
  oneOf(words, "Size", "About as many pixels a side as a square would have; auto means 1K.").default("auto")

const thinking = (words: readonly [string, ...string[]]) =>
  oneOf(words, "Thinking", "How long the model plans the picture; more helps with text and diagrams.").optional()

const search = z.boolean().default(false).meta({
  title: "Google search",
  description: "Lets the model look things up; each search is billed.",
})

const gemini = z.object({
  prompt: prompt(32_000),
  image: images(14),
  n: count(10),
  aspect_ratio: shape(wideRatios),
  size: size(["auto", "1K", "1024x1024"]),
  seed: seed(0, seedMax),
  person_generation: people.optional(),
  prominent_people: oneOf(
    ["allow", "block"],
    "Prominent people",
    "Whether pictures may show people whom everybody knows. Vertex AI only.",
  ).optional(),
  safety_setting: oneOf(
    ["block_low_and_above", "block_medium_and_above", "block_only_high", "block_none", "off"],
    "Filter",
    strictness,
  ).optional(),
  output_format: oneOf(
    ["png", "jpeg"],
    "File format",
    "The kind of file the picture comes as, which the model chooses where it is not given. Vertex AI only.",
  ).optional(),
  output_compression: compression,
})

const gemini25 = gemini.extend({ image: images(3), aspect_ratio: shape(ratios) })

// UNVERIFIED: the levels of thinking, which a reseller's table names; Google's own pages have 14 ratios.
const lite = gemini.extend({ thinking_level: thinking(["minimal", "high"]) })

const flash = gemini.extend({
  size: size(["auto", "512", "1K", "2K", "4K", "512x512", "1024x1024", "2048x2048", "4096x4096"]),
  thinking_level: thinking(["minimal", "high"]),
  google_search: search,
})

const sizesFrom1K = ["auto", "1K", "2K", "4K", "1024x1024", "2048x2048", "4096x4096"] as const

// Thinks whatever is asked.
const pro = gemini.extend({ aspect_ratio: shape(ratios), size: size(sizesFrom1K), google_search: search })

// UNVERIFIED: one integration says that this model refuses a seed, which Google's notes of the model do not say.
const banana21 = gemini.extend({
  size: size(sizesFrom1K),
  thinking_level: thinking(["minimal", "medium", "high"]),
  google_search: search,
})

const tiers: Record<string, string> = {
  "512x512": "512",
  "2048x2048": "2K",
  "4096x4096": "4K",
  "512": "512",
  "2K": "2K",
  "4K": "4K",
}

const tierOf = ({ input }: Given): string => tiers[String(input["size"])] ?? "1K"

// What Gemini 3 models are billed for each query to Google; one is reckoned for a picture.
const searchDollars = 0.014

// A reference picture is reckoned as many tokens as a picture of 1K has. UNVERIFIED: what Google counts for it.
const referenceTokens = 1_120

// What was seen of them is about 200.
const thoughtTokens = 300

type PictureTokens = Record<string, number>

/** Google's lists have prices of pictures as well: these tokens, rounded. */
const flashTokens: PictureTokens = { "512": 747, "1K": 1_120, "2K": 1_680, "4K": 2_520 }
const proTokens: PictureTokens = { "1K": 1_120, "2K": 1_120, "4K": 2_000 }

/** US dollars for a million tokens: that go in, of words and thoughts that come out, and of pictures. */
const perGoogleToken = (
  into: number,
  words: number,
  pictures: number,
  bySize: PictureTokens,
  thoughts = thoughtTokens,
) =>
  perToken(
    { textIn: into, imageIn: into, textOut: words, imageOut: pictures },
    (given) => ({
      textIn: promptTokens(given),
      imageIn: given.images * referenceTokens,
      textOut: thoughts,
      imageOut: bySize[tierOf(given)]!,
    }),
    ({ input }) => (input["google_search"] === true ? searchDollars : 0),
  )

const notOnGeminiApi = onlyOnVertex("person_generation", "prominent_people", "output_format", "output_compression")

type Facts = Pick<ModelRow, "title" | "description" | "released" | "price" | "parameters"> & Partial<ModelRow>

const geminiRow = (id: string, facts: Facts, endOnGeminiApi?: string): ModelRow => ({
  imagesMax: 14,
  rules: [squareIsSquare, compressionFitsFormat],
  synonyms: synonymsOf(facts.parameters),
  routes: [
    to("google", id, { cannot: notOnGeminiApi, ...(endOnGeminiApi === undefined ? {} : { retires: endOnGeminiApi }) }),
    to("vertex", id),
  ],
  ...facts,
})

export const google = family("google", {
  "gemini-nano-banana-2.1": geminiRow("gemini-nano-banana-2.1", {
    title: "Nano Banana 2.1",
    description: "The newest Gemini that draws: up to 4K, text in pictures, up to 14 references.",
    released: "2026-10-06",
    parameters: banana21,
    // UNVERIFIED above 1K, which is reckoned with as many tokens as gemini-3.1-flash-image has; and of words, which are
    // reckoned six times as dear as what goes in, as with its sisters.
    ...perGoogleToken(1.5, 9, 30, flashTokens),
  }),
  "gemini-3-pro-image": geminiRow("gemini-3-pro-image", {
    title: "Gemini 3 Pro Image",
    description: "Nano Banana Pro: thinks first; for text, diagrams and hard compositions, up to 4K.",
    released: "2026-05-28",
    parameters: pro,
    ...perGoogleToken(2, 12, 120, proTokens),
    names: ["gemini-3-pro-image-preview"],
  }),
  "gemini-3.1-flash-image": geminiRow(
    "gemini-3.1-flash-image",
    {
      title: "Gemini 3.1 Flash Image",
      description: "Nano Banana 2: quick, from 512 pixels to 4K, up to 14 references.",
      released: "2026-05-28",
      parameters: flash,
      ...perGoogleToken(0.5, 3, 60, flashTokens),
      names: ["gemini-3.1-flash-image-preview"],
      deprecated: "2026-10-06",
      successor: "google/gemini-nano-banana-2.1",
    },
    // UNVERIFIED: notes of two integrations give this day, of the Gemini API alone; Vertex AI has it until May 2027 at least.
    "2026-10-29",
  ),
  "gemini-3.1-flash-lite-image": geminiRow("gemini-3.1-flash-lite-image", {
    title: "Gemini 3.1 Flash-Lite Image",
    description: "Nano Banana 2 Lite: the quickest, about 1 megapixel.",
    released: "2026-06-30",
    parameters: lite,
    // UNVERIFIED: all; the price of a picture is a reseller's (.034), those of words and what goes in its larger sister's.
    ...perGoogleToken(0.5, 3, 30, flashTokens),
  }),
  "gemini-2.5-flash-image": geminiRow("gemini-2.5-flash-image", {
    title: "Gemini 2.5 Flash Image",
    description: "The first Nano Banana: about 1 megapixel, up to 3 references.",
    released: "2025-10-02",
    parameters: gemini25,
    imagesMax: 3,
    // It does not think. UNVERIFIED: the price of words.
    ...perGoogleToken(0.3, 2.5, 30, { "1K": 1_290 }, 0),
    names: ["gemini-2.5-flash-image-preview"],
    // On the Gemini API and on Vertex AI alike.
    retires: "2026-10-02",
    successor: "google/gemini-nano-banana-2.1",
  }),
  ...imagenRows,
})
