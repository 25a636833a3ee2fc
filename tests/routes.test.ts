// A model with several vendors: who is called, who is called next, and when nobody else is.
import assert from "node:assert/strict"
import { after, before, beforeEach, describe, it } from "node:test"
import { createKey } from "../server/accounts/keys.ts"
import { defaultProject } from "../server/accounts/projects.ts"
import { call, plainPng } from "./calls.ts"
import type { Failure, Generation } from "./calls.ts"
import { composeServer } from "./harness.ts"
import type { InProcess } from "./harness.ts"
import { scriptVendor } from "./scriptedVendor.ts"
import type { Scripted, ScriptedVendor } from "./scriptedVendor.ts"

let [first, second]: ScriptedVendor[] = []
let server: InProcess
let key: string
let picture: Scripted

before(async () => {
  ;[first, second] = await Promise.all([scriptVendor(), scriptVendor()])
  server = await composeServer({
    ...{ BFL_API_KEY: "any", BFL_BASE_URL: `${first!.url}/v1` },
    ...{ AZURE_API_KEY: "any", AZURE_BASE_URL: second!.url },
    ...{ VERTEX_API_KEY: "any", VERTEX_BASE_URL: `${second!.url}/v1/publishers/google` },
  })
  // A day on which Vertex AI still serves what the Gemini API has given up.
  const startedAt = Date.now()
  server.atelier.app.clock.now = () => Date.parse("2026-11-20T12:00:00Z") + Date.now() - startedAt
  key = await createKey(server.atelier.app, defaultProject, "live")
  const b64_json = (await plainPng()).toString("base64")
  picture = { status: 200, json: { created: 1, data: [{ b64_json }] } }
})
after(async () => {
  await server.end()
  first?.end()
  second?.end()
})
beforeEach(() => {
  first!.calls.length = 0
  second!.calls.length = 0
})

const noCredit = { status: 402, json: { detail: "Insufficient credits" } }
const busy = { status: 429, json: {} }
const unclear = { status: 502, json: {} }

async function ask([one, other]: [Scripted, Scripted], input: Record<string, unknown> = {}) {
  first!.answer = () => one
  second!.answer = () => other
  const json = { model: "bfl/flux-2-pro", input: { prompt: "a weir", ...input }, wait: 30 }
  const { body } = await call<Generation & Failure>(server, "/v1/generations", { json, key })
  return { body, calls: [first!.calls.length, second!.calls.length] }
}

describe("the next vendor", () => {
  it("is called where the first has no credit left, and makes the picture", async () => {
    const { body, calls } = await ask([noCredit, picture])
    assert.equal(body.status, "succeeded", JSON.stringify(body.error))
    assert.deepEqual(calls, [1, 1])
    assert.match(second!.calls[0]!, /^POST \/providers\/blackforestlabs\/v1\/flux-2-pro$/)
  })

  it("is called for each picture of several", async () => {
    const { body, calls } = await ask([noCredit, picture], { n: 2 })
    assert.deepEqual([body.status, body.images.length], ["succeeded", 2])
    assert.deepEqual(calls, [2, 2])
  })

  it("is called at once where the first is busy", async () => {
    const { body, calls } = await ask([busy, picture])
    assert.deepEqual([body.status, calls], ["succeeded", [1, 1]])
  })

  it("is not called where the first may have done the work", async () => {
    const { body, calls } = await ask([unclear, picture])
    assert.deepEqual([body.status, body.error?.code, calls], ["failed", "provider_error", [1, 0]])
  })

  it("is not called where the request itself was refused", async () => {
    const refused = { status: 422, json: { detail: [{ loc: ["body", "prompt"], msg: "bad", type: "x" }] } }
    const { body, calls } = await ask([refused, picture])
    assert.deepEqual([body.error?.code, calls], ["invalid_request", [1, 0]])
  })

  it("has the last word where it fails as well", async () => {
    const { body, calls } = await ask([noCredit, noCredit])
    assert.deepEqual([body.status, body.error?.code, calls], ["failed", "provider_unavailable", [1, 1]])
  })

  it("is not called where a task runs and the question about it is refused", async () => {
    for (const refusal of [noCredit, { status: 403, json: {} }, { status: 401, json: {} }]) {
      const polling_url = `${first!.url}/v1/get_result?id=1`
      first!.answer = (path) =>
        path.endsWith("get_result") ? refusal : { status: 200, json: { id: "1", polling_url } }
      second!.answer = () => picture
      first!.calls.length = second!.calls.length = 0
      const json = { model: "bfl/flux-2-pro", input: { prompt: "a weir" }, wait: 30 }
      const { body } = await call<Generation & Failure>(server, "/v1/generations", { json, key })
      assert.deepEqual([body.status, body.error?.code], ["failed", "provider_unavailable"])
      assert.deepEqual([first!.calls.length, second!.calls.length], [2, 0])
    }
  })

  it("is passed over where it cannot serve the request", async () => {
    const { body, calls } = await ask([noCredit, picture], { output_format: "webp" })
    assert.deepEqual([body.error?.code, calls], ["provider_unavailable", [1, 0]])
  })
})

describe("a request that no open vendor can serve", () => {
  it("is refused by name before it is accepted", async () => {
    const json = { model: "google/imagen-4.0-generate-001", input: { prompt: "a weir", n: 1 }, wait: 0 }
    const served = await call<Generation>(server, "/v1/generations", { json, key })
    assert.equal(served.status, 202, "Vertex serves what the Gemini API has retired")
    const only = await composeServer({ AZURE_API_KEY: "any", AZURE_BASE_URL: second!.url })
    try {
      const input = { prompt: "a weir", output_format: "webp" }
      const reply = await call<Failure>(only, "/v1/generations", {
        json: { model: "bfl/flux-2-pro", input },
        key: await createKey(only.atelier.app, defaultProject, "live"),
      })
      assert.deepEqual([reply.status, reply.body.error.code], [400, "invalid_request"])
      assert.match(reply.body.error.message, /output_format/)
    } finally {
      await only.end()
    }
  })
})
