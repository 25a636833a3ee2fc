// The adapters against the imitated vendors, from a caller's parameters to a picture or to a failure of ours.
import assert from "node:assert/strict"
import { syncBuiltinESMExports } from "node:module"
import { buffer } from "node:stream/consumers"
import { after, before, describe, it, mock } from "node:test"
import timers from "node:timers/promises"
import { probe } from "../images/probe.ts"
import { createSandbox } from "../sandbox/sandbox.ts"
import type { Sandbox } from "../sandbox/sandbox.ts"
import { mishaps } from "../sandbox/mishaps.ts"
import { allProviders } from "./all.ts"
import { bfl } from "./bfl.ts"
import { openai } from "./openai.ts"
import { requestFor } from "./provider.contract.ts"
import type { AnsweredPicture, Provider, ProviderRequest, VendorFailure } from "./provider.ts"
import { callWith } from "./run.contract.ts"
import type { Called } from "./run.contract.ts"

type Word = keyof typeof mishaps

/** What comes of a call: "picture", what is wrong with the picture, or a failure. */
type End = "picture" | "not a picture" | "the download breaks off" | VendorFailure

const failures = {
  moderated: { code: "content_refused" },
  promptRefused: {
    code: "content_refused",
    refused: "prompt",
    detail: "The vendor's filter refused the prompt or a reference picture.",
  },
  pictureRefused: {
    code: "content_refused",
    refused: "picture",
    detail: "The vendor's filter refused the picture that was made.",
  },
  askedToWait: { code: "provider_busy", untouched: true, retryAfterSeconds: 1 },
  busy: { code: "provider_busy", untouched: true },
  unpaid: { code: "provider_unavailable", detail: "The vendor's account has no credit left.", untouched: true },
  fault: { code: "provider_error", untouched: true },
  taskFault: { code: "provider_error", untouched: true, ofTask: true },
  late: { code: "provider_timeout" },
  empty: { code: "provider_error", detail: "The vendor answered without a picture.", ofTask: true },
  ended: { code: "provider_error", detail: "The vendor's stream ended without a picture." },
  damaged: { code: "provider_error", detail: "The vendor's answer was broken off or damaged." },
} satisfies Record<string, VendorFailure>

/** For each word: the ends of one call after another with the same prompt. */
type Expected = Record<Word, End[]>

const ofOpenAI: Expected = {
  "sandbox:moderation": [failures.moderated],
  "sandbox:moderation-output": [failures.moderated],
  "sandbox:rate-limit": [failures.askedToWait, failures.askedToWait],
  "sandbox:rate-limit-once": [failures.askedToWait, "picture"],
  "sandbox:no-credit": [failures.unpaid],
  "sandbox:error": [failures.fault, failures.fault],
  "sandbox:error-once": [failures.fault, "picture"],
  "sandbox:task-error": [failures.fault],
  "sandbox:overloaded": [failures.busy],
  "sandbox:timeout": [failures.late],
  "sandbox:no-image": [failures.empty],
  "sandbox:broken-body": [failures.damaged],
  "sandbox:bad-base64": [failures.damaged],
  "sandbox:slow-drip": ["picture"],
  "sandbox:html": [failures.damaged],
  "sandbox:slow": ["picture"],
}

const ofOpenAIStreams: Expected = { ...ofOpenAI, "sandbox:no-image": [failures.ended] }

const ofBfl: Expected = {
  ...ofOpenAI,
  "sandbox:moderation": [failures.promptRefused],
  "sandbox:moderation-output": [failures.pictureRefused],
  "sandbox:task-error": [failures.taskFault],
  // BFL's pictures come by link, so that the answer itself is sound.
  "sandbox:broken-body": ["the download breaks off"],
  "sandbox:bad-base64": ["not a picture"],
}

type Setting = { sandbox: Sandbox; clock: { now: () => number; time: number } }

function set(): Setting {
  const clock = { time: Date.parse("2026-11-21T12:00:00Z"), now: () => clock.time }
  return { sandbox: createSandbox({ pace: "none", clock }), clock }
}

const picturesOf = ({ answered }: Called): AnsweredPicture[] =>
  answered.outcome.state === "done" ? answered.outcome.pictures : []

/** Calls until there is an end; between two looks at a task a second goes by on the vendor's clock. */
async function call(provider: Provider, { sandbox, clock }: Setting, first: ProviderRequest, signal: AbortSignal) {
  let request = first
  for (let looks = 0; looks < 20; looks++) {
    const called = await callWith(provider, sandbox, { request, signal, pictureMaxBytes: 20_000_000 })
    const { outcome } = called.answered
    if (outcome.state !== "pending") return called
    if (outcome.check) request = outcome.check
    clock.time += 1000
  }
  return assert.fail("the task never ends")
}

async function bytesOf(picture: AnsweredPicture, { answered }: Called, { sandbox }: Setting, signal: AbortSignal) {
  if ("mark" in picture) return answered.pictures.get(picture.mark)!.bytes
  const { status, body } = await sandbox({ method: "GET", url: new URL(picture.url), headers: {}, signal })
  assert.equal(status, 200)
  return buffer(body)
}

