// Answers of generateContent: one body, a stream of events, or a stream that is one list, written as the picture is painted.
import { randomUUID } from "node:crypto"
import { base64Pieces, jsonAnswer, textBody } from "./bodies.ts"
import type { ContentWish } from "./google-content.ts"
import type { Model } from "./google-models.ts"
import type { Answer, Pace } from "./imitation.ts"
import type { Mishap } from "./mishaps.ts"
import { draw } from "./picture.ts"

/** Whole, or in pieces: as events, or as the items of one list. */
export type Delivery = "whole" | "events" | "list"

export type ContentJob = { wish: ContentWish; model: Model; mishap: Mishap | undefined; pace: Pace }

export const pictureMs = 1_000

const thinks = ({ id }: Model): boolean => !id.startsWith("gemini-2.5")

/** About four characters to a token. UNVERIFIED: what Gemini 3 counts for a picture that goes in. */
function usageOf({ wish, model }: ContentJob, made: boolean) {
  const text = Math.ceil(wish.prompt.length / 4)
  const image = wish.inputs.length * (thinks(model) ? 1120 : 258)
  const candidates = made ? (model.tokens[wish.size] ?? 0) : 0
  const thoughts = thinks(model) ? 180 : 0
  const details = { TEXT: text, IMAGE: image }
  return {
    promptTokenCount: text + image,
    ...(made && { candidatesTokenCount: candidates }),
    totalTokenCount: text + image + candidates + thoughts,
    promptTokensDetails: Object.entries(details).flatMap(([modality, tokenCount]) =>
      tokenCount > 0 ? [{ modality, tokenCount }] : [],
    ),
    ...(made && { candidatesTokensDetails: [{ modality: "IMAGE", tokenCount: candidates }] }),
    ...(thoughts > 0 && { thoughtsTokenCount: thoughts }),
  }
}

const tail = (job: ContentJob, id: string, end: boolean, made = true) => ({
  ...(end && { usageMetadata: usageOf(job, made) }),
  modelVersion: job.model.id,
  responseId: id,
})

/** An answer without a picture, which is a success all the same. */
function emptyAnswer(job: ContentJob, delivery: Delivery, what: object): Answer {
  const body = { ...what, ...tail(job, randomUUID(), true, false) }
  if (delivery === "whole") return jsonAnswer(200, body)
  return streamed(delivery, [[JSON.stringify(body)]])
}

const refusals: Partial<Record<Mishap, object>> = {
  "sandbox:moderation": { promptFeedback: { blockReason: "PROHIBITED_CONTENT" } },
  "sandbox:moderation-output": {
    candidates: [
      {
        finishReason: "IMAGE_SAFETY",
        finishMessage: "Unable to show the generated image. The image was filtered out. Support codes: 15236754",
        index: 0,
      },
    ],
  },
}

const noImage = { candidates: [{ content: { role: "model" }, finishReason: "NO_IMAGE", index: 0 }] }

/** Without refusals by an error body, which come before this. */
export function contentAnswer(job: ContentJob, delivery: Delivery): Answer {
  const { wish, mishap, pace } = job
  const refusal = mishap && refusals[mishap]
  if (refusal) return emptyAnswer(job, delivery, refusal)
  if (mishap === "sandbox:no-image" || (!wish.picture && !wish.words)) return emptyAnswer(job, delivery, noImage)
  const words: Part[] = wish.words ? [{ text: "Here it is, painted offline by the sandbox." }] : []
  const thoughts: Part[] = wish.thoughts ? [{ thought: true, text: "A motif, a light, a frame." }] : []
  const pictures: Part[] = wish.picture ? ["picture"] : []
  const id = randomUUID()
  const chunks =
    delivery === "whole"
      ? [chunk(job, id, [...thoughts, ...words, ...pictures], true)]
      : [
          ...[...thoughts, ...words, ...pictures].map((part) => chunk(job, id, [part], false)),
          chunk(job, id, [{ text: "" }], true),
        ]
  return { ...streamed(delivery, chunks), delayMs: pace === "human" ? pictureMs : 0 }
}

type Part = { text: string; thought?: true } | "picture"

type Pieces = Iterable<string> | AsyncIterable<string>

async function* chunk(job: ContentJob, id: string, parts: Part[], end: boolean): AsyncGenerator<string> {
  yield `{"candidates":[{"content":{"parts":[`
  for (const [index, part] of parts.entries()) {
    if (index > 0) yield ","
    if (part === "picture") yield* picturePart(job)
    else yield JSON.stringify(part)
  }
  yield `],"role":"model"},${end ? `"finishReason":"STOP",` : ""}"index":0}],`
  yield JSON.stringify(tail(job, id, end, job.wish.picture)).slice(1)
}

async function* picturePart({ wish, model, mishap }: ContentJob): AsyncGenerator<string> {
  const { prompt, seed, width, height, format, quality, inputs } = wish
  const picture = { prompt, seed, model: model.id, width, height, format, ...(quality !== undefined && { quality }) }
  yield `{"inlineData":{"mimeType":"image/${format}","data":"`
  if (mishap === "sandbox:bad-base64") yield "@@not*base64@@"
  yield* base64Pieces(await draw(picture, { inputs }))
  // Far smaller than the real ones, which reach megabytes, and larger than a piece of a body.
  const signature = thinks(model) ? Buffer.alloc(90_000, `thoughts on ${prompt}`).toString("base64") : undefined
  yield signature === undefined ? `"}}` : `"},"thoughtSignature":"${signature}"}`
}

function streamed(delivery: Delivery, chunks: Pieces[]): Answer {
  const type = delivery === "events" ? "text/event-stream" : "application/json; charset=UTF-8"
  return { status: 200, headers: { "content-type": type }, body: textBody(join(delivery, chunks)) }
}

async function* join(delivery: Delivery, chunks: Pieces[]): AsyncGenerator<string> {
  if (delivery === "list") yield "["
  for (const [index, pieces] of chunks.entries()) {
    if (delivery === "events") yield "data: "
    else if (index > 0) yield ",\r\n"
    yield* pieces
    if (delivery === "events") yield "\r\n\r\n"
  }
  if (delivery === "list") yield "]"
}
