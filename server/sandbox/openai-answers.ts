// Successful answers of the Images API: one JSON body, or a stream of events, written as the pictures are painted.
import { setTimeout as sleep } from "node:timers/promises"
import { base64Pieces, textBody } from "./bodies.ts"
import type { Answer, Pace } from "./imitation.ts"
import type { Mishap } from "./mishaps.ts"
import { refuseModeration } from "./openai-errors.ts"
import type { Images } from "./openai-images.ts"
import { inputTokens, outputTokens, textTokens } from "./openai-models.ts"
import type { Wish } from "./openai-parameters.ts"
import { draw, seedOf } from "./picture.ts"
import type { Picture } from "./picture.ts"

export type Job = {
  wish: Wish
  images: Images
  /** Milliseconds since 1970. */
  at: number
  pace: Pace
  mishap: Mishap | undefined
  requestId: string
  signal: AbortSignal
}

export const pictureMs = 1_000

/** Without a seed the same request gives the same pictures, and each of them another one. */
export function pictureOf({ wish, images }: Job, index: number, completeness = 1): Picture {
  const { prompt, width, height, format, transparent, compression } = wish
  const first = wish.seed ?? seedOf(prompt, ...images.inputs.map(({ bytes }) => bytes), ...images.texts)
  const seed = first + index
  const quality = format === "png" ? {} : { quality: Math.max(1, compression) }
  return { prompt, seed, model: wish.model.id, width, height, format, transparent, completeness, ...quality }
}

export async function* base64Of(job: Job, index: number, completeness?: number): AsyncGenerator<string> {
  const inputs = job.images.inputs.map(({ bytes }) => bytes)
  const { mask } = job.images
  const bytes = await draw(pictureOf(job, index, completeness), { inputs, ...(mask && { mask }) })
  if (job.mishap === "sandbox:bad-base64") yield "@@not*base64@@"
  yield* base64Pieces(bytes)
}

function usageOf({ wish, images }: Job) {
  const text = textTokens(wish.prompt)
  const image = images.inputs.reduce((sum, input) => sum + inputTokens(input), 0)
  const output = outputTokens(wish.model, wish.quality, wish) * wish.n
  return {
    input_tokens: text + image,
    input_tokens_details: { text_tokens: text, image_tokens: image },
    output_tokens: output,
    output_tokens_details: { image_tokens: output, text_tokens: 0 },
    total_tokens: text + image + output,
  }
}

const echoesOf = ({ width, height, quality, format, transparent }: Wish) => ({
  background: transparent ? "transparent" : "opaque",
  output_format: format,
  quality,
  size: `${width}x${height}`,
})

/** The body goes out picture by picture, so that ten of them are never held at once. */
export function bodyAnswer(job: Job): Answer {
  const { wish, mishap, pace, at } = job
  const count = mishap === "sandbox:no-image" ? 0 : wish.n
  async function* pieces() {
    const head = { created: Math.floor(at / 1000), ...(wish.model.family.dalle ? {} : echoesOf(wish)) }
    yield `${JSON.stringify(head).slice(0, -1)},"data":[`
    for (let index = 0; index < count; index++) {
      yield `${index ? "," : ""}{${revisedPrompt(wish)}"b64_json":"`
      yield* base64Of(job, index)
      yield `"}`
    }
    yield wish.model.family.dalle ? "]}" : `],"usage":${JSON.stringify(usageOf(job))}}`
  }
  return {
    status: 200,
    headers: { "content-type": "application/json" },
    body: textBody(pieces()),
    delayMs: pace === "human" ? pictureMs * wish.n : 0,
  }
}

const revisedPrompt = (wish: Wish): string =>
  wish.model.family.dalle ? `"revised_prompt":${JSON.stringify(revise(wish.prompt))},` : ""

export const revise = (prompt: string): string => `${prompt}, painted offline by the sandbox`

/** Partial pictures and then the picture, spread over the time that it takes. */
export function streamAnswer(job: Job, kind: "image_generation" | "image_edit"): Answer {
  const { wish, mishap, pace, signal } = job
  const wait = () => sleep(pace === "human" ? pictureMs / (wish.partials + 1) : 0, undefined, { signal })
  async function* pieces() {
    for (let index = 0; index < wish.partials; index++) {
      await wait()
      const more = { partial_image_index: index }
      yield* event(job, `${kind}.partial_image`, base64Of(job, 0, (index + 1) / (wish.partials + 1)), more)
    }
    await wait()
    if (mishap === "sandbox:moderation-output") yield errorEvent(job)
    else if (mishap !== "sandbox:no-image")
      yield* event(job, `${kind}.completed`, base64Of(job, 0), { usage: usageOf(job) })
  }
  return { status: 200, headers: { "content-type": "text/event-stream; charset=utf-8" }, body: textBody(pieces()) }
}

async function* event(job: Job, type: string, base64: AsyncIterable<string>, more: object): AsyncGenerator<string> {
  yield `event: ${type}\ndata: {"type":"${type}","b64_json":"`
  yield* base64
  const rest = { created_at: Math.floor(job.at / 1000), ...echoesOf(job.wish), ...more }
  yield `",${JSON.stringify(rest).slice(1)}\n\n`
}

/** UNVERIFIED: how a refusal of the finished picture looks inside a stream. */
function errorEvent({ requestId }: Job): string {
  const { error } = refuseModeration(requestId, false)
  return `event: error\ndata: ${JSON.stringify({ type: "error", error })}\n\n`
}
