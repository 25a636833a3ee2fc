// The adapters against the imitated vendors, from a caller's parameters to a picture or to a failure of ours.
import assert from "node:assert/strict"
import { syncBuiltinESMExports } from "node:module"
import { buffer } from "node:stream/consumers"
import { after, before, describe, it, mock } from "node:test"
import timers from "node:timers/promises"
import { allModels, createCatalogue } from "../catalogue/catalogue.ts"
import { withCompatible } from "../catalogue/compatible.ts"
import { probe } from "../images/probe.ts"
import { createSandbox } from "../sandbox/sandbox.ts"
import type { Sandbox } from "../sandbox/sandbox.ts"
import { mishaps } from "../sandbox/mishaps.ts"
import { aihubmix } from "./aihubmix.ts"
import { allProviders } from "./all.ts"
import { ark } from "./ark.ts"
import { azure } from "./azure.ts"
import { bfl } from "./bfl.ts"
import { compatible } from "./compatible.ts"
import { dashscope } from "./dashscope.ts"
import { google } from "./google.ts"
import { ideogram } from "./ideogram.ts"
import { openai } from "./openai.ts"
import { requestFor as requestOf } from "./provider.contract.ts"
import type { AnsweredPicture, Provider, ProviderRequest } from "./provider.ts"
import { callWith } from "./run.contract.ts"
import type { Called } from "./run.contract.ts"
import { qianfan } from "./qianfan.ts"
import { failures, ofBfl, ofOpenAI, ofOpenAIStreams } from "./run.endings.contract.ts"
import type { End, Expected, Word } from "./run.endings.contract.ts"
import { stability } from "./stability.ts"
import { vertex } from "./vertex.ts"

const blocked = "The vendor has blocked this server's account."
const ofAzure: Expected = { ...ofOpenAI, "sandbox:no-credit": [{ ...failures.unpaid, detail: blocked }] }

const withoutQuota = "The vendor's account has used up its quota."
const ofGoogle: Expected = {
  ...ofOpenAI,
  "sandbox:moderation": [failures.promptRefused],
  "sandbox:moderation-output": [failures.pictureRefused],
  "sandbox:no-credit": [{ ...failures.unpaid, detail: withoutQuota }],
}
const ofGemini: Expected = {
  ...ofGoogle,
  "sandbox:no-image": [{ code: "provider_error", detail: "The vendor answered without a picture." }],
}

const ofArk: Expected = {
  ...ofOpenAI,
  "sandbox:moderation": [{ ...failures.promptRefused, detail: "The vendor's filter refused the prompt." }],
  "sandbox:moderation-output": [
    { ...failures.pictureRefused, detail: "The vendor's filter refused a picture that was made." },
  ],
}

// Neither a server of one's own nor a gateway says which it refused; a vendor behind may have worked on what failed.
const ofAihubmix: Expected = { ...ofOpenAI, "sandbox:task-error": [{ code: "provider_error" }] }
const ofAihubmixLinks: Expected = {
  ...ofAihubmix,
  "sandbox:broken-body": ["the download breaks off"],
  "sandbox:bad-base64": ["not a picture"],
}
const ofAihubmixTasks: Expected = { ...ofBfl, "sandbox:task-error": [{ code: "provider_error", ofTask: true }] }

// They answer at once, with links.
const ofLinks: Expected = { ...ofBfl, "sandbox:task-error": [failures.fault] }
const refusing = (what: string) => [{ ...failures.promptRefused, detail: `The vendor's filter refused ${what}.` }]
const ofIdeogram: Expected = { ...ofLinks, "sandbox:moderation": refusing("the prompt or a picture given with it") }
const ofQianfan: Expected = {
  ...ofLinks,
  "sandbox:moderation": refusing("the prompt"),
  // It does not say what it refused.
  "sandbox:moderation-output": [failures.moderated],
}
const ofStability: Expected = {
  ...ofOpenAI,
  "sandbox:moderation": refusing("the prompt or the picture given with it"),
  "sandbox:moderation-output": [failures.pictureRefused],
}

const catalogue = createCatalogue(withCompatible(allModels, [{ name: "sdxl", model: "sdxl" }]))
const requestFor = (provider: Provider, model: string, given: Record<string, unknown>) =>
  requestOf(provider, model, given, catalogue)

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

const sequenceOfOne = {
  sequential_image_generation: "auto",
  sequential_image_generation_options: { max_images: 1 },
}

const tables = [
  { title: "OpenAI", provider: openai, model: "gpt-image-1", given: small, expected: ofOpenAI },
  {
    ...{ title: "OpenAI in a stream", provider: openai, model: "gpt-image-1", expected: ofOpenAIStreams },
    given: { ...small, partial_images: 1 },
  },
  { title: "OpenAI's DALL·E", provider: openai, model: "dall-e-3", given: {}, expected: ofOpenAI },
  { title: "FLUX.2", provider: bfl, model: "flux-2-pro", given: { size: "256x256" }, expected: ofBfl },
  { title: "FLUX.1 Kontext", provider: bfl, model: "flux-kontext-pro", given: {}, expected: ofBfl },
  { title: "FLUX.2 at Azure", provider: azure, model: "flux-2-pro", given: { size: "256x256" }, expected: ofAzure },
  { title: "FLUX.1 Kontext at Azure", provider: azure, model: "flux-kontext-pro", given: {}, expected: ofAzure },
  { title: "Gemini", provider: google, model: "gemini-3.1-flash-image", given: { size: "512" }, expected: ofGemini },
  { title: "Imagen", provider: google, model: "imagen-3.0-generate-002", given: {}, expected: ofGoogle },
  { title: "Gemini on Vertex AI", provider: vertex, model: "gemini-2.5-flash-image", given: {}, expected: ofGemini },
  { title: "A server of one's own", provider: compatible, model: "sdxl", given: {}, expected: ofOpenAI },
  { title: "AIHubMix", provider: aihubmix, model: "gpt-image-2", given: small, expected: ofAihubmix },
  {
    title: "Seedream at AIHubMix",
    provider: aihubmix,
    model: "doubao-seedream-4-0",
    given: {},
    expected: ofAihubmixLinks,
  },
  { title: "FLUX at AIHubMix", provider: aihubmix, model: "flux-2-pro", given: {}, expected: ofAihubmixTasks },
  { title: "Imagen on Vertex AI", provider: vertex, model: "imagen-3.0-generate-002", given: {}, expected: ofGoogle },
  { title: "Seedream", provider: ark, model: "seedream-4-0", given: { size: "1280x720" }, expected: ofArk },
  {
    ...{ title: "Seedream in a stream", provider: ark, model: "seedream-4-0", expected: ofArk },
    given: { size: "1280x720", ...sequenceOfOne },
  },
  { title: "Ideogram", provider: ideogram, model: "ideogram/V3", given: {}, expected: ofIdeogram },
  { title: "Stability", provider: stability, model: "stable-image-core", given: {}, expected: ofStability },
  { title: "Qwen at Baidu", provider: qianfan, model: "qwen-image", given: { size: "512x512" }, expected: ofQianfan },
  { title: "Qwen at Alibaba", provider: dashscope, model: "qwen-image", given: {}, expected: ofLinks },
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
      const { model, given } = tables.find((table) => table.provider === provider) ?? assert.fail(provider.id)
      const request = requestFor(provider, model, { prompt: "a kite", ...given })
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
