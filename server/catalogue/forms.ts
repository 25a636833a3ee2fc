// Reads the fields of a form, which are all text, as what a model's parameters are.
import type { z } from "zod"
import type { Model } from "./model.ts"

/** Where the model takes a number, a truth value, or a list or an object, text that is one is read as one. */
export function fromText(model: Pick<Model, "parameters">, given: Record<string, unknown>): Record<string, unknown> {
  const { shape } = model.parameters
  return Object.fromEntries(
    Object.entries(given).map(([name, value]) => {
      const field = shape[name] as z.ZodType | undefined
      if (typeof value !== "string" || !field || field.safeParse(value).success) return [name, value]
      return [name, readText(value)]
    }),
  )
}

function readText(text: string): unknown {
  if (/^-?\d+(?:\.\d+)?$/.test(text)) return Number(text)
  if (text === "true" || text === "false") return text === "true"
  if (!/^\s*[[{]/.test(text)) return text
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
