// The parts of a form that each operation of Ideogram 3.0 takes, and what is wrong with those it was given.
import { z } from "zod"

const words = (text: string) => text.split(/\s+/) as [string, ...string[]]

export const resolutions = words(`512x1536 576x1408 576x1472 576x1536 640x1344 640x1408 640x1472 640x1536 704x1152
  704x1216 704x1280 704x1344 704x1408 704x1472 736x1312 768x1088 768x1216 768x1280 768x1344 800x1280 832x960 832x1024
  832x1088 832x1152 832x1216 832x1248 864x1152 896x960 896x1024 896x1088 896x1120 896x1152 960x832 960x896 960x1024
  960x1088 1024x832 1024x896 1024x960 1024x1024 1088x768 1088x832 1088x896 1088x960 1120x896 1152x704 1152x832 1152x864
  1152x896 1216x704 1216x768 1216x832 1248x832 1280x704 1280x768 1280x800 1312x736 1344x640 1344x704 1344x768 1408x576
  1408x640 1408x704 1472x576 1472x640 1472x704 1536x512 1536x576 1536x640`)

const presets = words(`80S_ILLUSTRATION 90S_NOSTALGIA ABSTRACT_ORGANIC ANALOG_NOSTALGIA ART_BRUT ART_DECO ART_POSTER
  AURA AVANT_GARDE BAUHAUS BLUEPRINT BLURRY_MOTION BRIGHT_ART C4D_CARTOON CHILDRENS_BOOK COLLAGE COLORING_BOOK_I
  COLORING_BOOK_II CUBISM DARK_AURA DOODLE DOUBLE_EXPOSURE DRAMATIC_CINEMA EDITORIAL EMOTIONAL_MINIMAL ETHEREAL_PARTY
  EXPIRED_FILM FLAT_ART FLAT_VECTOR FOREST_REVERIE GEO_MINIMALIST GLASS_PRISM GOLDEN_HOUR GRAFFITI_I GRAFFITI_II
  HALFTONE_PRINT HIGH_CONTRAST HIPPIE_ERA ICONIC JAPANDI_FUSION JAZZY LONG_EXPOSURE MAGAZINE_EDITORIAL
  MINIMAL_ILLUSTRATION MIXED_MEDIA MONOCHROME NIGHTLIFE OIL_PAINTING OLD_CARTOONS PAINT_GESTURE POP_ART RETRO_ETCHING
  RIVIERA_POP SPOTLIGHT_80S STYLIZED_RED SURREAL_COLLAGE TRAVEL_POSTER VINTAGE_GEO VINTAGE_POSTER WATERCOLOR WEIRD
  WOODBLOCK_PRINT`)

const whole = (min: number, max: number) =>
  z
    .string()
    .regex(/^-?\d{1,10}$/)
    .transform(Number)
    .pipe(z.int().min(min).max(max))

