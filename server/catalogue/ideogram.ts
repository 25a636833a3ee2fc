// Ideogram 3.0, one model with several operations. Sources: Ideogram's OpenAPI description of 2026-08-22 and its price
// pages of November 2026, and the AIHubMix documents.
import { z } from "zod"
import { family, to } from "./model.ts"
import type { Given, Price, Rule } from "./model.ts"
import { count, images, mapped, mask, oneOf, prompt, seed } from "./parameters.ts"
import { dollars } from "./price.ts"

const words = (text: string) => text.split(/\s+/) as [string, ...string[]]

const resolutions = words(`512x1536 576x1408 576x1472 576x1536 640x1344 640x1408 640x1472 640x1536 704x1152 704x1216
  704x1280 704x1344 704x1408 704x1472 736x1312 768x1088 768x1216 768x1280 768x1344 800x1280 832x960 832x1024 832x1088
  832x1152 832x1216 832x1248 864x1152 896x960 896x1024 896x1088 896x1120 896x1152 960x832 960x896 960x1024 960x1088
  1024x832 1024x896 1024x960 1024x1024 1088x768 1088x832 1088x896 1088x960 1120x896 1152x704 1152x832 1152x864 1152x896
  1216x704 1216x768 1216x832 1248x832 1280x704 1280x768 1280x800 1312x736 1344x640 1344x704 1344x768 1408x576 1408x640
  1408x704 1472x576 1472x640 1472x704 1536x512 1536x576 1536x640`)

const presets = words(`80S_ILLUSTRATION 90S_NOSTALGIA ABSTRACT_ORGANIC ANALOG_NOSTALGIA ART_BRUT ART_DECO ART_POSTER
  AURA AVANT_GARDE BAUHAUS BLUEPRINT BLURRY_MOTION BRIGHT_ART C4D_CARTOON CHILDRENS_BOOK COLLAGE COLORING_BOOK_I
  COLORING_BOOK_II CUBISM DARK_AURA DOODLE DOUBLE_EXPOSURE DRAMATIC_CINEMA EDITORIAL EMOTIONAL_MINIMAL ETHEREAL_PARTY
  EXPIRED_FILM FLAT_ART FLAT_VECTOR FOREST_REVERIE GEO_MINIMALIST GLASS_PRISM GOLDEN_HOUR GRAFFITI_I GRAFFITI_II
  HALFTONE_PRINT HIGH_CONTRAST HIPPIE_ERA ICONIC JAPANDI_FUSION JAZZY LONG_EXPOSURE MAGAZINE_EDITORIAL
  MINIMAL_ILLUSTRATION MIXED_MEDIA MONOCHROME NIGHTLIFE OIL_PAINTING OLD_CARTOONS PAINT_GESTURE POP_ART RETRO_ETCHING
  RIVIERA_POP SPOTLIGHT_80S STYLIZED_RED SURREAL_COLLAGE TRAVEL_POSTER VINTAGE_GEO VINTAGE_POSTER WATERCOLOR WEIRD
  WOODBLOCK_PRINT`)

const ratios = words("1:3 3:1 1:2 2:1 9:16 16:9 10:16 16:10 2:3 3:2 3:4 4:3 4:5 5:4 1:1")
const palettes = words("EMBER FRESH JUNGLE MAGIC MELON MOSAIC PASTEL ULTRAMARINE")

const styles = ["style_preset", "color_palette", "style_codes"]
const shapes = ["aspect_ratio", "size", "negative_prompt", "magic_prompt"]

/** What each operation takes, besides what all of them do. */
const taken = {
  generate: ["prompt", "image", ...shapes, ...styles, "style_type", "reference_as", "enable_copyright_detection"],
  "generate-transparent": ["prompt", ...shapes, "enable_copyright_detection"],
  remix: ["prompt", "image", "image_weight", ...shapes, ...styles, "style_type", "reference_as"],
  edit: ["prompt", "image", "mask", "magic_prompt", ...styles, "style_type", "reference_as"],
  reframe: ["image", "size", ...styles],
  "replace-background": ["prompt", "image", "magic_prompt", ...styles],
} satisfies Record<string, string[]>

type Operation = keyof typeof taken

const operations = Object.keys(taken) as [Operation, ...Operation[]]
const dependent = [...new Set(Object.values(taken).flat())]

// The vendor names no limit to style references; four pictures of its 25 MB would already be more than it takes.
const picturesMax = 4

