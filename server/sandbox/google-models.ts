// The models of Google that draw, retired ones included: what each takes, how large it draws, and how many tokens that is.
import type { Format, Size } from "./picture.ts"

/** The Gemini API, or Vertex AI. */
export type Surface = "gemini" | "vertex"

export type Model = {
  id: string
  title: string
  method: "generateContent" | "predict"
  /** Sizes that may be asked for by name; none where the model has one and refuses to be asked. */
  sizes: readonly string[]
  /** Pixels at 1K, by ratio. */
  pixels: Record<string, Size>
  /** Tokens of a picture that comes out, by size. */
  tokens: Record<string, number>
  /** Levels of thinking; none where they cannot be set. */
  levels: readonly string[]
  search: boolean
  /** What comes where no kind of file is asked for. */
  format: Format
  /** Pictures in one call. */
  most: Record<Surface, number>
}

const table = (rows: Record<string, [width: number, height: number]>): Record<string, Size> =>
  Object.fromEntries(Object.entries(rows).map(([ratio, [width, height]]) => [ratio, { width, height }]))

const gemini25 = table({
  ...{ "1:1": [1024, 1024], "2:3": [832, 1248], "3:2": [1248, 832], "3:4": [864, 1184], "4:3": [1184, 864] },
  ...{ "4:5": [896, 1152], "5:4": [1152, 896], "9:16": [768, 1344], "16:9": [1344, 768], "21:9": [1536, 672] },
})

const gemini3 = table({
  ...{ "1:1": [1024, 1024], "2:3": [848, 1264], "3:2": [1264, 848], "3:4": [896, 1200], "4:3": [1200, 896] },
  ...{ "4:5": [928, 1152], "5:4": [1152, 928], "9:16": [768, 1376], "16:9": [1376, 768], "21:9": [1584, 672] },
})

const wide = {
  ...gemini3,
  ...table({ "1:4": [512, 2064], "4:1": [2064, 512], "1:8": [352, 2928], "8:1": [2928, 352] }),
}

const imagen = table({
  ...{ "1:1": [1024, 1024], "3:4": [896, 1280], "4:3": [1280, 896], "9:16": [768, 1408], "16:9": [1408, 768] },
})

type Facts = Partial<Omit<Model, "id" | "title">>

const geminiModel = (id: string, title: string, facts: Facts): Model => ({
  ...{ id, title, method: "generateContent", sizes: ["1K"], pixels: wide, tokens: { "1K": 1120 } },
  // UNVERIFIED: Gemini 3 answers with JPEG in most reports, Gemini 2.5 with PNG.
  ...{ levels: [], search: false, format: "jpeg", most: { gemini: 1, vertex: 1 } },
  ...facts,
})

const imagenModel = (id: string, title: string, facts: Facts = {}): Model => ({
  ...{ id, title, method: "predict", sizes: [], pixels: imagen, tokens: {} },
  ...{ levels: [], search: false, format: "png", most: { gemini: 4, vertex: 4 } },
  ...facts,
})

const banana25: Facts = { sizes: [], pixels: gemini25, tokens: { "1K": 1290 }, format: "png" }
const pro: Facts = {
  ...{ sizes: ["1K", "2K", "4K"], pixels: gemini3, tokens: { "1K": 1120, "2K": 1120, "4K": 2000 }, search: true },
}
const flash: Facts = {
  ...{ sizes: ["512", "1K", "2K", "4K"], tokens: { "512": 747, "1K": 1120, "2K": 1680, "4K": 2520 }, search: true },
  levels: ["MINIMAL", "HIGH"],
}
// UNVERIFIED: the tokens above 1K, taken over from the model before it.
const banana21: Facts = { ...flash, sizes: ["1K", "2K", "4K"], levels: ["MINIMAL", "MEDIUM", "HIGH"] }
const to2K: Facts = { sizes: ["1K", "2K"] }
// UNVERIFIED: Google's notebook has 1 for the Gemini API, its page of the model on Vertex AI has 4.
const ultra: Facts = { ...to2K, most: { gemini: 1, vertex: 4 } }

