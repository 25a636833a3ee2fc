// What every adapter promises, whatever its vendor: seen through callVendor, against recorded requests and answers.
import assert from "node:assert/strict"
import { describe, it } from "node:test"
import fc from "fast-check"
import { formBody, jsonBody } from "../bodies/write.ts"
import { createCatalogue, allModels } from "../catalogue/catalogue.ts"
import type { Catalogue, Model } from "../catalogue/model.ts"
import { readInput } from "../catalogue/read.ts"
import { failures } from "../errors.ts"
import type { Outcome, Provider, ProviderRequest, ReferencePicture, VendorFailure, VendorInput } from "./provider.ts"
import { answer, callWith, key, readStored } from "./run.contract.ts"

/** What a caller asks of a model by its public name, and what goes to the vendor for it. Forms show files as text. */
type RecordedRequest = {
  name: string
  model: string
  given: Record<string, unknown>
  path: string
  json?: unknown
  form?: { fields: Record<string, string>; files: [string, string][] }
}

/** The body of a 200, and how it is understood. `check`: it answers a question about a task. */
type RecordedAnswer = { name: string; check?: boolean; body: unknown; outcome: Outcome }

/** An answer that is not 2xx; the recorded failure says all of it but the detail, which is ours to word. */
type RecordedRefusal = { name: string; status: number; body: unknown; failure: Omit<VendorFailure, "detail"> }

export type Recordings = {
  /** The headers that carry the key "the-key-0123456789". */
  authorization: Record<string, string>
  requests: RecordedRequest[]
  answers: RecordedAnswer[]
  refusals: RecordedRefusal[]
}

const ours = createCatalogue(allModels)

/** "boat.png" is a picture of that type whose bytes are its name. */
function pictureNamed(name: string): ReferencePicture {
  const type = name.split(".").at(-1) as "png" | "jpeg" | "webp"
  const read = async function* () {
    yield Buffer.from(name)
  }
  return { mediaType: `image/${type}`, bytes: Buffer.byteLength(name), read }
}

/** The vendor's name for a model, and what its adapter gets when a caller asks for this. */
export function inputFor(provider: Provider, name: string, given: Record<string, unknown>, catalogue = ours) {
  const model = catalogue.find(name) ?? assert.fail(`no model ${name}`)
  const { model: vendorModel } = model.routes.find((route) => route.provider === provider.id) ?? assert.fail(name)
  const { input, images, mask } = readInput(model, given)
  const n = Math.min(input.n, provider.limits.imagesPerCall(vendorModel, input))
  const pictures = { images: images.map(pictureNamed), ...(mask === undefined ? {} : { mask: pictureNamed(mask) }) }
  return { vendorModel, input: { ...input, n, ...pictures } as VendorInput<Record<string, unknown>> }
}

export function requestFor(
  provider: Provider,
  name: string,
  given: Record<string, unknown>,
  catalogue: Catalogue = ours,
): ProviderRequest {
  const { vendorModel, input } = inputFor(provider, name, given, catalogue)
  return provider.writeRequest(vendorModel, input)
}

async function onTheWire({ method, path, json, form }: ProviderRequest) {
  const shown = { method, path, ...(json === undefined ? {} : { json: JSON.parse(await readStored(jsonBody(json))) }) }
  return form ? { ...shown, form: await readForm(form) } : shown
}

async function readForm(parts: ProviderRequest["form"] & {}) {
  const body = formBody(parts)
  const form = await new Response(await readStored(body), { headers: { "content-type": body.type } }).formData()
  const fields: Record<string, string> = {}
  const files: [string, string][] = []
  for (const [name, value] of form) {
    if (typeof value !== "string") files.push([name, `${value.name} (${value.type}): ${await value.text()}`])
    else if (name in fields) assert.fail(`${name} is there twice`)
    else fields[name] = value
  }
  return { fields, files }
}

function freeze<T>(value: T): T {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value
  Object.freeze(value)
  for (const part of Object.values(value)) freeze(part)
  return value
}

const shapeless: unknown[] = [
  ...[null, true, 5, "picture:0", [], {}, [[]], { data: 5 }, { data: [5] }, { data: [{ b64_json: 5 }] }],
  ...[{ data: [{ url: {} }] }, { status: 5 }, { status: null }, { error: {} }, { status: "Ready", result: 5 }],
  ...[{ id: 1, polling_url: "https://api.bfl.ai/" }, { id: "1", polling_url: "not a link" }, { detail: [] }],
]

/** The sentences in a vendor's body: they may hold keys and addresses. */
function sentencesIn(body: unknown): string[] {
  if (typeof body === "string") return body.includes(" ") ? [body] : []
  return typeof body === "object" && body !== null ? Object.values(body).flatMap(sentencesIn) : []
}