async function endOf(
  provider: Provider,
  setting: Setting,
  request: ProviderRequest,
  signal: AbortSignal,
): Promise<End> {
  const called = await call(provider, setting, request, signal)
  const pictures = picturesOf(called)
  assert.equal(called.kept(), pictures.filter((picture) => "mark" in picture).length)
  const { outcome } = called.answered
  if (outcome.state === "failed") return outcome.failure
  assert.equal(pictures.length, 1)
  try {
    const bytes = await bytesOf(pictures[0]!, called, setting, signal)
    const probed = await probe(async (position, length) => bytes.subarray(position, position + length))
    return probed ? "picture" : "not a picture"
  } catch (error) {
    assert.equal((error as { code?: unknown }).code, "ECONNRESET")
    return "the download breaks off"
  }
}

// The vendors' waiting goes by at once; the binding that the sandbox imported follows the module.
before(() => {
  mock.method(timers, "setTimeout", () => new Promise(setImmediate))
  syncBuiltinESMExports()
})
after(() => {
  mock.restoreAll()
  syncBuiltinESMExports()
})

/** A call to a vendor that never answers is given up. */
function patienceFor(word: string): AbortSignal {
  const abort = new AbortController()
  if (word === "sandbox:timeout") setImmediate(() => abort.abort())
  return abort.signal
}

const small = { size: "1024x1024", output_format: "jpeg" }

const tables = [
  { title: "OpenAI", provider: openai, model: "gpt-image-1", given: small, expected: ofOpenAI },
  {
    ...{ title: "OpenAI in a stream", provider: openai, model: "gpt-image-1", expected: ofOpenAIStreams },
    given: { ...small, partial_images: 1 },
  },
  { title: "OpenAI's DALL·E", provider: openai, model: "dall-e-3", given: {}, expected: ofOpenAI },
  { title: "FLUX.2", provider: bfl, model: "flux-2-pro", given: { size: "256x256" }, expected: ofBfl },
  { title: "FLUX.1 Kontext", provider: bfl, model: "flux-kontext-pro", given: {}, expected: ofBfl },
]

for (const { title, provider, model, given, expected } of tables) {
  describe(`${title}, imitated`, () => {
    it("makes a picture", async () => {
      const request = requestFor(provider, model, { prompt: "a kite", ...given })
      assert.equal(await endOf(provider, set(), request, new AbortController().signal), "picture")
    })

    for (const [word, ends] of Object.entries(expected)) {
      it(`${word}: ${mishaps[word as Word]}`, async () => {
        const setting = set()
        const request = requestFor(provider, model, { prompt: `a kite ${word}`, ...given })
        for (const end of ends) assert.deepEqual(await endOf(provider, setting, request, patienceFor(word)), end)
      })
    }
  })
}

describe("the imitated vendors", () => {
  it("have every mishap in the tables above, and every provider", () => {
    for (const { expected } of tables) assert.deepEqual(Object.keys(expected).sort(), Object.keys(mishaps).sort())
    assert.deepEqual(new Set(tables.map(({ provider }) => provider)), new Set(allProviders))
  })

  it("do not take a wrong key", async () => {
    for (const provider of allProviders) {
      const wrong = { ...provider, authorize: () => provider.authorize("an-invalid-key") }
      const model = provider === openai ? "gpt-image-1" : "flux-2-pro"
      const request = requestFor(provider, model, { prompt: "a kite" })
      const { answered } = await callWith(wrong, set().sandbox, { request })
      const failure = { code: "provider_unavailable", untouched: true }
      const detail = "The vendor did not accept this server's key."
      assert.deepEqual(answered.outcome, { state: "failed", failure: { ...failure, detail } })
    }
  })

  it("hand out early states in their order, and what the picture cost", async () => {
    const request = requestFor(openai, "gpt-image-1", { prompt: "a kite", ...small, partial_images: 3, quality: "low" })
    const { answered, partials } = await callWith(openai, set().sandbox, { request, pictureMaxBytes: 20_000_000 })
    assert.deepEqual(
      partials.map(({ index }) => index),
      [0, 1, 2],
    )
    assert.ok(answered.outcome.state === "done")
    assert.equal(answered.outcome.bill?.usage?.output_tokens, 272)
  })

  it("tell what FLUX cost and by which seed", async () => {
    const request = requestFor(bfl, "flux-2-pro", { prompt: "a kite", size: "256x256", seed: 11 })
    const setting = set()
    const called = await call(bfl, setting, request, new AbortController().signal)
    assert.ok(called.answered.outcome.state === "done")
    assert.deepEqual(called.answered.outcome.bill, { costCredits: 3 })
    assert.deepEqual(picturesOf(called)[0]?.notes, { seed: 11 })
  })

  it("no longer know a task when they are asked at another host", async () => {
    const request = requestFor(bfl, "flux-2-pro", { prompt: "a kite", size: "256x256" })
    const { sandbox } = set()
    const { answered } = await callWith(bfl, sandbox, { request })
    assert.ok(answered.outcome.state === "pending" && answered.outcome.check)
    const path = answered.outcome.check.path.replace("us1", "eu1")
    const lost = await callWith(bfl, sandbox, { request: { method: "GET", path } })
    const failure = { code: "outcome_unknown", detail: "The vendor no longer knows this task." }
    assert.deepEqual(lost.answered.outcome, { state: "failed", failure })
  })
})
