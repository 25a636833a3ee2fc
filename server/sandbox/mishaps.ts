// Failures on request: words in a prompt that make an imitated vendor fail, each on its own wire.
import { Readable } from "node:stream"
import { setTimeout as sleep } from "node:timers/promises"
import { answer } from "./bodies.ts"
import type { Answer, Tools, VendorRequest } from "./imitation.ts"

/** Every word, and what it does. The documentation is written from this table. */
export const mishaps = {
  "sandbox:moderation": "The vendor's filter refuses the prompt.",
  "sandbox:moderation-output":
    "The vendor draws the picture and its filter then refuses it; of a sequence, the second.",
  "sandbox:rate-limit": "The vendor answers 429 every time and asks to wait one second.",
  "sandbox:rate-limit-once": "The vendor answers 429 the first time it sees this very prompt, and then works.",
  "sandbox:no-credit":
    "The account at the vendor is out of money, which each says in its own way: 402, 403, or a 429 that waiting does not cure.",
  "sandbox:error": "The vendor answers 500 every time.",
  "sandbox:error-once": "The vendor answers 500 the first time it sees this very prompt, and then works.",
  "sandbox:task-error":
    "The work is accepted and then fails: a task ends as an error, others answer 500. Of a sequence the rest does not come.",
  "sandbox:overloaded": "The vendor is overloaded and says so: 503, or 429 at some.",
  "sandbox:timeout": "The vendor takes the request and never answers.",
  "sandbox:no-image": "The vendor reports success without a picture.",
  "sandbox:broken-body": "The connection breaks half-way through the body that carries the picture.",
  "sandbox:bad-base64":
    "The picture's base64 is damaged; vendors that answer with links deliver bytes that are no picture.",
  "sandbox:slow-drip": "The body that carries the picture drips in over about eight seconds.",
  "sandbox:html": "The vendor answers the request with 200 and an HTML page.",
  "sandbox:slow": "The picture takes five seconds longer.",
} as const

type Word = keyof typeof mishaps

/** What goes wrong this time; the words that act once have become the plain ones. */
export type Mishap = Exclude<Word, `${string}-once`>

export const slowMs = 5_000
const dripMs = 8_000
const drips = 80

/** The first known word in the prompt decides. */
export function findMishap(prompt: string, tools: Pick<Tools, "isFirstTime">): Mishap | undefined {
  const word = prompt.match(/sandbox:[a-z0-9-]*[a-z0-9]/g)?.find((found) => Object.hasOwn(mishaps, found)) as
    | Word
    | undefined
  if (word === "sandbox:rate-limit-once") return tools.isFirstTime(prompt) ? "sandbox:rate-limit" : undefined
  if (word === "sandbox:error-once") return tools.isFirstTime(prompt) ? "sandbox:error" : undefined
  return word
}

/** Mishaps that spoil the answer to a request, whatever the vendor. */
export function spoilAnswer(given: Answer, mishap: Mishap | undefined): Answer {
  if (mishap === "sandbox:timeout") return { ...given, delayMs: Infinity }
  if (mishap === "sandbox:slow") return { ...given, delayMs: (given.delayMs ?? 0) + slowMs }
  if (mishap === "sandbox:html") return { ...given, ...answer(200, "text/html; charset=utf-8", page) }
  return given
}

/** Mishaps that spoil the body with the picture in it. */
export function spoilBody(given: Answer, mishap: Mishap | undefined, signal: VendorRequest["signal"]): Answer {
  if (mishap === "sandbox:broken-body") return { ...given, body: bodyOf(breakOff(given.body)) }
  if (mishap === "sandbox:slow-drip") return { ...given, body: bodyOf(drip(given.body, signal)) }
  return given
}

const page = "<!doctype html><html><head><title>Welcome</title></head><body><h1>It works!</h1></body></html>\n"

const bodyOf = (chunks: AsyncIterable<Buffer>): Readable => Readable.from(chunks, { objectMode: false })

async function* breakOff(body: Readable): AsyncGenerator<Buffer> {
  const whole = await gather(body)
  yield whole.subarray(0, whole.length >> 1)
  throw Object.assign(new Error("socket hang up"), { code: "ECONNRESET" })
}

async function* drip(body: Readable, signal: AbortSignal): AsyncGenerator<Buffer> {
  const whole = await gather(body)
  const size = Math.ceil(whole.length / drips)
  for (let start = 0; start < whole.length; start += size) {
    await sleep(dripMs / drips, undefined, { signal })
    yield whole.subarray(start, start + size)
  }
}

const gather = async (body: Readable): Promise<Buffer> => Buffer.concat(await body.toArray())
