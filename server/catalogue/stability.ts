// Stability AI's models. Source: Stability's OpenAPI description of its v2beta API, as published clients carry it, its
// price notice of July 2025, and the documents of AIHubMix and Genimix.
import { z } from "zod"
import { family, to } from "./model.ts"
import type { ModelRow, Rule } from "./model.ts"
import { count, images, oneOf, outputFormat, prompt, seed } from "./parameters.ts"
import { perImage } from "./price.ts"

const styles = [
  ...(["3d-model", "analog-film", "anime", "cinematic", "comic-book", "digital-art", "enhance"] as const),
  ...(["fantasy-art", "isometric", "line-art", "low-poly", "modeling-compound", "neon-punk", "origami"] as const),
  ...(["photographic", "pixel-art", "tile-texture"] as const),
] as const

const ratios = ["21:9", "16:9", "3:2", "5:4", "1:1", "4:5", "2:3", "9:16", "9:21"] as const

const common = {
  prompt: prompt(10_000),
  n: count(10),
  seed: seed(0, 4_294_967_294).meta({
    title: "Seed",
    description: "The same seed with the same request gives a similar picture again; 0 means any.",
  }),
  negative_prompt: z
    .string()
    .max(10_000)
    .optional()
    .meta({ title: "Negative prompt", description: "What the picture shall not show." }),
  style_preset: oneOf(styles, "Style preset", "Leads the picture towards a style.").optional(),
}

const ratio = oneOf(ratios, "Aspect ratio", "1:1 where left out.").optional()
const format = outputFormat.default("png")

const size = oneOf(
  ["auto", "1K", "1024x1024"],
  "Size",
  "This model always makes about 1 megapixel; 1024x1024 is what the aspect ratio 1:1 means.",
).optional()

const strength = z
  .number()
  .min(0)
  .max(1)
  .optional()
  .meta({ title: "Strength", description: "With image: 0 keeps the picture, 1 ignores it; 0.5 where left out." })

const core = z.object({
  ...common,
  aspect_ratio: ratio,
  size: oneOf(["auto"], "Size", "This model makes about 1.5 megapixels in the aspect ratio.").optional(),
  output_format: format,
})

const ultra = z.object({ ...common, image: images(1), strength, aspect_ratio: ratio, size, output_format: format })

const sd3 = (guidance: number) =>
  ultra.extend({
    aspect_ratio: ratio.meta({
      title: "Aspect ratio",
      description: "1:1 where left out; not with image, whose shape is kept.",
    }),
    guidance: z
      .number()
      .min(1)
      .max(10)
      .optional()
      .meta({ title: "Guidance", description: `How closely the prompt is followed; ${guidance} where left out.` }),
    output_format: oneOf(["png", "jpeg"], "File format", "The kind of file the picture comes as.").default("png"),
  })

const strengthNeedsImage: Rule = ({ input, images: given }) =>
  input["strength"] !== undefined && given === 0 ? { param: "strength", message: "strength needs image" } : undefined

const squareIsSquare: Rule = ({ input }) =>
  input["size"] === "1024x1024" && (input["aspect_ratio"] ?? "1:1") !== "1:1"
    ? { param: "aspect_ratio", message: "aspect_ratio must be 1:1 together with size 1024x1024" }
    : undefined

/** Stable Diffusion keeps the shape of the picture it starts from, and refuses to be told another. */
const shapeIsTheImages = ["aspect_ratio", "size"].map((param): Rule => {
  return ({ input, images: given }) =>
    given > 0 && input[param] !== undefined && input[param] !== "auto"
      ? { param, message: `${param} cannot be given together with image, whose shape is kept` }
      : undefined
})

const sd3Row = (
  model: string,
  guidance: number,
  row: Pick<ModelRow, "title" | "description" | "released" | "price" | "names">,
): ModelRow => ({
  parameters: sd3(guidance),
  imagesMax: 1,
  rules: [strengthNeedsImage, squareIsSquare, ...shapeIsTheImages],
  routes: [to("stability", model)],
  synonyms: { cfg_scale: "guidance" },
  ...row,
})

// One credit is US$0.01. The vendor sends what was once SD3 to SD3.5 for the same price, hence the older names.
export const stability = family("stability", {
  "Stable-Diffusion-3-5-Large": sd3Row("sd3.5-large", 4, {
    title: "Stable Diffusion 3.5 Large",
    description: "The largest Stable Diffusion; follows prompts closely.",
    released: "2024-10-22",
    price: perImage(0.065),
    names: ["sd3.5-large", "sd3", "sd3-large", "stable-diffusion-3.5-large"],
  }),
  "Stable-Diffusion-3-5-Large-Turbo": sd3Row("sd3.5-large-turbo", 1, {
    title: "Stable Diffusion 3.5 Large Turbo",
    description: "The large model distilled to a few steps.",
    released: "2024-10-22",
    price: perImage(0.04),
    names: ["sd3.5-large-turbo", "sd3-large-turbo", "stable-diffusion-3.5-large-turbo"],
  }),
  "Stable-Diffusion-3-5-Medium": sd3Row("sd3.5-medium", 4, {
    title: "Stable Diffusion 3.5 Medium",
    description: "A smaller Stable Diffusion, for less.",
    released: "2024-10-29",
    price: perImage(0.035),
    names: ["sd3.5-medium", "sd3-medium", "stable-diffusion-3.5-medium"],
  }),
  // Not in any copy of the description, only in lists and price tables of others: neither name, price, guidance nor day
  // was seen at the vendor.
  "Stable-Diffusion-3-5-Flash": sd3Row("sd3.5-flash", 1, {
    title: "Stable Diffusion 3.5 Flash",
    description: "The fastest Stable Diffusion.",
    released: "2025-09-25",
    price: perImage(0.025),
    names: ["sd3.5-flash", "stable-diffusion-3.5-flash"],
  }),
  // The days of these two were not found at the vendor: it is the day on which others first announced to serve both.
  "stable-image-ultra": {
    title: "Stable Image Ultra",
    description: "Stability's finest pictures, photographic and rich in detail.",
    released: "2024-09-04",
    parameters: ultra,
    imagesMax: 1,
    rules: [strengthNeedsImage, squareIsSquare],
    price: perImage(0.08),
    routes: [to("stability", "ultra")],
  },
  "stable-image-core": {
    title: "Stable Image Core",
    description: "Fast pictures of good quality, for less.",
    released: "2024-09-04",
    parameters: core,
    imagesMax: 0,
    price: perImage(0.03),
    routes: [to("stability", "core")],
  },
})