const rows = [
  geminiModel("gemini-2.5-flash-image-preview", "Nano Banana preview", banana25),
  geminiModel("gemini-2.5-flash-image", "Nano Banana", banana25),
  geminiModel("gemini-3-pro-image-preview", "Nano Banana Pro preview", pro),
  geminiModel("gemini-3-pro-image", "Nano Banana Pro", pro),
  geminiModel("gemini-3.1-flash-image-preview", "Nano Banana 2 preview", flash),
  geminiModel("gemini-3.1-flash-image", "Nano Banana 2", flash),
  geminiModel("gemini-3.1-flash-lite-image", "Nano Banana 2 Lite", { levels: ["MINIMAL", "HIGH"] }),
  geminiModel("gemini-nano-banana-2.1", "Nano Banana 2.1", banana21),
  imagenModel("imagen-3.0-generate-002", "Imagen 3"),
  imagenModel("imagen-4.0-fast-generate-001", "Imagen 4 Fast"),
  imagenModel("imagen-4.0-fast-generate-preview-06-06", "Imagen 4 Fast preview"),
  imagenModel("imagen-4.0-generate-001", "Imagen 4", to2K),
  imagenModel("imagen-4.0-generate-preview-05-20", "Imagen 4 preview"),
  imagenModel("imagen-4.0-generate-preview-06-06", "Imagen 4 preview"),
  imagenModel("imagen-4.0-ultra-generate-001", "Imagen 4 Ultra", ultra),
  imagenModel("imagen-4.0-ultra-generate-exp-05-20", "Imagen 4 Ultra preview", { most: { gemini: 1, vertex: 1 } }),
  imagenModel("imagen-4.0-ultra-generate-preview-06-06", "Imagen 4 Ultra preview", { most: { gemini: 1, vertex: 1 } }),
]

export const models: ReadonlyMap<string, Model> = new Map(rows.map((model) => [model.id, model]))

/** 9:21 is known on Vertex AI alone. */
export function ratiosOf({ pixels, method, sizes }: Model, surface: Surface): string[] {
  const tall = surface === "vertex" && method === "generateContent" && sizes.length > 0 ? ["9:21"] : []
  return [...Object.keys(pixels), ...tall]
}

export function pixelsOf({ pixels }: Model, ratio: string, size = "1K"): Size {
  const turned = pixels["21:9"] ?? { width: 1024, height: 1024 }
  const { width, height } = pixels[ratio] ?? { width: turned.height, height: turned.width }
  const scale = { "512": 0.5, "2K": 2, "4K": 4 }[size] ?? 1
  return { width: width * scale, height: height * scale }
}

/** The ratio a model keeps to where none is asked for. */
export function nearestRatio({ pixels }: Model, { width, height }: Size): string {
  const distance = (ratio: string) =>
    Math.abs(Math.log((pixels[ratio]!.width / pixels[ratio]!.height / width) * height))
  return Object.keys(pixels).reduce((best, ratio) => (distance(ratio) < distance(best) ? ratio : best))
}

/** As the Gemini API lists it. */
export const describe = ({ id, title, method }: Model) => ({
  name: `models/${id}`,
  version: "001",
  displayName: title,
  description: `${title}, imitated offline.`,
  inputTokenLimit: method === "predict" ? 480 : 32_768,
  outputTokenLimit: method === "predict" ? 8_192 : 32_768,
  supportedGenerationMethods: method === "predict" ? ["predict"] : ["generateContent", "countTokens"],
})

/** As Vertex AI lists it. */
export const describeOnVertex = ({ id }: Model) => ({
  name: `publishers/google/models/${id}`,
  versionId: "001",
  launchStage: "GA",
})