const member = z.strictObject({
  color_hex: z.string().regex(/^#(?:[0-9a-fA-F]{3}){1,2}$/),
  color_weight: z.number().min(0.05).max(1).optional(),
})
const palette = z.union([
  z.strictObject({ name: z.enum(words("EMBER FRESH JUNGLE MAGIC MELON MOSAIC PASTEL ULTRAMARINE")) }),
  z.strictObject({ members: z.array(member).min(1) }),
])

const readJson = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const texts = z.object({
  prompt: z.string().min(1).optional(),
  seed: whole(0, 2_147_483_647).optional(),
  resolution: z.enum(resolutions).optional(),
  aspect_ratio: z.enum(words("1x3 3x1 1x2 2x1 9x16 16x9 10x16 16x10 2x3 3x2 3x4 4x3 4x5 5x4 1x1")).optional(),
  rendering_speed: z.enum(["FLASH", "TURBO", "DEFAULT", "QUALITY"]).optional(),
  magic_prompt: z.enum(["AUTO", "ON", "OFF"]).optional(),
  negative_prompt: z.string().optional(),
  num_images: whole(1, 8).optional(),
  color_palette: z.string().transform(readJson).pipe(palette).optional(),
  style_codes: z.array(z.string().regex(/^[0-9a-fA-F]{8}$/)).optional(),
  style_type: z.enum(["AUTO", "GENERAL", "REALISTIC", "DESIGN", "FICTION"]).optional(),
  style_preset: z.enum(presets).optional(),
  image_weight: whole(1, 100).optional(),
  upscale_factor: z.enum(["X1", "X2", "X4"]).optional(),
  custom_model_uri: z
    .string()
    .regex(/^model\/[^/]+\/version\/[^/]+$/)
    .optional(),
  enable_copyright_detection: z.enum(["true", "false"]).optional(),
})

export type Fields = z.infer<typeof texts>

const common = "seed num_images rendering_speed"
const styles = "style_preset color_palette style_codes style_reference_images"
const characters = "character_reference_images character_reference_images_mask"
const shapes = "resolution aspect_ratio negative_prompt magic_prompt"

type Form = { takes: string[]; needs: string[] }

const row = (needs: string, more: string): Form => ({
  takes: words(`${needs} ${common} ${more}`),
  needs: words(needs),
})

const inpaint = row("image mask prompt", `magic_prompt style_type ${styles} ${characters}`)

/** By the last part of the address. */
export const forms: ReadonlyMap<string, Form> = new Map([
  [
    "generate",
    row("prompt", `${shapes} style_type ${styles} ${characters} custom_model_uri enable_copyright_detection`),
  ],
  [
    "generate-transparent",
    row("prompt", "upscale_factor aspect_ratio magic_prompt negative_prompt enable_copyright_detection"),
  ],
  ["remix", row("image prompt", `image_weight ${shapes} style_type ${styles} ${characters}`)],
  ["inpaint", inpaint],
  ["edit", inpaint],
  ["reframe", row("image resolution", styles)],
  ["replace-background", row("image prompt", `magic_prompt ${styles}`)],
])

const lists = ["style_codes"]
const fileNames = words(`image mask style_reference_images ${characters}`)

export type Upload = { name: string; bytes: Buffer }

/** What a form says, or what is wrong with it. */
export async function readParts(
  form: FormData,
  operation: string,
): Promise<{ fields: Fields; uploads: Upload[] } | string> {
  const { takes, needs } = forms.get(operation)!
  const given: Record<string, unknown> = {}
  const uploads: Upload[] = []
  for (const [name, value] of form) {
    // UNVERIFIED: whether the vendor refuses what it does not know; to pass it over would hide a client's mistake.
    if (!takes.includes(name)) return `Unknown parameter '${name}'.`
    if (fileNames.includes(name) !== (typeof value !== "string")) return `Invalid part '${name}'.`
    if (typeof value !== "string") uploads.push({ name, bytes: Buffer.from(await value.arrayBuffer()) })
    else given[name] = lists.includes(name) ? [...((given[name] as string[]) ?? []), value] : value
  }
  const missing = needs.find((name) => given[name] === undefined && !uploads.some((upload) => upload.name === name))
  if (missing) return `Missing required parameter '${missing}'.`
  const parsed = texts.safeParse(given)
  if (!parsed.success) return `Invalid value for '${String(parsed.error.issues[0]!.path[0])}'.`
  return faultOf(parsed.data, uploads, operation) ?? { fields: parsed.data, uploads }
}

function faultOf(fields: Fields, uploads: Upload[], operation: string): string | undefined {
  const count = (name: string) => uploads.filter((upload) => upload.name === name).length
  if (fields.resolution && fields.aspect_ratio && operation !== "reframe")
    return "Cannot specify both resolution and aspect_ratio."
  if (fields.style_codes && (fields.style_type || count("style_reference_images") > 0))
    return "style_codes cannot be used with style_type or style_reference_images."
  if (operation === "generate-transparent" && fields.rendering_speed === "FLASH")
    return "rendering_speed FLASH is not supported for transparent backgrounds."
  if (count("image") > 1 || count("mask") > 1) return "Only one image and one mask are taken."
  if (count("character_reference_images") > 1) return "Only 1 character reference image is currently supported."
  const masks = count("character_reference_images_mask")
  return masks > 0 && masks !== count("character_reference_images")
    ? "character_reference_images_mask must match the number of character_reference_images."
    : undefined
}
