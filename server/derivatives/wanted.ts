// What a caller may ask of a picture behind a link: smaller, cut to a shape, in another format.
import { z } from "zod"
import { GatewayError } from "../errors.ts"
import type { Problem } from "../errors.ts"
import type { Image } from "../images/images.ts"

const sideMin = 16
/** Of a side, in pixels; what is made has no side beyond it. */
export const sideMax = 4096

const formats = ["webp", "avif", "jpeg", "png"] as const
export type Format = (typeof formats)[number]

const side = (about: string) => z.int().min(sideMin).max(sideMax).optional().meta({ description: about })

/** For the query of a route that answers with a picture. */
export const derivativeQuery = {
  w: side("Width in pixels, at most the picture's own. Without h the height follows."),
  h: side("Height in pixels, at most the picture's own. Without w the width follows."),
  fit: z
    .enum(["inside", "cover", "contain"])
    .optional()
    .meta({
      description:
        "How a picture of another shape fills w and h: `inside` (the default) gets no larger than both, `cover` is cut, " +
        "`contain` has a border, empty or, in a JPEG, white.",
    }),
  format: z.enum(formats).optional().meta({ description: "Without it, the picture's own." }),
  quality: z
    .int()
    .min(1)
    .max(100)
    .optional()
    .meta({ description: "Of WebP (80 without it), AVIF (50) and JPEG (80)." }),
}

export type DerivativeQuery = { [Name in keyof typeof derivativeQuery]?: z.infer<(typeof derivativeQuery)[Name]> }

export type Wanted = {
  /** Undefined where it follows the other. */
  width: number | undefined
  height: number | undefined
  fit: "inside" | "cover" | "contain"
  format: Format
  /** Undefined for PNG, which loses nothing. */
  quality: number | undefined
}

const qualities: Record<Format, number | undefined> = { webp: 80, avif: 50, jpeg: 80, png: undefined }

/** Undefined where nothing is asked of the picture itself. Throws `invalid_request` that names all that is wrong. */
export function readWanted(image: Image, { w, h, fit, format, quality }: DerivativeQuery): Wanted | undefined {
  if ([w, h, fit, format, quality].every((given) => given === undefined)) return undefined
  const becomes = format ?? formatOf(image)
  const problems = [
    ...beyond("w", w, image.width, "width"),
    ...beyond("h", h, image.height, "height"),
    ...(fit !== undefined && (w === undefined || h === undefined) ? [problem("fit", "fit needs both w and h")] : []),
    ...(quality !== undefined && becomes === "png" ? [problem("quality", "quality has no meaning for png")] : []),
    ...tooLarge(image, w, h),
  ]
  if (problems.length > 0)
    throw new GatewayError({
      code: "invalid_request",
      detail: problems.map(({ message }) => message).join("; "),
      problems,
    })
  return { width: w, height: h, fit: fit ?? "inside", format: becomes, quality: quality ?? qualities[becomes] }
}

const formatOf = ({ mediaType }: Image): Format => mediaType.slice("image/".length) as Format

const problem = (param: string, message: string): Problem => ({ param, message })

function beyond(param: string, given: number | undefined, own: number, name: string): Problem[] {
  if (given === undefined || given <= own) return []
  return [problem(param, `${param} must be at most ${own}, the picture's own ${name}`)]
}

/** A side that is not given follows the other, or stays as it is. */
function tooLarge({ width, height }: Image, w: number | undefined, h: number | undefined): Problem[] {
  const scale = w === undefined && h === undefined ? 1 : Math.min((w ?? width) / width, (h ?? height) / height)
  if (Math.round(Math.max(width, height) * scale) <= sideMax) return []
  const longer = width > height ? "w" : "h"
  return [problem(longer, `${longer} must be given, at most ${sideMax}: the picture would have a longer side`)]
}

/** The same text for all that comes to the same. */
export const variantOf = ({ width, height, fit, format, quality }: Wanted): string =>
  [`${width ?? ""}x${height ?? ""}`, width && height ? fit : "", format, quality ?? ""].filter(Boolean).join(" ")
