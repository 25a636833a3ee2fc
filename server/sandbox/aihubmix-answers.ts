// Successful answers of AIHubMix: another form for each family, and tasks for FLUX.
import { randomUUID } from "node:crypto"
import type { Order } from "./aihubmix-input.ts"
import { base64Pieces, jsonAnswer, textBody } from "./bodies.ts"
import { signLink } from "./delivery.ts"
import type { Answer, Pace, VendorRequest } from "./imitation.ts"
import { slowMs } from "./mishaps.ts"
import type { Mishap } from "./mishaps.ts"
import { textTokens } from "./openai-models.ts"
import { draw } from "./picture.ts"
import type { Picture, References } from "./picture.ts"
import type { Records } from "./records.ts"

export const linkHost = "results.aihubmix.com"

/** What lies behind a link. */
export type Kept = { picture: Picture; inputs: string[]; mask?: string }

export type Task = { at: number; durationMs: number; kept: string; prompt: string; seed: number; mishap: Mishap | null }

export type Job = {
  order: Order
  model: string
  mishap: Mishap | undefined
  /** Milliseconds since 1970. */
  at: number
  pace: Pace
  request: VendorRequest
  pictures: Records<Kept>
  tasks: Records<Task>
}

const pictureMs = 1_000
const linkMs = 24 * 60 * 60 * 1000

function keptOf({ order, model }: Job, index: number): Kept {
  const { prompt, seed, width, height, format, inputs, mask } = order
  const picture = { prompt, seed: seed + index, model, width, height, format }
  return { picture, inputs, ...(mask === undefined ? {} : { mask }) }
}

export const referencesOf = ({ inputs, mask }: Kept): References => ({
  inputs: inputs.map((copy) => Buffer.from(copy, "base64")),
  ...(mask === undefined ? {} : { mask: Buffer.from(mask, "base64") }),
})

const countOf = ({ order, mishap }: Job): number => (mishap === "sandbox:no-image" ? 0 : order.n)
const waitMs = ({ pace, order }: Job): number => (pace === "human" ? pictureMs * order.n : 0)

async function* base64Of(job: Job, index: number): AsyncGenerator<string> {
  const kept = keptOf(job, index)
  const bytes = await draw(kept.picture, referencesOf(kept))
  if (job.mishap === "sandbox:bad-base64") yield "@@not*base64@@"
  yield* base64Pieces(bytes)
}

async function* itemsOf(job: Job, end: string): AsyncGenerator<string> {
  for (let index = 0; index < countOf(job); index++) {
    yield `${index ? "," : ""}{"bytesBase64":"`
    yield* base64Of(job, index)
    yield end
  }
}

const streamed = (job: Job, pieces: AsyncIterable<string>): Answer => ({
  status: 200,
  headers: { "content-type": "application/json" },
  body: textBody(pieces),
  delayMs: waitMs(job),
})

/** Seen live of gpt-image-2 in June 2026. */
export function objectAnswer(job: Job): Answer {
  const text = textTokens(job.order.prompt)
  const made = 1056 * job.order.n
  const usage = {
    ...{ input_tokens: text, input_tokens_details: { image_tokens: 0, text_tokens: text } },
    ...{ output_tokens: made, output_tokens_details: { image_tokens: made, text_tokens: 0 } },
    total_tokens: text + made,
  }
  async function* pieces() {
    yield '{"output":{"b64_json":['
    yield* itemsOf(job, `","mimeType":"${job.order.format}"}`)
    yield `],"urls":[]},"usage":${JSON.stringify(usage)}}`
  }
  return streamed(job, pieces())
}

export function listAnswer(job: Job): Answer {
  async function* pieces() {
    yield '{"output":['
    yield* itemsOf(job, '"}')
    yield "]}"
  }
  return streamed(job, pieces())
}

/** Links lead to the vendors' own hosts there; here to one of this imitation. */
export const linkTo = (id: string, { picture }: Kept, at: number, request: VendorRequest): string =>
  request.link(signLink(`https://${linkHost}/${id}.${picture.format}`, picture.format, at + linkMs))

async function keep(job: Job): Promise<{ id: string; kept: Kept }[]> {
  const all = Array.from({ length: countOf(job) }, (_, index) => ({ id: randomUUID(), kept: keptOf(job, index) }))
  for (const { id, kept } of all) await job.pictures.put(id, kept)
  return all
}

async function urlsOf(job: Job): Promise<string[]> {
  return (await keep(job)).map(({ id, kept }) => linkTo(id, kept, job.at, job.request))
}

export async function linksAnswer(job: Job): Promise<Answer> {
  const output = (await urlsOf(job)).map((url) => ({ url }))
  return { ...jsonAnswer(200, { output }), delayMs: waitMs(job) }
}

/** The one form of links that AIHubMix's own MCP server reads. UNVERIFIED for Ideogram, whose models it is taken for. */
export async function urlsAnswer(job: Job): Promise<Answer> {
  const output = { b64_json: [], urls: await urlsOf(job) }
  return { ...jsonAnswer(200, { output }), delayMs: waitMs(job) }
}

/** The task is known here by the id, and at Black Forest Labs by an address that another key opens. */
export async function taskAnswer(job: Job): Promise<Answer> {
  const id = randomUUID()
  const slow = job.mishap === "sandbox:slow" ? slowMs : 0
  const { prompt, seed } = job.order
  const [kept] = await keep({ ...job, mishap: undefined, order: { ...job.order, n: 1 } })
  const durationMs = (job.pace === "human" ? pictureMs : 0) + slow
  await job.tasks.put(id, { at: job.at, durationMs, kept: kept!.id, prompt, seed, mishap: job.mishap ?? null })
  const polling_url = `https://api.us1.bfl.ai/v1/get_result?id=${id}`
  return jsonAnswer(200, { output: [{ taskId: `api.us1.bfl.${id}`, polling_url }] })
}

type Asking = { request: VendorRequest; now: number; pictures: Records<Kept>; tasks: Records<Task> }

export async function describeTask(taskId: string, { request, now, pictures, tasks }: Asking): Promise<Answer> {
  const task = await tasks.get(taskId.replace(/^api\.us1\.bfl\./, ""))
  // UNVERIFIED: the status; the word is what its clients look for.
  if (!task) return jsonAnswer(404, { id: taskId, status: "Task not found", result: null })
  const state = (status: string, result: object | null = null) => jsonAnswer(200, { id: taskId, status, result })
  if (now < task.at + task.durationMs) return state("Pending")
  if (task.mishap === "sandbox:moderation") return state("Request Moderated")
  if (task.mishap === "sandbox:moderation-output") return state("Content Moderated")
  if (task.mishap === "sandbox:task-error") return state("Error")
  const kept = await pictures.get(task.kept)
  if (!kept || task.mishap === "sandbox:no-image") return state("Ready")
  const { prompt, seed } = task
  return state("Ready", { sample: linkTo(task.kept, kept, now, request), prompt, seed })
}