/** `models`: those that the requests are recorded for, where that is not all that the catalogue has. */
export function describeProvider(provider: Provider, recordings: Recordings, models: Model[] = allModels) {
  const { authorization, requests, answers, refusals } = recordings
  const catalogue = models === allModels ? ours : createCatalogue(models)
  const submit: ProviderRequest = { method: "POST", path: "/x", json: {} }
  const check: ProviderRequest = { method: "GET", path: "/x" }

  describe(`provider: ${provider.title}`, () => {
    for (const { name, model, given, ...wire } of requests) {
      it(`asks as recorded: ${name}`, async () => {
        assert.deepEqual(await onTheWire(requestFor(provider, model, given, catalogue)), { method: "POST", ...wire })
      })
    }

    it("has a recorded request for each of its models, with the prompt and the pictures it cannot do without", () => {
      const served = models.filter(({ routes }) => routes.some((route) => route.provider === provider.id))
      const leastOf = (name: string) => ((catalogue.find(name)?.imagesMin ?? 0) > 0 ? "prompt,image" : "prompt")
      const isPlain = ({ model, given }: RecordedRequest) => Object.keys(given).join() === leastOf(model)
      const plain = requests.filter(isPlain).map(({ model }) => model)
      assert.ok(served.length > 0)
      assert.deepEqual(plain.sort(), served.map(({ id }) => id).sort())
    })

    it("asks the same for the same input, and leaves the input as it was", async () => {
      for (const { model, given } of requests) {
        const { vendorModel, input } = inputFor(provider, model, given, catalogue)
        freeze(input)
        const [one, two] = [provider.writeRequest(vendorModel, input), provider.writeRequest(vendorModel, input)]
        assert.deepEqual(one, two)
        assert.deepEqual(await onTheWire(one), await onTheWire(two))
      }
    })

    it("carries the key in headers alone", async () => {
      assert.deepEqual(provider.authorize(key), authorization)
      for (const { model, given } of requests) {
        const { sent } = await callWith(provider, answer({}), {
          request: requestFor(provider, model, given, catalogue),
        })
        const { url, headers, body } = sent[0]!
        assert.ok(!url.includes(key) && !body.includes(key))
        assert.deepEqual(headers, { accept: "application/json, text/event-stream", ...authorization })
        assert.ok(url.startsWith(`${provider.baseUrl}/`))
      }
    })

    for (const { name, check: isCheck, body, outcome } of answers) {
      it(`understands as recorded: ${name}`, async () => {
        const { answered, kept } = await callWith(provider, answer(body), { request: isCheck ? check : submit })
        assert.deepEqual(answered.outcome, outcome)
        const marks = outcome.state === "done" ? outcome.pictures.filter((picture) => "mark" in picture) : []
        assert.deepEqual([...answered.pictures.keys()], marks.map(({ mark }) => mark).sort())
        assert.equal(kept(), marks.length, "pictures that nobody was told of")
      })
    }

    it("reads the same answer alike twice, and leaves it as it was", () => {
      for (const { body } of answers) {
        freeze(body)
        assert.deepEqual(provider.readResponse(body), provider.readResponse(body))
      }
    })

    it("has recorded an answer of each kind that it knows", () => {
      const kinds = new Set(answers.map(({ outcome }) => outcome.state))
      assert.ok(kinds.has("done") && kinds.has("failed"))
    })

    it("takes what it cannot understand for a failure, and keeps nothing of it", async () => {
      for (const body of shapeless) {
        const { answered, kept } = await callWith(provider, answer(body), { request: submit })
        assert.equal(answered.outcome.state, "failed", JSON.stringify(body))
        assert.equal(kept(), 0)
      }
    })

    it("lives with whatever JSON comes, in a body and in a stream", async () => {
      const types = ["application/json", "text/event-stream"] as const
      const property = fc.asyncProperty(fc.jsonValue(), fc.constantFrom(...types), async (value, type) => {
        const body = type === "application/json" ? value : `data: ${JSON.stringify(value)}\n\n`
        const { answered, kept } = await callWith(provider, answer(body, type), { request: submit })
        assert.equal(answered.outcome.state, "failed")
        assert.equal(kept(), 0)
      })
      await fc.assert(property, { numRuns: 200 })
    })

    for (const { name, status, body, failure } of refusals) {
      it(`refused as recorded: ${status} ${name}`, async () => {
        const { answered, kept } = await callWith(provider, answer(body, "application/json", status))
        assert.equal(answered.outcome.state, "failed")
        const { detail = "", ...told } = (answered.outcome as Outcome & { state: "failed" }).failure
        assert.deepEqual(told, failure)
        for (const text of sentencesIn(body)) assert.ok(!detail.includes(text), `the vendor's own words: ${text}`)
        assert.equal(kept(), 0)
      })
    }

    it("has a failure for every status, and calls none of them done", async () => {
      // Only these say by themselves that no work was done.
      const untouched = [401, 402, 403, 409, 429, 500, 503]
      for (let status = 300; status < 600; status++) {
        for (const { body } of [{ body: undefined }, ...answers.slice(0, 2)]) {
          const { answered } = await callWith(provider, answer(body, "application/json", status))
          const { outcome } = answered
          assert.ok(outcome.state === "failed" && outcome.failure.code in failures, String(status))
          assert.equal(outcome.failure.untouched === true, untouched.includes(status), String(status))
        }
      }
    })

    it("says how many pictures a call makes, and how long it may take", () => {
      for (const { model, given } of requests) {
        const { vendorModel, input } = inputFor(provider, model, given, catalogue)
        assert.ok(provider.limits.imagesPerCall(vendorModel, input) >= 1)
      }
      assert.ok(provider.limits.deadlineMs >= 300_000, "the vendors' own clients wait that long")
      for (const suffix of provider.linkHosts) assert.match(suffix, /^\.[a-z0-9.-]+$/)
    })
  })
}
