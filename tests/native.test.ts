// Atelier's own API: start, wait, find again, list, call off, follow; each project for itself.
import assert from "node:assert/strict"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { after, before, describe, it } from "node:test"
import { setTimeout as sleep } from "node:timers/promises"
import { createKey } from "../server/accounts/keys.ts"
import { createProject, defaultProject } from "../server/accounts/projects.ts"
import { grantCredits } from "../server/credits/balance.ts"
import { keyNameOf } from "../server/config.ts"
import { call, followEvents, generate, kindOf } from "./calls.ts"
import type { Event, Failure, Generation, Picture } from "./calls.ts"
import { composeServer, root, sandboxCalls } from "./harness.ts"
import type { InProcess } from "./harness.ts"

let server: InProcess
/** The same server to the eyes of another project. */
let stranger: { url: string; testKey: string }

before(async () => {
  server = await composeServer()
  await createProject(server.atelier.app, { id: "stranger" })
  stranger = { url: server.url, testKey: await createKey(server.atelier.app, "stranger", "test") }
})
after(() => server.end())

const read = (id: string) => call<Generation>(server, `/v1/generations/${id}`)

async function until(id: string, status: Generation["status"]): Promise<Generation> {
  for (const end = Date.now() + 10_000; Date.now() < end; await sleep(20)) {
    const { body } = await read(id)
    if (body.status === status) return body
  }
  return assert.fail(`${id} never was ${status}`)
}

describe("native: start and wait", () => {
  it("answers 202 at once, and the generation goes on", async () => {
    const { status, headers, body } = await generate(server, "a quiet harbour", { wait: 0 })
    assert.equal(status, 202)
    assert.deepEqual([body.status, body.images, body.error], ["queued", [], null])
    assert.equal(headers.get("location"), `/v1/generations/${body.id}`)
    const { images, model, input } = await until(body.id, "succeeded")
    assert.equal(images.length, 1)
    assert.deepEqual([model, input["prompt"]], ["openai/gpt-image-1", "a quiet harbour"])
  })

  it("answers 200 with the pictures where it was waited for", async () => {
    const { status, body } = await generate(server, "a fast train", { n: 2, size: "1536x1024", output_format: "jpeg" })
    assert.deepEqual([status, body.status], [200, "succeeded"])
    assert.deepEqual(
      body.images.map(({ width, height, media_type }) => [width, height, media_type]),
      [
        [1536, 1024, "image/jpeg"],
        [1536, 1024, "image/jpeg"],
      ],
    )
    assert.deepEqual((await read(body.id)).body.images.map(withoutLink), body.images.map(withoutLink))
  })

  it("answers 202 where the wait was too short", async () => {
    const started = Date.now()
    const { status, body } = await generate(server, "sandbox:timeout short wait", { wait: 1 })
    assert.deepEqual([status, body.status], [202, "running"])
    assert.ok(Date.now() - started >= 990)
    await call(server, `/v1/generations/${body.id}/cancel`, { method: "POST" })
  })

  it("takes x-api-key as well, and says which request it was", async () => {
    const { status, headers } = await call(server, "/v1/generations", {
      key: null,
      headers: { "x-api-key": server.testKey },
    })
    assert.equal(status, 200)
    assert.match(headers.get("x-request-id") ?? "", /^req_\w{24}$/)
  })

  it("ends what was begun by a caller who hung up", async () => {
    const hangUp = new AbortController()
    const prompt = "sandbox:rate-limit-once the caller goes away"
    const waiting = call(server, "/v1/images/generations", { json: { prompt }, signal: hangUp.signal })
    while (!sandboxCalls(server).some((one) => one.prompt === prompt)) await sleep(20)
    hangUp.abort()
    await assert.rejects(waiting)
    const { body } = await call<{ data: Generation[] }>(server, "/v1/generations?limit=5")
    const found = body.data.find(({ input }) => input["prompt"] === prompt)!
    assert.equal(found.status, "running")
    for (const end = Date.now() + 15_000; (await read(found.id)).body.status === "running"; await sleep(100))
      assert.ok(Date.now() < end)
    assert.equal((await read(found.id)).body.status, "succeeded")
  })
})

const withoutLink = (image: Picture) => ({ ...image, url: undefined })

