// Models of servers that the operator runs himself and that speak OpenAI's Images API: he names them in the settings.
// What such servers take: the sources of LocalAI, vLLM-Omni, SGLang and stable-diffusion.cpp of 2025 and 2026.
import { z } from "zod"
import { createCatalogue } from "./catalogue.ts"
import { family, to } from "./model.ts"
import type { Input, Model, ModelRow, Route, Rule } from "./model.ts"
import { count, images, mask, outputFormat, prompt, seed } from "./parameters.ts"
import { dollars } from "./price.ts"

/** One model that the operator's server draws with. */
export type CompatibleEntry = {
  /** What callers ask for. */
  name: string
  /** What the server calls it. */
  model: string
  /** US dollars for a picture; without it nobody knows. */
  price?: number
}

const parameters = z.object({
  prompt: prompt(32_000),
  negative_prompt: z.string().max(32_000).optional().meta({
    title: "Negative prompt",
    description: "What the picture shall not show. LocalAI reads it after a | in the prompt.",
  }),
  image: images(4),
  mask,
  n: count(10),
  size: z
    .string()
    .regex(/^(auto|[1-9]\d{1,4}x[1-9]\d{1,4})$/)
    .default("auto")
    .meta({ title: "Size", description: "Pixels; auto leaves it to the server." }),
  quality: z
    .string()
    .regex(/^[\w-]{1,32}$/)
    .optional()
    .meta({ title: "Quality", description: "A word that the server knows." }),
  background: z
    .enum(["auto", "opaque", "transparent"])
    .optional()
    .meta({ title: "Background", description: "Transparent needs png or webp." }),
  seed: seed(0, 4_294_967_295),
  guidance: z
    .number()
    .min(0)
    .max(50)
    .optional()
    .meta({ title: "Guidance", description: "How closely the prompt is followed." }),
  steps: z.int().min(1).max(200).optional().meta({ title: "Steps", description: "More is finer and slower." }),
  output_format: outputFormat.optional(),
  output_compression: z
    .int()
    .min(0)
    .max(100)
    .optional()
    .meta({ title: "Compression", description: "For jpeg and webp: 100 is best." }),
})

const synonyms = { guidance_scale: "guidance", cfg_scale: "guidance", num_inference_steps: "steps", step: "steps" }

/** stable-diffusion.cpp takes orders out of the prompt, of which a caller of this server may not give any. */
const noHiddenOrders: Rule = ({ input }) =>
  [input.prompt, input["negative_prompt"]].some((text) => /<\/?sd_cpp_extra_args>/i.test(String(text)))
    ? { param: "prompt", message: "prompt must not hold <sd_cpp_extra_args>" }
    : undefined

function rowOf({ name, price }: CompatibleEntry, route: Route): ModelRow {
  return {
    title: name,
    description: "Drawn by a server of the operator's own, which may pass over parameters that it does not know.",
    // Nobody says when such a model came out.
    released: "1970-01-01",
    parameters,
    imagesMax: 4,
    synonyms,
    ...(price === undefined ? {} : { price: () => dollars(price) }),
    routes: [route],
  }
}

// What OpenAI's wire has a field for, by the names that models have for it. All else cannot be sent.
const sendable = [
  ...["prompt", "negative_prompt", "n", "size", "width", "height", "aspect_ratio", "quality", "background", "style"],
  ...["moderation", "input_fidelity", "complexity", "output_format", "output_compression", "partial_images"],
  ...["seed", "guidance", "steps"],
]

/** What of a request to a model of another vendor cannot be said to a server that speaks OpenAI's API. */
const unspeakable =
  ({ parameters: { shape } }: Model): Rule =>
  ({ input }) => {
    const param = Object.keys(input).find((name) => !sendable.includes(name) && asksFor(shape[name], input[name]))
    if (param !== undefined) return { param, message: `${param} cannot be sent to an OpenAI-compatible server` }
    const named = ["size", "aspect_ratio"].find((name) => !isPlain(input, name))
    if (named === undefined) return undefined
    return { param: named, message: `${named} ${String(input[named])} means nothing to an OpenAI-compatible server` }
  }

const isPlain = (input: Input, name: string): boolean =>
  input[name] === undefined || /^(auto|\d+[x:]\d+|[124]K)$/.test(String(input[name]))

/** Not what a model does by itself, and not that something be left out. */
function asksFor(field: unknown, value: unknown): boolean {
  if (value === undefined || value === false) return false
  const parsed = (field as z.ZodType | undefined)?.safeParse(undefined)
  return JSON.stringify(parsed?.data) !== JSON.stringify(value)
}

/** A server of one's own serves what its vendor has given up; it comes before a vendor that only passes requests on. */
function withRoute(model: Model, route: Route): Model {
  const { retires, ...rest } = model
  const kept = model.routes.map((one) => (retires === undefined ? one : { retires, ...one }))
  const resold = kept.findIndex(({ provider }) => provider === "aihubmix")
  return { ...rest, routes: kept.toSpliced(resold < 0 ? kept.length : resold, 0, route) }
}

/**
 * The models and the operator's own: a name that the catalogue knows gets one more route, any other becomes a model
 * `compatible/<name>`. Throws an Error that names the entry and the setting.
 */
export function withCompatible(models: Model[], entries: CompatibleEntry[]): Model[] {
  const catalogue = createCatalogue(models)
  const all = [...models]
  for (const entry of entries) {
    const known = catalogue.find(entry.name)
    const at = known ? all.findIndex(({ id }) => id === known.id) : -1
    const rules = known ? [noHiddenOrders, unspeakable(known)] : [noHiddenOrders]
    const route = to("compatible", entry.model, { cannot: (given) => rules.map((rule) => rule(given)).find(Boolean) })
    checkEntry(entry, all, known)
    if (at >= 0) all[at] = withRoute(all[at]!, route)
    else all.push(...family("compatible", { [entry.name]: rowOf(entry, route) }))
  }
  return all
}

function checkEntry({ name, price }: CompatibleEntry, all: Model[], known: Model | undefined): void {
  const wrong = (why: string) => new Error(`ATELIER_COMPATIBLE_MODELS: ${name} ${why}`)
  const id = known?.id ?? `compatible/${name}`
  const same = all.find((model) => model.id.toLowerCase() === id.toLowerCase())
  if (same?.routes.some(({ provider }) => provider === "compatible")) throw wrong("is there twice")
  if (known && price !== undefined) throw wrong(`is ${known.id}, which has a price already: leave out @${price}`)
  if (!known && name.includes("/"))
    throw wrong(`names no model of the catalogue; a model of your own has no slash: ${name.split("/").at(-1)}=${name}`)
}
