// The parameters that models share. Plain JSON Schema only: no transforms, no refinements, so that one object
// validates, documents and draws the form. What depends on two parameters at once is a rule in the model's row.
import { z } from "zod"

export const prompt = (maxLength: number) =>
  z.string().min(1).max(maxLength).meta({ title: "Prompt", description: "What the picture shows, in words." })

export const count = (max: number) =>
  z
    .int()
    .min(1)
    .max(max)
    .default(1)
    .meta({ title: "Number of pictures", description: "How many pictures to make; each is billed." })

export const images = (max: number) =>
  z
    .union([z.string(), z.array(z.string()).min(1).max(max)])
    .optional()
    .meta({
      title: "Reference pictures",
      description: `Up to ${max} pictures to start from: a URL, a data URL, base64, or the id of a stored picture.`,
    })

export const mask = z.string().optional().meta({
  title: "Mask",
  description: "A PNG as large as the first picture; what is transparent in it is painted anew.",
})

export const seed = (min: number, max: number) =>
  z
    .int()
    .min(min)
    .max(max)
    .optional()
    .meta({ title: "Seed", description: "The same seed with the same request gives a similar picture again." })

/** A parameter that is one of a few words. */
export const oneOf = <const Words extends readonly [string, ...string[]]>(
  words: Words,
  title: string,
  description: string,
) => z.enum(words).meta({ title, description })

export const outputFormat = oneOf(["png", "jpeg", "webp"], "File format", "The kind of file the picture comes as.")

/** Marks a parameter whose values the vendor is told in another form, and says how, for those who read the schema. */
export const mapped = <Field extends z.ZodType>(field: Field, how: string): Field =>
  field.meta({ ...field.meta(), "x-mapped": how })
