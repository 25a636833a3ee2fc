// Models that end: told in headers before, refused with their successor after, and drawn by the sandbox all the same.
import assert from "node:assert/strict"
import { after, before, describe, it } from "node:test"
import { createKey } from "../server/accounts/keys.ts"
import { defaultProject } from "../server/accounts/projects.ts"
import { allModels } from "../server/catalogue/catalogue.ts"
import { lastDayOf, stageOf } from "../server/catalogue/lifecycle.ts"
import { call } from "./calls.ts"
import type { Failure } from "./calls.ts"
import { atelierCommand, composeServer, sandboxCalls } from "./harness.ts"
import type { InProcess } from "./harness.ts"

const retired = "openai/gpt-image-1"
const retiring = "openai/gpt-image-1.5"

const today = Date.parse("2026-11-20T12:00:00Z")

let server: InProcess
let liveKey: string
before(async () => {
  server = await composeServer({ OPENAI_API_KEY: "any", OPENAI_BASE_URL: "http://127.0.0.1:9/v1" })
  // The days of these models come and go; the test does not.
  server.atelier.app.clock.now = () => today
  liveKey = await createKey(server.atelier.app, defaultProject, "live")
})
after(() => server.end())

type Listed = {
  id: string
  available: boolean
  unavailable_because: string | null
  stage: string
  retires_at: string | null
  successor: string | null
}

const input = { prompt: "a gate", size: "1024x1024", quality: "low" }

describe("a retired model", () => {
  it("is refused to live keys with 410 and its successor, in every dialect's shape", async () => {
    const successor = "openai/gpt-image-2"
    const bodies: [string, unknown][] = [
      ["/v1/generations", { model: retired, input }],
      [`/v1/models/${retired}/predictions`, { input }],
      ["/v1/images/generations", { model: retired, ...input }],
    ]
    for (const [path, body] of bodies) {
      const reply = await call<Failure & { error: { successor?: string } }>(server, path, { json: body, key: liveKey })
      assert.deepEqual([reply.status, reply.body.error.code], [410, "model_retired"], path)
      assert.equal(reply.body.error.successor, successor)
      assert.match(reply.body.error.message, /2026-10-23.*openai\/gpt-image-2/)
    }
  })

  it("is drawn for test keys, with headers that tell its end", async () => {
    const reply = await call(server, `/v1/models/${retired}/predictions`, { json: { input } })
    assert.equal(reply.status, 200)
    assert.equal(reply.headers.get("sunset"), "Fri, 23 Oct 2026 00:00:00 GMT")
    assert.equal(reply.headers.get("deprecation"), `@${Date.parse("2026-10-23") / 1000}`)
    const link = `<${server.url}/v1/models/openai/gpt-image-2>; rel="successor-version"`
    assert.equal(reply.headers.get("link"), link)
    assert.equal(sandboxCalls(server).at(-1)?.model, "gpt-image-1")
  })
})

describe("a model whose end is announced", () => {
  it("says so in its headers, and when it was announced", async () => {
    for (const path of [`/v1/models/${retiring}`, "/v1/models/gpt-image-1.5"]) {
      const { headers } = await call(server, path)
      assert.equal(headers.get("deprecation"), `@${Date.parse("2026-06-02") / 1000}`)
      assert.equal(headers.get("sunset"), "Tue, 01 Dec 2026 00:00:00 GMT")
    }
  })

  it("is served until that day, and not from it on", async () => {
    const { app } = server.atelier
    try {
      const days = { "2026-11-30T23:59:59Z": ["deprecated", true], "2026-12-01T00:00:00Z": ["retired", false] }
      for (const [day, expected] of Object.entries(days)) {
        app.clock.now = () => Date.parse(day)
        const { body } = await call<Listed>(server, `/v1/models/${retiring}`, { key: liveKey })
        assert.deepEqual([body.stage, body.available], expected, day)
      }
      const json = { model: retiring, ...input }
      assert.equal((await call(server, "/v1/images/generations", { json, key: liveKey })).status, 410)
    } finally {
      app.clock.now = () => today
    }
  })
})

describe("a model without an end", () => {
  it("has none of these headers", async () => {
    const { headers } = await call(server, "/v1/models/openai/gpt-image-2")
    assert.deepEqual([headers.get("deprecation"), headers.get("sunset"), headers.get("link")], [null, null, null])
  })
})

describe("the lists of models", () => {
  const list = async (key?: string) => {
    const { body } = await call<{ data: Listed[] }>(server, "/v1/models", key === undefined ? {} : { key })
    return new Map(body.data.map((model) => [model.id, model]))
  }

  it("say of each model its stage, and whether this key can use it, and why not", async () => {
    const live = await list(liveKey)
    assert.equal(live.size, allModels.length)
    for (const model of allModels) {
      const { stage, retires_at, successor } = live.get(model.id)!
      assert.equal(stage, stageOf(model, today))
      assert.deepEqual([retires_at, successor], [lastDayOf(model) ?? null, model.successor ?? null])
    }
    assert.deepEqual([live.get(retiring)?.available, live.get(retired)?.available], [true, false])
    assert.match(live.get(retired)?.unavailable_because ?? "", /no longer served/)
    assert.match(live.get("bfl/flux-2-pro")?.unavailable_because ?? "", /BFL_API_KEY/)
    for (const { available } of (await list()).values()) assert.equal(available, true, "the sandbox serves all")
  })

  it("are the same on the command line", async () => {
    const listed = JSON.parse(await atelierCommand(server.dataFolder, "models", "--json")) as Listed[]
    assert.deepEqual(
      listed.map(({ id }) => id),
      allModels.map(({ id }) => id),
    )
    const lines = (await atelierCommand(server.dataFolder, "models")).split("\n")
    assert.match(
      lines.find((line) => line.startsWith(`${retired} `)) ?? "",
      /retired since 2026-10-23, then openai\/gpt-image-2/,
    )
  })

  it("are given to anyone in AIHubMix's shape, sorted as asked, for pictures alone", async () => {
    const catalog = (query: string) =>
      call<{ data: Record<string, string>[] }>(server, `/api/v1/models${query}`, { key: null })
    const { status, body } = await catalog("?type=image_generation&sort_by=model_id")
    assert.equal(status, 200)
    assert.equal(body.data.length, allModels.length)
    const entry = body.data.find(({ model_id }) => model_id === "gpt-image-1.5")!
    assert.deepEqual([entry["retire_stage"], entry["successor_model"]], ["deprecated", "gpt-image-2"])
    assert.deepEqual([entry["types"], entry["input_modalities"]], ["image_generation", "text,image"])
    const names = body.data.map(({ model_id }) => model_id!)
    assert.deepEqual(
      names,
      names.toSorted((a, b) => a.localeCompare(b)),
    )
    assert.deepEqual((await catalog("?type=video")).body.data, [])
  })
})

describe("names that nobody serves", () => {
  for (const name of ["gpt-4o-image", "openai/gpt-4o-image-vip", "opanai/gpt-4o-image", "ideogram/V_2", "V_1"])
    it(`refuses ${name} with the reason`, async () => {
      const reply = await call<Failure>(server, "/v1/generations", { json: { model: name, input } })
      assert.deepEqual([reply.status, reply.body.error.code], [404, "unknown_model"])
      assert.match(reply.body.error.message, /reverse-engineered|below V3/)
      assert.equal((await call<Failure>(server, `/v1/models/${name}/predictions`, { json: { input } })).status, 404)
    })
})
