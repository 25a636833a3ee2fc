// Answers of Gemini's generateContent: pictures among words and thoughts, and the many ways to have none. Reference: the
// Gemini API's discovery document of 2026-08-21, and threads of those who met its filters.
import { z } from "zod"
import type { AnsweredPicture, Outcome, Usage, VendorFailure } from "../provider.ts"

const Part = z.object({
  text: z.string().nullish().catch(null),
  thought: z.boolean().nullish().catch(null),
  inlineData: z.object({ data: z.string() }).nullish().catch(null),
})

const Counts = z.array(z.object({ modality: z.string(), tokenCount: z.int().default(0) }))

const UsageMetadata = z.object({
  promptTokenCount: z.int().default(0),
  toolUsePromptTokenCount: z.int().default(0),
  candidatesTokenCount: z.int().default(0),
  thoughtsTokenCount: z.int().default(0),
  promptTokensDetails: Counts.nullish().catch(null),
  candidatesTokensDetails: Counts.nullish().catch(null),
})

const Candidate = z.object({
  finishReason: z.string().nullish().catch(null),
  content: z
    .object({ parts: z.array(Part.catch({})).nullish() })
    .nullish()
    .catch(null),
})

// The picture is paid for: it must not be lost to something beside it that cannot be read.
const Answer = z.object({
  candidates: z.array(Candidate.catch({})).nullish(),
  promptFeedback: z.object({ blockReason: z.string().nullish() }).nullish().catch(null),
  usageMetadata: UsageMetadata.nullish().catch(null),
})

/** Whether a body is one of generateContent at all. */
export const isContent = (body: object): boolean =>
  ["candidates", "promptFeedback", "usageMetadata"].some((key) => key in body)

export function readContent(body: unknown): Outcome {
  const { candidates, promptFeedback, usageMetadata } = Answer.parse(body)
  const bill = usageMetadata ? { bill: { usage: usageOf(usageMetadata) } } : {}
  const read = (candidates ?? []).map(readCandidate)
  const pictures = read.flatMap((one) => one.pictures)
  const missing = read.flatMap(({ failure }) => failure ?? [])
  if (pictures.length > 0) return { state: "done", pictures, ...(missing.length > 0 ? { missing } : {}), ...bill }
  const failure = promptFeedback?.blockReason ? promptRefused : (missing[0] ?? noPicture)
  return { state: "failed", failure, ...bill }
}

/** Parts that are thoughts may hold early states of the picture. */
function readCandidate({ finishReason, content }: z.infer<typeof Candidate>) {
  const parts = (content?.parts ?? []).filter(({ thought }) => thought !== true)
  const pictures = parts.flatMap(({ inlineData }): AnsweredPicture[] => (inlineData ? [{ mark: inlineData.data }] : []))
  if (pictures.length > 0) return { pictures }
  const answered = parts.some(({ text }) => text) && (!finishReason || finishReason === "STOP")
  return { pictures, failure: answered ? wordsOnly : endings(finishReason ?? "") }
}

const filters = /SAFETY|BLOCKLIST|PROHIBITED|SPII|ESCALATION/

/** Reasons that nobody has heard of are failures: only STOP would be none, and it comes with a picture. */
function endings(reason: string): VendorFailure {
  if (filters.test(reason)) return pictureRefused
  if (reason.endsWith("RECITATION")) return tooClose
  return reason === "MAX_TOKENS" ? tooLong : noPicture
}

export const promptRefused: VendorFailure = {
  code: "content_refused",
  refused: "prompt",
  detail: "The vendor's filter refused the prompt or a reference picture.",
}

export const pictureRefused: VendorFailure = {
  code: "content_refused",
  refused: "picture",
  detail: "The vendor's filter refused the picture that was made.",
}

const tooClose: VendorFailure = { ...pictureRefused, detail: "The picture would have come too close to a known one." }

// Asked again, the model would mostly say the same.
const wordsOnly: VendorFailure = {
  code: "content_refused",
  refused: "prompt",
  detail: "The vendor's model answered in words instead of a picture.",
}

const tooLong: VendorFailure = { code: "provider_error", detail: "The vendor's model ran out of tokens." }
const noPicture: VendorFailure = { code: "provider_error", detail: "The vendor answered without a picture." }

function usageOf(told: z.infer<typeof UsageMetadata>): Usage {
  const input_tokens = told.promptTokenCount + told.toolUsePromptTokenCount
  const output_tokens = told.candidatesTokenCount + told.thoughtsTokenCount
  const input = detailsOf(told.promptTokensDetails, input_tokens)
  const output = detailsOf(told.candidatesTokensDetails, output_tokens)
  return {
    ...{ input_tokens, output_tokens, total_tokens: input_tokens + output_tokens },
    ...(input ? { input_tokens_details: input } : {}),
    ...(output ? { output_tokens_details: output } : {}),
  }
}

/** What is no picture, thoughts and what a search found included, counts as text. */
function detailsOf(counts: z.infer<typeof Counts> | null | undefined, all: number) {
  if (!counts) return undefined
  const ofPictures = counts.filter(({ modality }) => modality === "IMAGE")
  const image_tokens = Math.min(
    all,
    ofPictures.reduce((sum, { tokenCount }) => sum + tokenCount, 0),
  )
  return { image_tokens, text_tokens: all - image_tokens }
}
