// OpenAI's image models. Source: the OpenAPI description of 2026-08-21, and OpenAI's guide and pages of later models.
import { z } from "zod"
import { family, to } from "./model.ts"
import type { ModelRow, Price, Rule } from "./model.ts"
import { count, images, mask, oneOf, outputFormat, prompt } from "./parameters.ts"
import { dollars } from "./price.ts"
import { laterTokens, perOpenAiToken, secondTokens } from "./openaiPrices.ts"

const gpt = z.object({
  prompt: prompt(32_000),
  image: images(16),
  mask,
  n: count(10),
  size: oneOf(
    ["auto", "1024x1024", "1536x1024", "1024x1536", "1K"],
    "Size",
    "Pixels; 1K means 1024x1024, auto lets the model choose.",
  ).default("auto"),
  quality: oneOf(["auto", "low", "medium", "high"], "Quality", "More takes longer and costs more.").default("auto"),
  background: oneOf(["auto", "opaque", "transparent"], "Background", "Transparent needs png or webp.").default("auto"),
  moderation: oneOf(
    ["auto", "low"],
    "Moderation",
    "How strictly the vendor filters; not with reference pictures.",
  ).optional(),
  input_fidelity: oneOf(["low", "high"], "Fidelity", "How closely reference pictures are kept.").optional(),
  output_format: outputFormat.default("png"),
  output_compression: z
    .int()
    .min(0)
    .max(100)
    .optional()
    .meta({ title: "Compression", description: "For jpeg and webp: 100 is best." }),
  partial_images: z
    .int()
    .min(0)
    .max(3)
    .optional()
    .meta({ title: "Early states", description: "How many unfinished pictures to stream before the final one." }),
})

// Applies high fidelity by itself, and takes any size within the rules below.
const gpt2 = gpt.omit({ input_fidelity: true }).extend({
  size: z
    .string()
    .regex(/^(auto|[124]K|[1-9]\d{2,3}x[1-9]\d{2,3})$/)
    .default("auto")
    .meta({
      title: "Size",
      description: "auto, 1K, 2K, 4K or pixels: multiples of 16, at most 3840 a side and 8,294,400 in all, 1:3 to 3:1.",
    }),
})

// 2.6 makes gif and svg as well. They are not offered: this server keeps png, jpeg and webp.
const gpt25 = gpt2.extend({
  quality: oneOf(
    ["auto", "low", "medium", "high", "xhigh", "max"],
    "Quality",
    "More takes longer and costs more; xhigh and max cost several times as much as high.",
  ).default("auto"),
})

const gpt26 = gpt25.extend({
  complexity: oneOf(
    ["low", "medium", "high"],
    "Complexity",
    "How closely the model plans the picture before it draws it; high without it. It costs nothing more.",
  ).optional(),
})

const dalle3 = z.object({
  prompt: prompt(4000),
  n: count(10),
  size: oneOf(
    ["auto", "1024x1024", "1792x1024", "1024x1792", "1K"],
    "Size",
    "Pixels; 1K and auto mean 1024x1024.",
  ).default("auto"),
  quality: oneOf(
    ["auto", "standard", "hd", "low", "medium", "high"],
    "Quality",
    "hd has finer detail; high means hd, low and medium mean standard.",
  ).default("auto"),
  style: oneOf(["vivid", "natural"], "Style", "vivid is more dramatic.").optional(),
})

const notTransparentJpeg: Rule = ({ input }) =>
  input["background"] === "transparent" && input["output_format"] === "jpeg"
    ? { param: "background", message: 'background "transparent" needs output_format "png" or "webp"' }
    : undefined

const compressionFitsFormat: Rule = ({ input }) =>
  input["output_compression"] !== undefined && input["output_format"] === "png"
    ? { param: "output_compression", message: 'output_compression needs output_format "jpeg" or "webp"' }
    : undefined

const moderationWithoutImages: Rule = ({ input, images: given }) =>
  input["moderation"] !== undefined && given > 0
    ? { param: "moderation", message: "moderation cannot be set together with image" }
    : undefined

const fidelityNeedsImages: Rule = ({ input, images: given }) =>
  input["input_fidelity"] !== undefined && given === 0
    ? { param: "input_fidelity", message: "input_fidelity needs image" }
    : undefined

const legalSize: Rule = ({ input }) => {
  const [width, height] = String(input["size"]).split("x").map(Number)
  if (!width || !height) return undefined
  const [long, short] = [Math.max(width, height), Math.min(width, height)]
  const pixels = width * height
  const legal = width % 16 === 0 && height % 16 === 0 && long <= 3840 && long <= 3 * short
  if (legal && pixels >= 655_360 && pixels <= 8_294_400) return undefined
  return {
    param: "size",
    message:
      "size must have sides that are multiples of 16 and at most 3840, 1:3 to 3:1, 655,360 to 8,294,400 pixels in all",
  }
}

const gptRules = [notTransparentJpeg, compressionFitsFormat, moderationWithoutImages]

