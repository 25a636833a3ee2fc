// A model is a row: what it is called, what it takes, who can serve it.
import type { z } from "zod"
import type { Problem } from "../errors.ts"

/** A way to a vendor that serves the model, and the vendor's own name for it. */
export type Route = { provider: string; model: string }

/** Checked parameters, without the pictures. */
export type Input = Record<string, unknown> & { prompt: string; n: number }

export type Given = { input: Input; images: number; mask: boolean }

/** Says what is wrong with parameters that are each right by themselves. */
export type Rule = (given: Given) => Problem | undefined

export type Model = {
  /** `family/id` */
  id: string
  title: string
  description: string
  /** Unix seconds, as OpenAI lists models. */
  released: number
  parameters: z.ZodObject
  /** How many pictures may be given to start from; 0 for none. */
  imagesMax: number
  /** Other names of parameters, and what each means here. */
  synonyms: Record<string, string>
  rules: Rule[]
  routes: Route[]
  /** Other names of the model. */
  names: string[]
  /** The vendor makes it in the background: a dialect with tasks answers at once. */
  background: boolean
}

export type Catalogue = {
  models: Model[]
  find: (name: string) => Model | undefined
  nearest: (name: string) => string[]
}

export type ModelRow = Omit<Model, "id" | "released" | "synonyms" | "rules" | "names" | "background"> & {
  released: string
  synonyms?: Record<string, string>
  rules?: Rule[]
  names?: string[]
  background?: boolean
}

/** The rows of one family, from `id: row` to models. */
export function family(name: string, rows: Record<string, ModelRow>): Model[] {
  return Object.entries(rows).map(([id, row]) => ({
    synonyms: {},
    rules: [],
    names: [],
    background: false,
    ...row,
    id: `${name}/${id}`,
    parameters: row.parameters.strict(),
    released: Date.parse(row.released) / 1000,
  }))
}

export const to = (provider: string, model: string): Route => ({ provider, model })
