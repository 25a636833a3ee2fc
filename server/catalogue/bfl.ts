// Black Forest Labs' FLUX models. Source: BFL's OpenAPI description of 2026-08-22, and the AIHubMix documents.
import { z } from "zod"
import { family, to } from "./model.ts"
import type { Given, Price, Rule } from "./model.ts"
import { count, images, oneOf, prompt, seed } from "./parameters.ts"
import { dollars, perImage } from "./price.ts"

const ratio = z
  .string()
  .regex(/^([1-9]|1\d|2[01]):([1-9]|1\d|2[01])$/)
  .optional()
  .meta({
    title: "Aspect ratio",
    description: "From 21:9 to 9:21. 16:9 where neither it nor a reference picture is given.",
  })

const side = (title: string) =>
  z
    .int()
    .min(64)
    .max(4096)
    .multipleOf(16)
    .optional()
    .meta({ title, description: "Pixels, a multiple of 16. Together with the other side at most 4,194,304." })

const tolerance = (max: number) =>
  z
    .int()
    .min(0)
    .max(max)
    .default(2)
    .meta({ title: "Safety tolerance", description: "0 filters most; with a reference picture at most 2." })

const fileFormat = (fallback: "jpeg" | "png") =>
  oneOf(["jpeg", "png", "webp"], "File format", "The kind of file the picture comes as.").default(fallback)

const common = {
  prompt: prompt(32_000),
  aspect_ratio: ratio,
  n: count(10),
  seed: seed(0, 4_294_967_295),
  raw: z.literal(false).optional().meta({ title: "Raw", description: "This model has no raw mode." }),
}

const flux2 = z.object({
  ...common,
  image: images(8),
  size: z
    .string()
    .regex(/^(auto|[12]K|[1-9]\d{1,3}x[1-9]\d{1,3})$/)
    .optional()
    .meta({
      title: "Size",
      description: "1K (about 1 megapixel), 2K (about 4), or pixels: multiples of 16, at least 64.",
    }),
  width: side("Width"),
  height: side("Height"),
  safety_tolerance: tolerance(5),
  output_format: fileFormat("jpeg"),
})

const upsampling = (fallback: boolean) =>
  z.boolean().default(fallback).meta({ title: "Prompt upsampling", description: "Lets the vendor enrich the prompt." })

const kontext = z.object({
  ...common,
  image: images(4),
  size: oneOf(["auto", "1K"], "Size", "This model always makes about 1 megapixel.").optional(),
  prompt_upsampling: upsampling(false),
  safety_tolerance: tolerance(6),
  output_format: fileFormat("png"),
})

/** Both documents say so for FLUX; the vendor itself is not known to enforce it. */
const strictWithImages: Rule = ({ input, images: given }) =>
  given > 0 && Number(input["safety_tolerance"]) > 2
    ? { param: "safety_tolerance", message: "safety_tolerance must be at most 2 together with image" }
    : undefined

const legalRatio: Rule = ({ input }) => {
  const [across, down] = String(input["aspect_ratio"] ?? "1:1")
    .split(":")
    .map(Number)
  const quotient = across! / down!
  return quotient > 21 / 9 || quotient < 9 / 21
    ? { param: "aspect_ratio", message: "aspect_ratio must be from 21:9 to 9:21" }
    : undefined
}

const oneWayToSize: Rule = ({ input }) => {
  const pixels = /x/.test(String(input["size"] ?? ""))
  const sides = input["width"] !== undefined || input["height"] !== undefined
  if (sides && (input["width"] === undefined || input["height"] === undefined))
    return { param: input["width"] === undefined ? "width" : "height", message: "width and height go together" }
  if (sides && (input["aspect_ratio"] !== undefined || input["size"] !== undefined))
    return { param: "width", message: "width and height cannot be given together with aspect_ratio or size" }
  if (pixels && input["aspect_ratio"] !== undefined)
    return { param: "aspect_ratio", message: "aspect_ratio cannot be given together with a size in pixels" }
  return undefined
}