// What it cost until its end; the sandbox's pictures are still quoted at it.
const dallePrice: Price = ({ input }) => {
  const fine = input["quality"] === "hd" || input["quality"] === "high"
  const large = String(input["size"]).includes("1792")
  return dollars(large ? (fine ? 0.12 : 0.08) : fine ? 0.08 : 0.04)
}

const gptRow = (
  id: string,
  row: Pick<ModelRow, "title" | "description" | "released" | "price"> & Partial<ModelRow>,
): ModelRow => ({
  parameters: gpt,
  imagesMax: 16,
  rules: [...gptRules, fidelityNeedsImages],
  routes: [to("openai", id)],
  ...row,
})

// OpenAI's list of prices, as copied in June 2026, has one of text that comes out for 1.5 alone.
const fifteenPrices = { textIn: 5, imageIn: 8, textOut: 10, imageOut: 32 }
const laterPrices = { textIn: 5, imageIn: 8, textOut: 0, imageOut: 30 }

const laterRow = (
  id: string,
  row: Pick<ModelRow, "title" | "description" | "released"> & Partial<ModelRow>,
): ModelRow =>
  gptRow(id, {
    ...perOpenAiToken(laterPrices, laterTokens),
    parameters: gpt25,
    // What is known of 2 is taken to hold for them too; no description of theirs was seen.
    rules: [...gptRules, legalSize],
    ...row,
  })

export const openai = family("openai", {
  "gpt-image-2.6-sunburst": laterRow("gpt-image-2.6-sunburst", {
    title: "GPT Image 2.6 Sunburst",
    description: "For precise, detailed pictures and edits; plans a picture as closely as asked before it draws it.",
    released: "2026-11-04",
    parameters: gpt26,
  }),
  "gpt-image-2.6-flare": laterRow("gpt-image-2.6-flare", {
    title: "GPT Image 2.6 Flare",
    description: "For drafts within seconds; plans a picture as closely as asked before it draws it.",
    released: "2026-11-04",
    parameters: gpt26,
  }),
  "gpt-image-2.5-sunburst": laterRow("gpt-image-2.5-sunburst", {
    title: "GPT Image 2.5 Sunburst",
    description: "For edits where precision matters most, with two qualities above high.",
    released: "2026-09-08",
    names: ["gpt-image-2.5-sunburst-2026-09-08"],
  }),
  "gpt-image-2.5-flare": laterRow("gpt-image-2.5-flare", {
    title: "GPT Image 2.5 Flare",
    description: "For good pictures quickly, with two qualities above high.",
    released: "2026-09-08",
    names: ["gpt-image-2.5-flare-2026-09-08"],
  }),
  "gpt-image-2": gptRow("gpt-image-2", {
    title: "GPT Image 2",
    description: "Any size up to 4K; follows long instructions and renders text.",
    released: "2026-04-21",
    ...perOpenAiToken(laterPrices, secondTokens),
    parameters: gpt2,
    rules: [...gptRules, legalSize],
    names: ["gpt-image-2-2026-04-21"],
  }),
  "gpt-image-1.5": gptRow("gpt-image-1.5", {
    title: "GPT Image 1.5",
    description: "Follows instructions closely; makes and edits pictures.",
    released: "2025-12-16",
    deprecated: "2026-06-02",
    retires: "2026-12-01",
    successor: "openai/gpt-image-2",
    ...perOpenAiToken(fifteenPrices),
  }),
  // An alias of OpenAI's own for whatever ChatGPT drew with, of the class and the price of 1.5, with an end of its own.
  "chatgpt-image-latest": gptRow("chatgpt-image-latest", {
    title: "ChatGPT Image",
    description: "The model that ChatGPT itself drew with.",
    released: "2025-12-16",
    deprecated: "2026-06-02",
    retires: "2026-12-01",
    successor: "openai/gpt-image-2",
    ...perOpenAiToken(fifteenPrices),
  }),
  "gpt-image-1": gptRow("gpt-image-1", {
    title: "GPT Image 1",
    description: "Takes text and pictures, and makes and edits pictures.",
    released: "2025-04-23",
    retires: "2026-10-23",
    successor: "openai/gpt-image-2",
    ...perOpenAiToken({ textIn: 5, imageIn: 10, textOut: 0, imageOut: 40 }),
  }),
  "gpt-image-1-mini": gptRow("gpt-image-1-mini", {
    title: "GPT Image 1 mini",
    description: "An economical GPT Image 1.",
    released: "2025-10-06",
    deprecated: "2026-06-02",
    retires: "2026-12-01",
    successor: "openai/gpt-image-2",
    ...perOpenAiToken({ textIn: 2, imageIn: 2.5, textOut: 0, imageOut: 8 }),
    parameters: gpt.omit({ input_fidelity: true }),
    rules: gptRules,
  }),
  "dall-e-3": {
    title: "DALL·E 3",
    description: "Turns a description into a picture, rewording the prompt on its way.",
    released: "2023-11-06",
    retires: "2026-05-12",
    successor: "openai/gpt-image-2",
    price: dallePrice,
    parameters: dalle3,
    imagesMax: 0,
    routes: [to("openai", "dall-e-3")],
  },
})
