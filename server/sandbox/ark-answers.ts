// Successful answers of Ark: one JSON body, or a stream of events, in both of which single pictures may have failed.
import { randomUUID } from "node:crypto"
import { setTimeout as sleep } from "node:timers/promises"
import { faultOf, outputRefused, serviceError } from "./ark-errors.ts"
import type { Refusal } from "./ark-errors.ts"
import type { Images } from "./ark-images.ts"
import { tokensOf } from "./ark-models.ts"
import { base64Pieces, textBody } from "./bodies.ts"
import { signLink } from "./delivery.ts"
import type { Answer, Pace } from "./imitation.ts"
import type { Mishap } from "./mishaps.ts"
import { draw, shrink } from "./picture.ts"
import type { Picture } from "./picture.ts"
import type { Records } from "./records.ts"

export const linkHost = "ark-content-generation-v2-cn-beijing.tos-cn-beijing.volces.com"

/** A picture behind a link, and small copies of what it starts from, in base64. */
export type Kept = { picture: Picture; inputs: string[] }

export type Job = {
  /** The first of the group; each has a seed of its own. */
  picture: Picture
  count: number
  isGroup: boolean
  asLink: boolean
  tellsFormat: boolean
  images: Images
  /** Milliseconds since 1970. */
  at: number
  pace: Pace
  mishap: Mishap | undefined
  requestId: string
  signal: AbortSignal
  kept: Records<Kept>
  link: (address: string) => string
}

const pictureMs = 1_000
const linkMs = 24 * 60 * 60 * 1000

const created = ({ at }: Job): number => Math.floor(at / 1000)

/** In a group the second picture fails by itself, or the only one. */
function faultAt({ mishap, count, isGroup }: Job, index: number): Refusal | undefined {
  if (!isGroup || index !== Math.min(1, count - 1)) return undefined
  if (mishap === "sandbox:moderation-output") return outputRefused
  return mishap === "sandbox:task-error" ? serviceError : undefined
}

type Made = { index: number; fault: Refusal } | { index: number; picture: Picture }

/** What filters refuse is left out of a group; after an internal error nothing more of it comes. */
function* make(job: Job): Generator<Made> {
  if (job.mishap === "sandbox:no-image") return
  for (let index = 0; index < job.count; index++) {
    const fault = faultAt(job, index)
    yield fault ? { index, fault } : { index, picture: { ...job.picture, seed: job.picture.seed + index } }
    if (fault === serviceError) return
  }
}

function usageOf(job: Job) {
  const made = [...make(job)].filter((one) => "picture" in one).length
  const tokens = made * tokensOf(job.picture)
  return { generated_images: made, output_tokens: tokens, total_tokens: tokens }
}

/** The fields of one picture or of its failure, without the braces. */
async function* fieldsOf(job: Job, made: Made): AsyncGenerator<string> {
  if ("fault" in made) {
    yield `"error":${JSON.stringify(faultOf(made.fault, job.requestId))}`
    return
  }
  const { width, height, format } = made.picture
  if (job.asLink) yield `"url":${JSON.stringify(await linkTo(job, made.picture, made.index))}`
  else {
    yield `"b64_json":"`
    if (job.mishap === "sandbox:bad-base64") yield "@@not*base64@@"
    const inputs = job.images.inputs.map(({ bytes }) => bytes)
    yield* base64Pieces(await draw(made.picture, { inputs }))
    yield `"`
  }
  yield `,"size":"${width}x${height}"${job.tellsFormat ? `,"output_format":"${format}"` : ""}`
}

/** UNVERIFIED: how it is signed; only that it is, and that it works for a day. */
async function linkTo({ images, kept, at, link }: Job, picture: Picture, index: number): Promise<string> {
  const id = randomUUID()
  const copies = await Promise.all(images.inputs.map(({ bytes }) => shrink(bytes)))
  await kept.put(id, { picture, inputs: copies.map((copy) => copy.toString("base64")) })
  const folder = picture.model.replace(/-\d{6}$/, "")
  return link(signLink(`https://${linkHost}/${folder}/${id}_${index}.${picture.format}`, picture.format, at + linkMs))
}

/** The body goes out picture by picture, so that fifteen of them are never held at once. */
export function bodyAnswer(job: Job): Answer {
  async function* pieces() {
    yield `{"model":${JSON.stringify(job.picture.model)},"created":${created(job)},"data":[`
    for (const made of make(job)) {
      yield `${made.index > 0 ? "," : ""}{`
      yield* fieldsOf(job, made)
      yield "}"
    }
    yield `],"usage":${JSON.stringify(usageOf(job))}}`
  }
  return {
    status: 200,
    headers: { "content-type": "application/json; charset=utf-8" },
    body: textBody(pieces()),
    delayMs: job.pace === "human" ? pictureMs * job.count : 0,
  }
}

/** Each picture as soon as it is painted. */
export function streamAnswer(job: Job): Answer {
  const wait = () => sleep(job.pace === "human" ? pictureMs : 0, undefined, { signal: job.signal })
  const head = (type: string) =>
    `event: ${type}\ndata: {"type":"${type}","model":${JSON.stringify(job.picture.model)},"created":${created(job)}`
  async function* pieces() {
    for (const made of make(job)) {
      await wait()
      yield head(`image_generation.partial_${"fault" in made ? "failed" : "succeeded"}`)
      yield `,"image_index":${made.index},`
      yield* fieldsOf(job, made)
      yield "}\n\n"
    }
    yield `${head("image_generation.completed")},"usage":${JSON.stringify(usageOf(job))}}\n\ndata: [DONE]\n\n`
  }
  return { status: 200, headers: { "content-type": "text/event-stream; charset=utf-8" }, body: textBody(pieces()) }
}
