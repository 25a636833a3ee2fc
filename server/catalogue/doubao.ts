// ByteDance's Seedream models. Sources: Volcengine's documents 82379/1541523 and 82379/1824121, and the AIHubMix documents.
import { z } from "zod"
import { family, to } from "./model.ts"
import type { Given, Model, ModelRow, Rule } from "./model.ts"
import { count, images, mapped, oneOf, prompt, seed } from "./parameters.ts"
import { perImage, yuan } from "./price.ts"

/** References and the pictures made from them are at most so many together. */
const picturesInAll = 15
const referencesMax = 14

/** What depends on the model: the words it takes for a size, and how few pixels it makes. */
type Sizes = { tiers: string[]; pixelsMin: number }

const pixelsMax = 16_777_216
const number = (value: number): string => value.toLocaleString("en-US")
const sizesOf = ({ tiers, pixelsMin }: Sizes): string =>
  `auto, ${tiers.join(", ")}, or pixels: ${number(pixelsMin)} to ${number(pixelsMax)} in all, 1:16 to 16:1`

const format = (...formats: ["jpeg", ...("png" | "jpeg")[]]) =>
  oneOf(formats, "File format", "The kind of file the picture comes as.").default("jpeg")

const optimizing = (...modes: ["standard", ...string[]]) =>
  z
    .strictObject({ mode: z.enum(modes).optional() })
    .optional()
    .meta({
      title: "Prompt optimization",
      description: `How the vendor enriches the prompt: mode ${modes.join(", ")}.`,
    })

const parametersOf = (sizes: Sizes) =>
  z.object({
    prompt: prompt(32_000),
    image: images(referencesMax),
    n: count(10).meta({
      title: "Number of pictures",
      description: "How many pictures to make; each is billed. With a sequence, the most of it.",
    }),
    size: z
      .string()
      .regex(/^(auto|[1-4]K|[1-9]\d{1,4}x[1-9]\d{1,4})$/)
      .default("auto")
      .meta({ title: "Size", description: `${sizesOf(sizes)}. Auto is 2048x2048.` }),
    aspect_ratio: mapped(
      oneOf(
        ["1:1", "4:3", "3:4", "3:2", "2:3", "16:9", "9:16", "21:9", "9:21"],
        "Aspect ratio",
        "Becomes the pixels that the vendor recommends for it; without it a size in K takes its shape from the prompt.",
      ).optional(),
      "to the pixels that the vendor recommends",
    ),
    seed: seed(-1, 2_147_483_647).default(-1),
    watermark: z.boolean().default(true).meta({ title: "Watermark", description: "A visible mark in a corner." }),
    // One plugin writes "enabled".
    sequential_image_generation: mapped(
      oneOf(
        ["disabled", "auto", "enabled"],
        "Sequence",
        "With auto the model decides by the prompt how many pictures that belong together it makes; enabled means auto.",
      ).default("disabled"),
      "enabled to auto",
    ),
    sequential_image_generation_options: z
      .strictObject({ max_images: z.int().min(1).max(picturesInAll).optional() })
      .optional()
      .meta({
        title: "Sequence options",
        description: "max_images: the most pictures of a sequence, 15 by default, references included. Only with auto.",
      }),
    optimize_prompt_options: optimizing("standard"),
    output_format: format("jpeg"),
  })

const legalSize =
  (sizes: Sizes): Rule =>
  ({ input }) => {
    const size = String(input["size"] ?? "auto")
    const [width, height] = size.split("x").map(Number)
    if (!width || !height) {
      if (size === "auto" || sizes.tiers.includes(size)) return undefined
      return { param: "size", message: `size ${size} is not made by this model; it takes ${sizesOf(sizes)}` }
    }
    const pixels = width * height
    const legal = pixels >= sizes.pixelsMin && pixels <= pixelsMax && width <= 16 * height && height <= 16 * width
    return legal ? undefined : { param: "size", message: `size must be ${sizesOf(sizes)}` }
  }