const parameters = z.object({
  prompt: prompt(32_000).optional(),
  operation: oneOf(
    operations,
    "Operation",
    "Left out, it follows from what is given: generate without a picture, remix with one, edit with picture and mask. " +
      "reframe extends a square picture to another size, and takes no prompt.",
  ).optional(),
  image: images(picturesMax).meta({
    title: "Pictures",
    description:
      "The picture to start from; further ones are references for the style (see reference_as), and with generate all " +
      "are: a URL, a data URL, base64, or the id of a stored picture.",
  }),
  mask: mask.meta({
    title: "Mask",
    description: "A black and white PNG as large as the picture: what is black in it is painted anew, white is kept.",
  }),
  n: count(10),
  rendering_speed: mapped(
    oneOf(
      ["FLASH", "TURBO", "DEFAULT", "QUALITY", "SPEED"],
      "Rendering speed",
      "From fastest to finest; DEFAULT where left out. SPEED means TURBO.",
    ).optional(),
    "SPEED to TURBO",
  ),
  quality: mapped(
    oneOf(
      ["auto", "low", "medium", "high"],
      "Quality",
      "Another word for the speed: low means TURBO, medium and auto DEFAULT, high QUALITY.",
    ).optional(),
    "to rendering_speed",
  ),
  aspect_ratio: oneOf(ratios, "Aspect ratio", "Width to height, 16:9 or 16x9; 1:1 where left out.").optional(),
  size: oneOf(
    ["auto", "1K", ...resolutions],
    "Size",
    "One of the vendor's resolutions; 1K and auto leave it to the aspect ratio, all being about 1 megapixel.",
  ).optional(),
  seed: seed(0, 2_147_483_647),
  negative_prompt: z
    .string()
    .max(32_000)
    .optional()
    .meta({ title: "Negative prompt", description: "What the picture shall not show; the prompt goes before it." }),
  magic_prompt: oneOf(["AUTO", "ON", "OFF"], "Magic prompt", "Whether the vendor may enrich the prompt.").optional(),
  style_type: oneOf(
    ["AUTO", "GENERAL", "REALISTIC", "DESIGN", "FICTION"],
    "Style",
    "GENERAL where left out.",
  ).optional(),
  style_preset: oneOf(presets, "Style preset", "One of the vendor's styles.").optional(),
  style_codes: z
    .array(z.string().regex(/^[0-9a-fA-F]{8}$/))
    .min(1)
    .max(16)
    .optional()
    .meta({
      title: "Style codes",
      description: "Styles by their codes of 8 hexadecimal digits; not with style_type or style references.",
    }),
  color_palette: z
    .strictObject({
      name: z.enum(palettes).optional(),
      members: z
        .array(
          z.strictObject({
            color_hex: z.string().regex(/^#(?:[0-9a-fA-F]{3}){1,2}$/),
            color_weight: z.number().min(0.05).max(1).optional(),
          }),
        )
        .min(1)
        .max(16)
        .optional(),
    })
    .optional()
    .meta({ title: "Color palette", description: "A preset by its name, or colors with weights as its members." }),
  image_weight: z
    .int()
    .min(1)
    .max(100)
    .optional()
    .meta({ title: "Image weight", description: "For remix: how much of the picture stays; 50 where left out." }),
  reference_as: oneOf(
    ["style", "character"],
    "References as",
    "What the further pictures are for: style where left out; character takes one and costs more.",
  ).optional(),
  enable_copyright_detection: z.boolean().optional().meta({
    title: "Copyright detection",
    description: "Has the vendor hold back pictures that show protected likenesses or logos.",
  }),
})

const operationOf = ({ input, images: given, mask: masked }: Given): Operation => {
  const named = operations.find((operation) => operation === input["operation"])
  return named ?? (masked ? "edit" : given > 0 ? "remix" : "generate")
}

/** Pictures that are not what is started from. */
const referencesOf = (given: Given): number => Math.max(0, given.images - (operationOf(given) === "generate" ? 0 : 1))

const isGiven = ({ input, images: given, mask: masked }: Given, param: string): boolean => {
  if (param === "image") return given > 0
  if (param === "mask") return masked
  return input[param] !== undefined && input[param] !== "auto"
}

const fits = dependent.map((param): Rule => {
  return (given) => {
    const operation = operationOf(given)
    if (!isGiven(given, param) || (taken[operation] as string[]).includes(param)) return undefined
    return { param, message: `${param} cannot be given with operation ${operation}` }
  }
})

const isComplete: Rule = (given) => {
  const operation = operationOf(given)
  const needs = (param: string, what = param) => ({ param, message: `operation ${operation} needs ${what}` })
  if (operation !== "reframe" && given.input.prompt === undefined)
    return { param: "prompt", message: "prompt is missing" }
  if (!operation.startsWith("generate") && given.images === 0) return needs("image")
  if (operation === "edit" && !given.mask) return needs("mask")
  return operation === "reframe" && !hasPixels(given) ? needs("size", "size, in pixels") : undefined
}

const hasPixels = ({ input }: Given): boolean => String(input["size"] ?? "").includes("x")

const oneShape: Rule = (given) =>
  hasPixels(given) && operationOf(given) !== "reframe" && isGiven(given, "aspect_ratio")
    ? { param: "aspect_ratio", message: "aspect_ratio cannot be given together with a size in pixels" }
    : undefined

const oneSpeed: Rule = ({ input }) =>
  input["quality"] !== undefined && input["rendering_speed"] !== undefined
    ? { param: "quality", message: "quality and rendering_speed say the same and cannot both be given" }
    : undefined

const oneStyle: Rule = (given) => {
  if (given.input["style_codes"] === undefined) return undefined
  const message = "style_codes cannot be given together with style_type or style references"
  const references = referencesOf(given) > 0 && !isCharacter(given)
  return references || given.input["style_type"] !== undefined ? { param: "style_codes", message } : undefined
}

const onePalette: Rule = ({ input }) => {
  const palette = input["color_palette"] as { name?: string; members?: unknown[] } | undefined
  if (palette === undefined || (palette.name === undefined) !== (palette.members === undefined)) return undefined
  return { param: "color_palette", message: "color_palette takes either name or members" }
}

const isCharacter = ({ input }: Given): boolean => input["reference_as"] === "character"

const hasReferences: Rule = (given) => {
  const references = referencesOf(given)
  const takes = (taken[operationOf(given)] as string[]).includes("reference_as")
  if (given.input["reference_as"] === undefined || !takes) return undefined
  if (references === 0) return { param: "reference_as", message: "reference_as needs a picture to refer to" }
  const tooMany = isCharacter(given) && references > 1
  return tooMany ? { param: "image", message: "a character is taken from one picture only" } : undefined
}

const speedOf = ({ input }: Given): "FLASH" | "TURBO" | "DEFAULT" | "QUALITY" => {
  const { rendering_speed: speed, quality } = input
  if (speed === "FLASH" || speed === "QUALITY") return speed
  if (speed === "TURBO" || speed === "SPEED" || quality === "low") return "TURBO"
  return quality === "high" ? "QUALITY" : "DEFAULT"
}

// The price pages have no such price, and for transparent pictures the vendor says that it refuses.
const noFlash: Rule = (given) => {
  const barred = isCharacter(given)
    ? "a character"
    : operationOf(given) === "generate-transparent"
      ? "transparency"
      : ""
  return barred !== "" && speedOf(given) === "FLASH"
    ? { param: "rendering_speed", message: `rendering_speed FLASH does not go together with ${barred}` }
    : undefined
}

/** US dollars for one picture, whatever the operation; transparent ones and those of a character cost more. */
const prices = {
  plain: { FLASH: 0.03, TURBO: 0.03, DEFAULT: 0.06, QUALITY: 0.09 },
  transparent: { FLASH: 0.04, TURBO: 0.04, DEFAULT: 0.07, QUALITY: 0.1 },
  character: { FLASH: 0.1, TURBO: 0.1, DEFAULT: 0.15, QUALITY: 0.2 },
}

const price: Price = (given) => {
  const transparent = operationOf(given) === "generate-transparent" ? "transparent" : "plain"
  return dollars(prices[isCharacter(given) ? "character" : transparent][speedOf(given)])
}

export const ideogram = family("ideogram", {
  V3: {
    title: "Ideogram 3.0",
    description: "Renders text and design; makes, remixes, edits and reframes pictures and replaces backgrounds.",
    released: "2025-03-26",
    parameters,
    imagesMax: picturesMax,
    rules: [...fits, isComplete, oneShape, oneSpeed, oneStyle, onePalette, hasReferences, noFlash],
    price,
    routes: [to("ideogram", "ideogram-v3")],
    names: ["V_3", "ideogram-v3"],
    synonyms: { resolution: "size", magic_prompt_option: "magic_prompt" },
  },
})
