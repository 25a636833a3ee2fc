// Imagen's predict, on Vertex AI and formerly on the Gemini API. Reference: Google's Imagen API reference, its SDK of
// August 2026, and threads of those who met its filter.
import { z } from "zod"
import type { AnsweredPicture, Outcome, ProviderRequest, VendorFailure, VendorInput } from "../provider.ts"
import { pictureRefused } from "./geminiAnswer.ts"

export type ImagenParameters = {
  prompt: string
  n: number
  aspect_ratio?: string
  size?: string
  negative_prompt?: string
  seed?: number
  watermark?: boolean
  prompt_upsampling?: boolean
  person_generation?: string
  safety_setting?: string
  language?: string
  output_format?: string
  output_compression?: number
}

export function writePredict(model: string, input: VendorInput<ImagenParameters>): ProviderRequest {
  const { prompt, n, aspect_ratio, size, negative_prompt, seed, watermark, prompt_upsampling, ...more } = input
  const parameters = {
    sampleCount: n,
    aspectRatio: aspect_ratio,
    // Said only where it is not what comes anyway: half of the models do not know it.
    sampleImageSize: size === "2K" || size === "2048x2048" ? "2K" : undefined,
    negativePrompt: negative_prompt || undefined,
    seed,
    // On unless switched off, and the Gemini API does not know the field.
    addWatermark: watermark === false ? false : undefined,
    enhancePrompt: prompt_upsampling,
    personGeneration: more.person_generation,
    safetySetting: more.safety_setting,
    language: more.language,
    outputOptions: more.output_format && {
      mimeType: `image/${more.output_format}`,
      compressionQuality: more.output_compression,
    },
    // Without it pictures that the filter took are missing from the answer without a word.
    includeRaiReason: true,
  }
  return { method: "POST", path: `/models/${model}:predict`, json: { instances: [{ prompt }], parameters } }
}

// The picture is paid for: it must not be lost to something beside it that cannot be read.
const Prediction = z.object({
  bytesBase64Encoded: z.string().nullish().catch(null),
  prompt: z.string().nullish().catch(null),
  raiFilteredReason: z.string().nullish().catch(null),
})

const Answer = z.object({ predictions: z.array(Prediction.catch({})) })

/** All that an answer may hold besides predictions; what has no predictions either was filtered altogether. */
const Filtered = z.strictObject({
  metadata: z.unknown(),
  deployedModelId: z.unknown(),
  model: z.unknown(),
  modelDisplayName: z.unknown(),
  modelVersionId: z.unknown(),
})

export function readPredictions(body: unknown): Outcome {
  if (Filtered.partial().safeParse(body).success) return { state: "failed", failure: pictureRefused }
  const { predictions } = Answer.parse(body)
  const pictures = predictions.flatMap(({ bytesBase64Encoded: mark, prompt }): AnsweredPicture[] =>
    mark ? [{ mark, ...(prompt ? { notes: { revised_prompt: prompt } } : {}) }] : [],
  )
  // Entries with neither are about the safety of the prompt.
  const missing = predictions.flatMap(({ bytesBase64Encoded, raiFilteredReason }): VendorFailure[] =>
    !bytesBase64Encoded && raiFilteredReason ? [pictureRefused] : [],
  )
  if (pictures.length === 0 && missing[0]) return { state: "failed", failure: missing[0] }
  return { state: "done", pictures, ...(missing.length > 0 ? { missing } : {}) }
}
