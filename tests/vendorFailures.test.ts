// Everything that the sandbox can make a vendor do wrong, as the caller of the native API meets it.
import assert from "node:assert/strict"
import { readdirSync } from "node:fs"
import { join } from "node:path"
import { after, before, describe, it } from "node:test"
import { mishaps } from "../server/sandbox/mishaps.ts"
import { call, download, generate, kindOf } from "./calls.ts"
import type { Failure, Generation } from "./calls.ts"
import { composeServer, sandboxCalls } from "./harness.ts"
import type { InProcess } from "./harness.ts"

type Word = keyof typeof mishaps
type Ending = { code?: string; submits: number; retry?: boolean }

const succeeds = (submits = 1): Ending => ({ submits })
const fails = (code: string, submits: number, retry: boolean): Ending => ({ code, submits, retry })

// How often the vendor is called: again only where it surely did no work, and once more where it was only busy.
const endings: Record<Word, Ending | undefined> = {
  "sandbox:moderation": fails("content_refused", 1, false),
  "sandbox:moderation-output": fails("content_refused", 1, false),
  "sandbox:rate-limit": fails("provider_busy", 3, true),
  "sandbox:rate-limit-once": succeeds(2),
  "sandbox:no-credit": fails("provider_unavailable", 1, false),
  "sandbox:error": fails("provider_error", 2, true),
  "sandbox:error-once": succeeds(2),
  "sandbox:task-error": fails("provider_error", 2, true),
  "sandbox:overloaded": fails("provider_busy", 3, true),
  "sandbox:no-image": fails("provider_error", 1, true),
  "sandbox:broken-body": fails("provider_error", 1, true),
  "sandbox:bad-base64": fails("provider_error", 1, true),
  "sandbox:html": fails("provider_error", 1, true),
  "sandbox:slow": succeeds(),
  "sandbox:slow-drip": succeeds(),
  // Only the deadline of ten minutes ends it; tests/native.test.ts calls it off.
  "sandbox:timeout": undefined,
}

const models = ["openai/gpt-image-1", "bfl/flux-2-pro"]

// A picture of BFL lies behind a link, which is tried for as long as the task's deadline allows.
const endsIn = (word: Word, model: string): Ending | undefined =>
  word === "sandbox:broken-body" && model.startsWith("bfl/") ? undefined : endings[word]

let server: InProcess
before(async () => {
  server = await composeServer()
})
after(() => server.end())

const submitsOf = (prompt: string): number =>
  sandboxCalls(server).filter((one) => one.prompt === prompt && one.method === "POST").length

const cases = (Object.keys(mishaps) as Word[]).flatMap((word) =>
  models.flatMap((model) => {
    const ending = endsIn(word, model)
    return ending ? [{ word, model, ending }] : []
  }),
)

describe("vendor failures", { concurrency: true }, () => {
  for (const { word, model, ending } of cases)
    it(`${word} of ${model}: ${ending.code ?? "succeeds"}, calls: ${ending.submits}`, async () => {
      const prompt = `${word} for ${model}`
      const { status, body } = await generate(server, prompt, { model })
      assert.equal(status, 200, "it has ended")
      assert.equal(submitsOf(prompt), ending.submits)
      if (ending.code === undefined) await checkPicture(body)
      else await checkFailure(body, ending)
    })

  it("refuses in the words of OpenAI with the status its SDKs expect", async () => {
    const statuses = { moderation: 400, "rate-limit": 503, "no-credit": 503, "no-image": 502, html: 502, error: 502 }
    await Promise.all(
      Object.entries(statuses).map(async ([word, status]) => {
        const json = { model: "gpt-image-1", prompt: `sandbox:${word} over OpenAI` }
        const reply = await call<Failure>(server, "/v1/images/generations", { json })
        assert.equal(reply.status, status, word)
        assert.match(reply.body.error.generation_id ?? "", /^gen_/)
        assert.equal(reply.headers.get("atelier-generation"), reply.body.error.generation_id)
      }),
    )
  })

  it("delivers what could be made where part of it failed, and says so", async () => {
    // Each picture of dall-e-3 is a call of its own, and only the first call with this prompt fails.
    const prompt = "sandbox:error-once for one of three"
    const { body } = await generate(server, prompt, { model: "openai/dall-e-3", n: 3 })
    assert.deepEqual([body.status, body.images.length, body.warnings], ["succeeded", 3, []])
    assert.equal(submitsOf(prompt), 4)
  })
})

describe("vendor failures: afterwards", () => {
  it("leaves no half picture behind, and nothing to do", async () => {
    const names = () => readdirSync(join(server.dataFolder, "pictures/drafts"))
    assert.deepEqual(names(), [])
    const jobs = await server.atelier.app.database.query.selectFrom("jobs").select("subject").execute()
    assert.deepEqual(jobs, [])
  })
})

async function checkPicture({ status, images, error }: Generation) {
  assert.deepEqual([status, error, images.length], ["succeeded", null, 1])
  assert.ok(kindOf(await download(images[0]!.url)))
}

async function checkFailure({ id, status, images, error }: Generation, { code, retry }: Ending) {
  assert.deepEqual([status, images, error?.code, error?.retry], ["failed", [], code, retry])
  assert.doesNotMatch(error!.message, /https?:|sandbox|req_|\{/, "nothing of the vendor's own answer")
  const again = await call<Generation>(server, `/v1/generations/${id}`)
  assert.deepEqual(again.body.error, error)
}
