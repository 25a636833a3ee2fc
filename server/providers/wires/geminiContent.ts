// Requests to Gemini's generateContent, as far as it draws. Reference: the Gemini API's discovery document of 2026-08-21,
// Google's guide to image generation, and Vertex AI's discovery document of 2026-08-15 for what only Vertex AI takes.
import { base64Of } from "../../bodies/write.ts"
import type { ProviderRequest, VendorInput } from "../provider.ts"

export type GeminiParameters = {
  prompt: string
  n: number
  aspect_ratio?: string
  size?: string
  seed?: number
  thinking_level?: string
  google_search?: boolean
  safety_setting?: string
  person_generation?: string
  prominent_people?: string
  output_format?: string
  output_compression?: number
}

const squares: Record<string, string> = { "512x512": "512", "1024x1024": "1K", "2048x2048": "2K", "4096x4096": "4K" }
const people: Record<string, string> = { dont_allow: "ALLOW_NONE", allow_adult: "ALLOW_ADULT", allow_all: "ALLOW_ALL" }
const categories = ["HARASSMENT", "HATE_SPEECH", "SEXUALLY_EXPLICIT", "DANGEROUS_CONTENT"]

export function writeContent(model: string, input: VendorInput<GeminiParameters>): ProviderRequest {
  const { prompt, images, seed, thinking_level, google_search, safety_setting } = input
  const pictures = images.map((image) => ({ inlineData: { mimeType: image.mediaType, data: base64Of(image) } }))
  const generationConfig = {
    // With a search, Google's guide says, no picture comes where pictures alone are asked for.
    responseModalities: google_search ? ["TEXT", "IMAGE"] : ["IMAGE"],
    imageConfig: orNothing(imageConfig(model, input)),
    seed,
    thinkingConfig: thinking_level && { thinkingLevel: thinking_level.toUpperCase() },
  }
  const json = {
    contents: [{ role: "user", parts: [{ text: prompt }, ...pictures] }],
    generationConfig,
    safetySettings: safety_setting && categories.map((category) => threshold(category, safety_setting)),
    tools: google_search ? [{ googleSearch: {} }] : undefined,
  }
  return { method: "POST", path: `/models/${model}:generateContent`, json }
}

function imageConfig(model: string, input: VendorInput<GeminiParameters>) {
  const { aspect_ratio, size = "auto", person_generation, prominent_people, output_format, output_compression } = input
  const imageSize = squares[size] ?? (size === "auto" ? undefined : size)
  return {
    aspectRatio: aspect_ratio ?? (size in squares ? "1:1" : undefined),
    // This model has one size, and refuses to be asked for it.
    imageSize: model === "gemini-2.5-flash-image" ? undefined : imageSize,
    personGeneration: person_generation && people[person_generation],
    prominentPeople: prominent_people && `${prominent_people.toUpperCase()}_PROMINENT_PEOPLE`,
    imageOutputOptions: output_format && {
      mimeType: `image/${output_format}`,
      compressionQuality: output_compression,
    },
  }
}

const orNothing = <T extends object>(value: T): T | undefined =>
  Object.values(value).some((part) => part !== undefined) ? value : undefined

const threshold = (category: string, word: string) => ({
  category: `HARM_CATEGORY_${category}`,
  threshold: word.toUpperCase(),
})
