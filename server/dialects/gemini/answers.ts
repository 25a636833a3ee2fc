// A generation as Google's API answers it. What a filter refuses is an answer there, not an error.
import type { App } from "../../app.ts"
import { base64Of } from "../../bodies/write.ts"
import type { Failure } from "../../errors.ts"
import { messageOf } from "../../errors.ts"
import type { Generation } from "../../generations/generation.ts"
import { storedBytes } from "../../images/stored.ts"

type Needs = Pick<App, "storage">

export function writeContent(app: Needs, generation: Generation) {
  const { id, images } = generation
  const candidates = images.map((image, index) => {
    const data = base64Of(storedBytes(app, image.sha256, image.bytes))
    const parts = [{ inlineData: { mimeType: image.mediaType, data } }]
    return { index, content: { role: "model", parts }, finishReason: "STOP" }
  })
  return { candidates, usageMetadata: usageOf(generation), modelVersion: nameOf(generation), responseId: id }
}

/** Where the prompt was refused there is no candidate at all; where the picture was, one without content. */
export function writeRefusedContent(generation: Generation, failure: Failure) {
  const shared = { usageMetadata: usageOf(generation), modelVersion: nameOf(generation), responseId: generation.id }
  if (failure.refused !== "picture")
    return { promptFeedback: { blockReason: "PROHIBITED_CONTENT", blockReasonMessage: messageOf(failure) }, ...shared }
  const candidate = { index: 0, finishReason: "IMAGE_SAFETY", finishMessage: messageOf(failure) }
  return { candidates: [candidate], ...shared }
}

export function writePredictions(app: Needs, { images }: Generation) {
  const predictions = images.map(({ mediaType, sha256, bytes, notes }) => ({
    mimeType: mediaType,
    bytesBase64Encoded: base64Of(storedBytes(app, sha256, bytes)),
    ...(notes.revised_prompt === undefined ? {} : { prompt: notes.revised_prompt }),
  }))
  return { predictions }
}

export const writeRefusedPredictions = (failure: Failure) => ({
  predictions: [{ raiFilteredReason: messageOf(failure) }],
})

const nameOf = ({ model }: Generation): string => model.slice(model.indexOf("/") + 1)

function usageOf({ usage }: Generation) {
  if (!usage) return { promptTokenCount: 0, candidatesTokenCount: 0, totalTokenCount: 0 }
  const pictures = usage.output_tokens_details?.image_tokens
  return {
    promptTokenCount: usage.input_tokens,
    candidatesTokenCount: usage.output_tokens,
    totalTokenCount: usage.total_tokens,
    ...(pictures === undefined ? {} : { candidatesTokensDetails: [{ modality: "IMAGE", tokenCount: pictures }] }),
  }
}