describe("native: list", () => {
  it("shows each once and the newest first, however many pages, also those of one millisecond", async () => {
    const { app } = server.atelier
    await createProject(app, { id: "lister" })
    const purse = { projectId: "lister", mode: "test" } as const
    await grantCredits(app, purse, 1_000_000_000, "for the pages")
    const lister = { url: server.url, testKey: await createKey(app, "lister", "test") }
    const made: string[] = []
    const { now } = app.clock
    app.clock.now = () => 1_700_000_000_000
    for (let count = 0; count < 7; count++) made.push((await generate(lister, `number ${count}`, { wait: 0 })).body.id)
    app.clock.now = now
    const seen: string[] = []
    for (let cursor: string | null = ""; cursor !== null;) {
      const query: string = cursor === "" ? "?limit=3" : `?limit=3&cursor=${encodeURIComponent(cursor)}`
      const { body } = await call<{ data: Generation[]; next_cursor: string | null }>(lister, `/v1/generations${query}`)
      assert.ok(body.data.length <= 3 && body.data.length > 0)
      seen.push(...body.data.map(({ id }) => id))
      cursor = body.next_cursor
    }
    assert.deepEqual(seen, made.sort().reverse())
  })

  it("refuses a cursor that it never gave, and a limit beyond 100", async () => {
    for (const [query, param] of [
      ["cursor=abc", "cursor"],
      ["limit=101", "limit"],
      ["limit=0", "limit"],
      ["limti=3", "limti"],
    ]) {
      const { status, body } = await call<Failure>(server, `/v1/generations?${query}`)
      assert.deepEqual([status, body.error.param], [400, param])
    }
  })
})

describe("native: call off", () => {
  it("ends one whose vendor is still at work, at once and for good, and tells who waits", async () => {
    const prompt = "sandbox:timeout called off"
    const waiting = generate(server, prompt)
    while (!sandboxCalls(server).some((one) => one.prompt === prompt)) await sleep(20)
    const { body: page } = await call<{ data: Generation[] }>(server, "/v1/generations?limit=1")
    const { id } = page.data[0]!
    const { status, body } = await call<Generation>(server, `/v1/generations/${id}/cancel`, { method: "POST" })
    assert.deepEqual([status, body.status], [200, "canceled"])
    const answer = await waiting
    assert.deepEqual([answer.status, answer.body.id, answer.body.status], [200, id, "canceled"])
    assert.equal(
      (await call<Generation>(server, `/v1/generations/${id}/cancel`, { method: "POST" })).body.status,
      "canceled",
    )
    const { query } = server.atelier.app.database
    const jobs = query.selectFrom("jobs").select("id").where("subject", "=", id)
    for (const end = Date.now() + 5_000; (await jobs.execute()).length > 0; await sleep(20))
      assert.ok(Date.now() < end, "nothing is left to do for it")
  })

  it("leaves alone what has ended", async () => {
    const { body } = await generate(server, "already there")
    const canceled = await call<Generation>(server, `/v1/generations/${body.id}/cancel`, { method: "POST" })
    assert.deepEqual([canceled.status, canceled.body.status], [200, "succeeded"])
  })
})

describe("native: follow", () => {
  it("tells everything from the start, in order, and the generation at the end", async () => {
    const wish = { wait: 0, partial_images: 2 }
    const { body } = await generate(server, "followed from the start", wish)
    const events = await gather(followEvents(server, body.id))
    assert.deepEqual(
      events.map(({ event }) => event),
      ["queued", "running", "partial_image", "partial_image", "succeeded"],
    )
    assert.deepEqual(ids(events), ["1", "2", "3", "4", "5"])
    for (const { data } of events.slice(2, 4))
      assert.equal(kindOf(Buffer.from(String(data["b64_json"]), "base64")), "png")
    const { generation } = events.at(-1)!.data as { generation: Generation }
    assert.deepEqual([generation.id, generation.images.length], [body.id, 1])
  })

  it("loses and repeats nothing for a reader whose connection breaks after every event", async () => {
    const unhurried = await composeServer({ ATELIER_SANDBOX_PACE: "human" })
    const { body } = await generate(unhurried, "followed in pieces", { wait: 0, partial_images: 3 })
    const whole = gather(followEvents(unhurried, body.id))
    const seen: Event[] = []
    while (seen.length < 10 && seen.at(-1)?.event !== "succeeded")
      for await (const event of followEvents(unhurried, body.id, seen.at(-1)?.id)) {
        seen.push(event)
        break
      }
    assert.deepEqual(ids(seen), ["1", "2", "3", "4", "5", "6"])
    assert.deepEqual(ids(await whole), ids(seen))
    assert.deepEqual(await gather(followEvents(unhurried, body.id, "6")), [])
    await unhurried.end()
  })
})