/** With a reference picture its shape is the vendor's to follow, and 1K of an unknown shape cannot be asked for. */
const sizeNeedsShape: Rule = ({ input, images: given }) =>
  given > 0 && /^[12]K$/.test(String(input["size"])) && input["aspect_ratio"] === undefined
    ? { param: "size", message: "size 1K or 2K together with image needs aspect_ratio" }
    : undefined

const legalPixels: Rule = ({ input }) => {
  const [width, height] = /^\d+x\d+$/.test(String(input["size"]))
    ? String(input["size"]).split("x").map(Number)
    : [Number(input["width"] ?? 1024), Number(input["height"] ?? 1024)]
  const legal = [width!, height!].every((pixels) => pixels >= 64 && pixels % 16 === 0) && width! * height! <= 4_194_304
  return legal
    ? undefined
    : {
        param: input["size"] ? "size" : "width",
        message: "sides must be multiples of 16 from 64, at most 4,194,304 pixels in all",
      }
}

const megapixel = 1024 * 1024

/** Pixels asked for, in megapixels; of a size left to the vendor, and of each reference picture, one is reckoned. */
function megapixelsOf({ input }: Given): number {
  if (input["size"] === "2K") return 4
  const [width = 1024, height = 1024] = /^\d+x\d+$/.test(String(input["size"]))
    ? String(input["size"]).split("x").map(Number)
    : [input["width"] as number | undefined, input["height"] as number | undefined]
  return Math.max(1, (width * height) / megapixel)
}

/** US dollars for the first megapixel made, and for each further one, made or sent along. */
const perMegapixel =
  (first: number, further: number): Price =>
  (given) =>
    dollars(first + further * (megapixelsOf(given) - 1 + given.images))

const flux2Rules = [strictWithImages, legalRatio, oneWayToSize, sizeNeedsShape, legalPixels]
const kontextRules = [strictWithImages, legalRatio]

export const bfl = family("bfl", {
  "flux-2-pro": {
    title: "FLUX.2 pro",
    description: "Makes and edits pictures; reads and writes complex text.",
    released: "2025-11-25",
    parameters: flux2,
    imagesMax: 8,
    rules: flux2Rules,
    price: perMegapixel(0.03, 0.015),
    routes: [to("bfl", "flux-2-pro")],
    background: true,
  },
  "flux-2-flex": {
    title: "FLUX.2 flex",
    description: "Keeps characters and style over several references; steps and guidance can be set.",
    released: "2025-11-25",
    parameters: flux2.extend({
      prompt_upsampling: upsampling(true),
      guidance: z
        .number()
        .min(1.5)
        .max(10)
        .optional()
        .meta({ title: "Guidance", description: "How closely the prompt is followed." }),
      steps: z.int().min(1).max(50).optional().meta({ title: "Steps", description: "More is finer and slower." }),
    }),
    imagesMax: 8,
    rules: flux2Rules,
    price: perMegapixel(0.05, 0.05),
    routes: [to("bfl", "flux-2-flex")],
    background: true,
  },
  "flux-kontext-max": {
    title: "FLUX.1 Kontext max",
    description: "Makes pictures from text and edits pictures in context.",
    released: "2025-05-29",
    parameters: kontext,
    imagesMax: 4,
    rules: kontextRules,
    price: perImage(0.08),
    routes: [to("bfl", "flux-kontext-max")],
    background: true,
  },
  "flux-kontext-pro": {
    title: "FLUX.1 Kontext pro",
    description: "Makes pictures from text and edits pictures in context, faster.",
    released: "2025-05-29",
    parameters: kontext,
    imagesMax: 4,
    rules: kontextRules,
    price: perImage(0.04),
    routes: [to("bfl", "flux-kontext-pro")],
    names: ["FLUX.1-Kontext-pro"],
    background: true,
  },
})
