// Our requests to Black Forest Labs, and what the sandbox answers in its name, against the vendor's own description.
import assert from "node:assert/strict"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { json } from "node:stream/consumers"
import { before, describe, it } from "node:test"
import type { Recordings } from "../../server/providers/provider.contract.ts"
import { createSandbox } from "../../server/sandbox/sandbox.ts"
import { plainPng } from "../calls.ts"
import { root } from "../harness.ts"
import { describeApi, needsSpecs, readSpec } from "./openapi.ts"
import type { Description, OpenApi } from "./openapi.ts"

const recorded = readFileSync(join(root, "server/providers/recordings/bfl.json"), "utf8")
const { requests } = JSON.parse(recorded) as Recordings

describe("Black Forest Labs, as it describes itself", needsSpecs, () => {
  let api: Description
  let input_image: string
  before(async () => {
    api = describeApi(readSpec("bfl.openapi.json") as OpenApi)
    input_image = (await plainPng()).toString("base64")
  })

  for (const { name, path, json } of requests)
    it(`takes what is asked: ${name}`, () => {
      assert.deepEqual(api.request(`POST /v1${path}`, json), [])
    })

  it("knows a wrong request", () => {
    assert.deepEqual(api.request("POST /v1/flux-2-pro", { width: 32, output_format: "gif", aspect_ratio: "1:1" }), [
      "body must have required property 'prompt'",
      "width must be >= 64",
      'output_format must be one of ["jpeg","png","webp"], not "gif"',
      "body has a field that is not described: aspect_ratio",
    ])
  })

  const speak = () => {
    const clock = { time: Date.parse("2026-11-21T12:00:00Z"), now: () => clock.time }
    const sandbox = createSandbox({ pace: "human", clock })
    const send = async (method: string, path: string, fields?: object) => {
      const url = new URL(path, "https://api.us1.bfl.ai")
      const chunks = async function* () {
        yield Buffer.from(JSON.stringify(fields))
      }
      const body = fields === undefined ? {} : { body: { type: "application/json", chunks } }
      const headers = { "x-key": "any" }
      const answer = await sandbox({ method, url, headers, signal: new AbortController().signal, ...body })
      return { status: answer.status, body: (await json(answer.body)) as Record<string, unknown> }
    }
    return { clock, send }
  }

  /** Our recordings have names in place of pictures. */
  const withPictures = (fields: unknown): object =>
    Object.fromEntries(
      Object.entries(fields as object).map(([name, value]) => [
        name,
        /^(input_image|image_prompt$)/.test(name) ? input_image : (value as unknown),
      ]),
    )

  /** Asks for the task from its beginning to its end. */
  async function lifeOf(path: string, fields: object): Promise<unknown[]> {
    const { clock, send } = speak()
    const submitted = await send("POST", `/v1${path}`, fields)
    assert.equal(submitted.status, 200)
    assert.deepEqual(api.answer(`POST /v1${path}`, 200, submitted.body), [])
    const states: unknown[] = []
    for (let elapsed = 0; elapsed <= 1000; elapsed += 250) {
      const { status, body } = await send("GET", String(submitted.body["polling_url"]))
      assert.deepEqual([status, api.answer("GET /v1/get_result", 200, body)], [200, []])
      if (states.at(-1) !== body["status"]) states.push(body["status"])
      clock.time += 250
    }
    return states
  }

  for (const { name, path, json } of requests)
    it(`answers as the sandbox does: ${name}`, async () => {
      const states = await lifeOf(path, withPictures(json))
      assert.deepEqual([states[0], states.at(-2), states.at(-1)], ["Pending", "Generating", "Ready"])
    })

  it("ends badly as the sandbox does", async () => {
    for (const [word, end] of Object.entries({
      moderation: "Request Moderated",
      "moderation-output": "Content Moderated",
      "task-error": "Error",
      "no-image": "Ready",
    })) {
      const states = await lifeOf("/flux-2-pro", { prompt: `a kite sandbox:${word}`, width: 64, height: 64 })
      assert.equal(states.at(-1), end)
    }
  })

  it("refuses fields as the sandbox does", async () => {
    const { send } = speak()
    for (const { path } of requests) {
      const { status, body } = await send("POST", `/v1${path}`, { prompt: 5, seed: "x", safety_tolerance: 9 })
      assert.deepEqual([status, api.answer(`POST /v1${path}`, status, body)], [422, []])
    }
    const { status, body } = await send("GET", "/v1/get_result")
    assert.deepEqual([status, api.answer("GET /v1/get_result", status, body)], [422, []])
  })

  it("speaks of webhooks and credits as the sandbox does", async () => {
    const { send } = speak()
    const fields = { prompt: "a kite", width: 64, height: 64, webhook_url: "https://example.com/hook" }
    const { body } = await send("POST", "/v1/flux-2-pro", fields)
    assert.deepEqual(api.answer("POST /v1/flux-2-pro", 200, body), [])
    const credits = await send("GET", "/v1/credits")
    assert.deepEqual(api.answer("GET /v1/credits", 200, credits.body), [])
  })
})
