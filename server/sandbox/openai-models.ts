// The image models of OpenAI, retired ones included: what each takes, and how many tokens its pictures count.
import type { Size } from "./picture.ts"

type Family = {
  /** Named sizes, or "free" where any size within the rules will do. */
  sizes: readonly string[] | "free"
  qualities: readonly [string, ...string[]]
  /** What `quality: "auto"` comes to. UNVERIFIED: no source says; the dearest is the safest to reckon with. */
  autoQuality: string
  promptMax: number
  /** UNVERIFIED for 2.6: refusals were reported for 2 and 2.5 only. */
  transparency: boolean
  dalle?: true
}

const gptSizes = ["1024x1024", "1024x1536", "1536x1024"] as const
const gptQualities = ["low", "medium", "high"] as const
const newQualities = [...gptQualities, "xhigh", "max"] as const

const dalle3: Family = {
  sizes: ["1024x1024", "1792x1024", "1024x1792"],
  qualities: ["standard", "hd"],
  autoQuality: "standard",
  promptMax: 4_000,
  transparency: false,
  dalle: true,
}
const gpt1: Family = {
  sizes: gptSizes,
  qualities: gptQualities,
  autoQuality: "high",
  promptMax: 32_000,
  transparency: true,
}
const gpt2: Family = { ...gpt1, sizes: "free", transparency: false }
/** UNVERIFIED: limits of prompt and count are taken over from gpt-image-2. */
const gpt25: Family = { ...gpt2, qualities: newQualities }
const gpt26: Family = { ...gpt25, transparency: true }

export type Model = {
  id: string
  family: Family
  /** Seconds since 1970. */
  created: number
  /** Takes `complexity`, which one secondary source describes. */
  complexity?: true
  /** Refuses `input_fidelity`. */
  plainInputs?: true
}

const row = (id: string, family: Family, released: string, more: Partial<Model> = {}): Model => ({
  id,
  family,
  created: Date.parse(released) / 1000,
  ...more,
})

const rows = [
  row("dall-e-3", dalle3, "2023-10-31"),
  row("gpt-image-1", gpt1, "2025-04-23"),
  row("gpt-image-1-mini", gpt1, "2025-10-06", { plainInputs: true }),
  row("gpt-image-1.5", gpt1, "2025-12-16"),
  row("chatgpt-image-latest", gpt1, "2025-12-16"),
  row("gpt-image-2", gpt2, "2026-04-21"),
  row("gpt-image-2-2026-04-21", gpt2, "2026-04-21"),
  row("gpt-image-2.5-flare", gpt25, "2026-09-08"),
  row("gpt-image-2.5-flare-2026-09-08", gpt25, "2026-09-08"),
  row("gpt-image-2.5-sunburst", gpt25, "2026-09-08"),
  row("gpt-image-2.5-sunburst-2026-09-08", gpt25, "2026-09-08"),
  row("gpt-image-2.6-flare", gpt26, "2026-11-04", { complexity: true }),
  row("gpt-image-2.6-sunburst", gpt26, "2026-11-04", { complexity: true }),
]

export const models: ReadonlyMap<string, Model> = new Map(rows.map((model) => [model.id, model]))

/** Output tokens of the models with three sizes, by quality. */
const listedTokens: Record<string, Record<string, number>> = {
  "1024x1024": { low: 272, medium: 1_056, high: 4_160 },
  "1024x1536": { low: 408, medium: 1_584, high: 6_240 },
  "1536x1024": { low: 400, medium: 1_568, high: 6_208 },
}

/** Of gpt-image-2 and later, as the API's own calculator is known to reckon; xhigh and max are guesses. UNVERIFIED. */
const steps: Record<string, number> = { low: 16, medium: 48, high: 96, xhigh: 120, max: 144 }

export function outputTokens({ family }: Model, quality: string, { width, height }: Size): number {
  if (family.sizes !== "free") return listedTokens[`${width}x${height}`]?.[quality] ?? 0
  const [short, long] = width < height ? [width, height] : [height, width]
  const along = steps[quality] ?? 0
  return Math.ceil((along * Math.round((along * short) / long) * (2_000_000 + width * height)) / 4_000_000)
}

/** Input tokens of a picture sent along: a base and so much for each tile of 512, the short side being 512. */
export function inputTokens({ width, height }: Size): number {
  const shrink = Math.min(1, 512 / Math.min(width, height))
  const tiles = Math.ceil((width * shrink) / 512) * Math.ceil((height * shrink) / 512)
  return 65 + 129 * tiles
}

/** About four characters to a token. */
export const textTokens = (prompt: string): number => Math.ceil(prompt.length / 4)