const ids = (events: Event[]) => events.map(({ id }) => id)

async function gather(events: AsyncIterable<Event>): Promise<Event[]> {
  const all: Event[] = []
  for await (const event of events) all.push(event)
  return all
}

describe("native: projects", () => {
  it("hides what belongs to another project as if it were not there", async () => {
    const { body } = await generate(server, "private")
    const [image] = body.images
    const missing = "0".repeat(24)
    for (const [mine, none] of [
      [`/v1/generations/${body.id}`, `/v1/generations/gen_${missing}`],
      [`/v1/generations/${body.id}/events`, `/v1/generations/gen_${missing}/events`],
      [`/v1/generations/${body.id}/cancel`, `/v1/generations/gen_${missing}/cancel`],
      [`/v1/tasks/${body.id}`, `/v1/tasks/gen_${missing}`],
      [`/v1/images/${image!.id}`, `/v1/images/img_${missing}`],
    ] as const) {
      const method = mine.endsWith("cancel") ? "POST" : "GET"
      const [theirs, nobodys] = [
        await call<Failure>(stranger, mine, { method }),
        await call<Failure>(stranger, none, { method }),
      ]
      assert.equal(theirs.status, 404, mine)
      assert.deepEqual(sameFor(theirs.body), sameFor(nobodys.body))
    }
    assert.deepEqual((await call<{ data: unknown[] }>(stranger, "/v1/generations")).body.data, [])
    const wish = { model: "openai/gpt-image-1", input: { prompt: "theirs", image: image!.id } }
    assert.equal((await call<Failure>(stranger, "/v1/generations", { json: wish })).body.error.param, "image")
    assert.equal((await call(server, "/v1/generations", { json: wish })).status, 202, "its own project may")
    assert.notEqual(defaultProject, "stranger")
  })
})

const sameFor = ({ error }: Failure) => ({
  ...error,
  request_id: "",
  message: error.message.replace(/\(tid: .*\)/, ""),
})

describe("native: models and server", () => {
  it("describes each model with a JSON Schema of its parameters", async () => {
    const { body } = await call<{ data: { id: string; available: boolean }[] }>(server, "/v1/models")
    assert.ok(body.data.length >= 9)
    for (const { id, available } of body.data) {
      const model = await call<{ parameters: Schema }>(server, `/v1/models/${id}`)
      const { type, properties, required, additionalProperties } = model.body.parameters
      assert.deepEqual([model.status, type, additionalProperties, available], [200, "object", false, true])
      // Where it depends on the operation, a rule asks for the prompt and not the schema.
      assert.deepEqual(required ?? [], "prompt" in properties && required ? ["prompt"] : [])
      for (const [name, property] of Object.entries(properties)) assert.ok(property.title, `${id} ${name} has a title`)
    }
  })

  it("says which models a live key cannot use here, and what to set", async () => {
    const key = await createKey(server.atelier.app, defaultProject, "live")
    type Listed = { id: string; available: boolean; unavailable_because: string; stage: string }
    const { body } = await call<{ data: Listed[] }>(server, "/v1/models", { key })
    for (const { id, available, unavailable_because, stage } of body.data) {
      assert.equal(available, false)
      const { routes } = server.atelier.app.catalogue.find(id)!
      const names = stage === "retired" ? ["no longer served"] : routes.map(({ provider }) => keyNameOf(provider))
      assert.ok(
        names.some((name) => unavailable_because.includes(name)),
        unavailable_because,
      )
    }
    const wish = { model: "bfl/flux-2-pro", input: { prompt: "x" } }
    const refused = await call<Failure>(server, "/v1/generations", { key, json: wish })
    assert.deepEqual([refused.status, refused.body.error.code], [503, "provider_unavailable"])
  })

  it("says without a key that it lives and is ready", async () => {
    for (const path of ["/healthz", "/readyz", "/healthz/"]) {
      const { status, body } = await call(server, path, { key: null })
      assert.deepEqual([status, body], [200, { status: "ok" }])
    }
  })

  it("serves the very description that is committed", async () => {
    const { body } = await call(server, "/openapi.json", { key: null })
    assert.deepEqual(body, JSON.parse(readFileSync(join(root, "openapi.json"), "utf8")))
  })
})

type Schema = {
  type: string
  properties: Record<string, { title?: string }>
  required: string[]
  additionalProperties: boolean
}