const oneWayToShape: Rule = ({ input }) =>
  input["aspect_ratio"] !== undefined && String(input["size"]).includes("x")
    ? { param: "aspect_ratio", message: "aspect_ratio cannot be given together with a size in pixels" }
    : undefined

const isSequence = ({ input }: Given): boolean =>
  input["sequential_image_generation"] === "auto" || input["sequential_image_generation"] === "enabled"

const maxImagesOf = ({ input }: Given): number | undefined =>
  (input["sequential_image_generation_options"] as { max_images?: number } | undefined)?.max_images

/** In a sequence both say the same thing, so they have to agree. */
const oneLengthOfSequence: Rule = (given) => {
  const { n } = given.input
  const max = maxImagesOf(given)
  if (!isSequence(given) || n === 1 || max === undefined || max === n) return undefined
  return { param: "n", message: `n must be left out, or be max_images (${max}), with sequential_image_generation auto` }
}

/** Fewer than asked for where references leave no room for them, as the documents say. */
const picturesMax: Model["picturesMax"] = (given) => {
  const { n } = given.input
  if (!isSequence(given)) return n
  return Math.min(maxImagesOf(given) ?? (n > 1 ? n : picturesInAll), picturesInAll - given.images)
}

const row = (
  sizes: Sizes,
  rest: Pick<ModelRow, "title" | "description" | "released" | "price" | "routes" | "names"> & Partial<ModelRow>,
): ModelRow => ({
  parameters: parametersOf(sizes),
  imagesMax: referencesMax,
  rules: [legalSize(sizes), oneWayToShape, oneLengthOfSequence],
  picturesMax,
  synonyms: { options: "sequential_image_generation_options" },
  ...rest,
})

const seedream40: Sizes = { tiers: ["1K", "2K", "4K"], pixelsMin: 921_600 }
const seedream45: Sizes = { tiers: ["2K", "4K"], pixelsMin: 3_686_400 }
const seedream50Lite: Sizes = { tiers: ["2K", "3K", "4K"], pixelsMin: 3_686_400 }

export const doubao = family("doubao", {
  "doubao-seedream-5-0-lite": row(seedream50Lite, {
    title: "Seedream 5.0 lite",
    description: "Makes, edits and merges pictures, from 2K to 4K, as JPEG or PNG.",
    released: "2026-01-28",
    parameters: parametersOf(seedream50Lite).extend({ output_format: format("jpeg", "png") }),
    // The list of BytePlus, the vendor's other house; not seen in yuan.
    price: perImage(0.035),
    routes: [to("ark", "doubao-seedream-5-0-260128")],
    names: [
      ...["doubao-seedream-5.0-lite", "doubao-seedream-5-0", "doubao-seedream-5-0-260128"],
      ...["doubao-seedream-5-0-lite-260128", "seedream-5-0-lite", "seedream-5.0-lite", "seedream-5-0"],
      ...["seedream-5-0-260128", "seedream-5-0-lite-260128"],
    ],
  }),
  "doubao-seedream-4-5": row(seedream45, {
    title: "Seedream 4.5",
    description: "Makes, edits and merges pictures, from 2K to 4K.",
    released: "2025-11-28",
    // As retold by others; not seen in the vendor's own list.
    price: perImage(yuan(0.25)),
    routes: [to("ark", "doubao-seedream-4-5-251128")],
    names: ["doubao-seedream-4-5-251128", "doubao-seedream-4.5", "seedream-4-5", "seedream-4.5", "seedream-4-5-251128"],
  }),
  "doubao-seedream-4-0": row(seedream40, {
    title: "Seedream 4.0",
    description: "Makes, edits and merges pictures, from 1K to 4K.",
    released: "2025-08-28",
    parameters: parametersOf(seedream40).extend({ optimize_prompt_options: optimizing("standard", "fast") }),
    price: perImage(yuan(0.2)),
    routes: [to("ark", "doubao-seedream-4-0-250828")],
    names: ["doubao-seedream-4-0-250828", "doubao-seedream-4.0", "seedream-4-0", "seedream-4.0", "seedream-4-0-250828"],
  }),
})
