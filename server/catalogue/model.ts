// A model is a row: what it is called, what it takes, who can serve it.
import type { z } from "zod"
import type { Problem } from "../errors.ts"

/** A way to a vendor that serves the model, and the vendor's own name for it. */
export type Route = {
  provider: string
  model: string
  /** The first day (UTC, "2026-12-01") on which this vendor no longer serves it; the row's own where absent. */
  retires?: string
  /** What of a request this vendor cannot serve although the model can. Another route may. */
  cannot?: Rule
}

/** Checked parameters, without the pictures. */
export type Input = Record<string, unknown> & { prompt?: string; n: number }

/** A checked request, with how many pictures it starts from. */
export type Given = { input: Input; images: number; mask: boolean }

/** Says what is wrong with parameters that are each right by themselves. */
export type Rule = (given: Given) => Problem | undefined

/** Micro-credits for one picture of such a request, what it starts from included. A credit is US$0.01. */
export type Price = (given: Given) => number

/** Tokens of one call, as its vendor counted them and as OpenAI names them. */
export type Counted = {
  input_tokens: number
  output_tokens: number
  input_tokens_details?: { image_tokens: number }
  output_tokens_details?: { image_tokens: number }
}

export type Model = {
  /** `family/id` */
  id: string
  title: string
  description: string
  /** Unix seconds, as OpenAI lists models. */
  released: number
  parameters: z.ZodObject
  /** How many pictures must be given to start from. */
  imagesMin: number
  /** How many pictures may be given to start from; 0 for none. */
  imagesMax: number
  /** Absent where only the operator can know it. */
  price?: Price
  /** Micro-credits that those tokens come to, where its vendors bill tokens. */
  bill?: (given: Given, counted: Counted) => number
  /** How many pictures such a request makes at the most: `n`, but for models that decide themselves. */
  picturesMax: (given: Given) => number
  /** The day its end was announced, and its first day without it: "2026-12-01", UTC. */
  deprecated?: string
  retires?: string
  /** The model to use in its place. */
  successor?: string
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

type Optional = "imagesMin" | "picturesMax" | "synonyms" | "rules" | "names" | "background"

export type ModelRow = Omit<Model, "id" | "released" | Optional> & {
  released: string
  imagesMin?: number
  picturesMax?: Model["picturesMax"]
  synonyms?: Record<string, string>
  rules?: Rule[]
  names?: string[]
  background?: boolean
}

/** The rows of one family, from `id: row` to models. */
export function family(name: string, rows: Record<string, ModelRow>): Model[] {
  return Object.entries(rows).map(([id, row]) => ({
    imagesMin: 0,
    picturesMax: ({ input }: Given) => input.n,
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

export const to = (provider: string, model: string, more: Omit<Route, "provider" | "model"> = {}): Route => ({
  provider,
  model,
  ...more,
})
