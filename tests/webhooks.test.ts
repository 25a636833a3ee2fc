// Webhooks: told once a generation has ended, signed, sent only where they may go; each project for itself.
import assert from "node:assert/strict"
import { after, before, beforeEach, describe, it } from "node:test"
import { setTimeout as sleep } from "node:timers/promises"
import { Webhook as Standard } from "standardwebhooks"
import { Webhook as Svix } from "svix"
import { createKey } from "../server/accounts/keys.ts"
import { createProject } from "../server/accounts/projects.ts"
import { call, download, generate, kindOf } from "./calls.ts"
import type { Failure, Generation } from "./calls.ts"
import { both, startWebhooks, until } from "./webhookReceiver.ts"
import type { Endpoint, Payload, Received, Webhooks, WithSecret } from "./webhookReceiver.ts"

let hooks: Webhooks

before(async () => {
  hooks = await startWebhooks()
})
after(() => hooks.end())
beforeEach(() => hooks.reset())

describe("a webhook", () => {
  it("tells of pictures that are ready, in the document's words, signed", async () => {
    const { id, secret } = await hooks.subscribe()
    const { body: generation } = await generate(hooks.server, "a quiet harbour", { n: 2 })
    const [{ body, headers, path }] = (await hooks.arrived(1)) as [Received]
    assert.equal(path, "/hook")
    const payload = JSON.parse(body) as Payload
    assert.deepEqual(Object.keys(payload).slice(0, 4), ["event", "uuid", "imageUrl", "timestamp"])
    assert.deepEqual([payload.event, payload.uuid, payload.status], ["images.completed", generation.id, "succeeded"])
    assert.match(payload.timestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
    assert.equal(payload.imageUrl, payload.images[0]!.url)
    assert.deepEqual([payload.generation_id, payload.model], [generation.id, "openai/gpt-image-1"])
    assert.deepEqual(
      payload.images.map(({ width, height, media_type }) => ({ width, height, media_type })),
      generation.images.map(({ width, height, media_type }) => ({ width, height, media_type })),
    )
    assert.equal(kindOf(await download(payload.imageUrl!)), "png")
    const signed = headers as Record<string, string>
    assert.deepEqual(new Standard(secret).verify(body, signed), payload)
    assert.doesNotThrow(() => new Svix(secret).verify(body, signed))
    const delivery = await hooks.ended(id)
    assert.deepEqual([delivery.id, delivery.status], [headers["webhook-id"], "succeeded"])
    assert.deepEqual(
      delivery.attempts.map(({ number, status, error, next_try_at }) => [number, status, error, next_try_at]),
      [[1, 204, null, null]],
    )
  })

  it("tells of a failure and of what was called off, with the reason", async () => {
    await hooks.subscribe(["images.failed"])
    const { body: failed } = await generate(hooks.server, "a boat sandbox:moderation")
    assert.equal(failed.status, "failed", JSON.stringify(failed))
    const [first] = (await hooks.arrived(1)) as [Received]
    const payload = JSON.parse(first.body) as Payload
    assert.deepEqual([payload.event, payload.imageUrl, payload.status], ["images.failed", null, "failed"])
    assert.deepEqual(payload.error, { code: failed.error!.code, message: failed.error!.message })
    const { body: started } = await generate(hooks.server, "a boat sandbox:timeout", { wait: 0 })
    const { body: canceled } = await call<Generation>(hooks.server, `/v1/generations/${started.id}/cancel`, {
      json: {},
    })
    assert.equal(canceled.status, "canceled")
    const second = JSON.parse((await hooks.arrived(2))[1]!.body) as Payload
    assert.deepEqual([second.event, second.status, second.error!.code], ["images.failed", "canceled", "canceled"])
  })

  it("is told only of the events it asked for", async () => {
    const { id } = await hooks.subscribe(["images.failed"])
    await generate(hooks.server, "a quiet harbour")
    await sleep(100)
    assert.deepEqual([hooks.receiver.received.length, (await hooks.logOf(id)).length], [0, 0])
  })

  it("may be named by the request itself, and is signed with the project's own secret for these", async () => {
    const json = {
      model: "openai/gpt-image-1",
      input: { prompt: "a weir" },
      wait: 30,
      webhook: `${hooks.receiver.url}/once`,
    }
    const { body } = await call<Generation>(hooks.server, "/v1/generations", { json })
    const [message] = (await hooks.arrived(1)) as [Received]
    assert.equal((JSON.parse(message.body) as Payload).uuid, body.id)
    const { key } = (await call<{ key: string }>(hooks.server, "/v1/webhooks/default/secret")).body
    assert.ok(new Standard(key).verify(message.body, message.headers as Record<string, string>))
    const delivery = await until("the log", async () =>
      (await hooks.logOf("default")).find(
        ({ generation_id, status }) => generation_id === body.id && status === "succeeded",
      ),
    )
    assert.equal(delivery.id, message.headers["webhook-id"])
  })
})

describe("the secret of a webhook", () => {
  it("is shown once, and after a rotation signs beside the old one for a day", async () => {
    const made = await hooks.subscribe()
    assert.match(made.secret, /^whsec_/)
    assert.deepEqual(Object.keys(made).slice(0, 4), ["id", "url", "events", "secret"])
    assert.equal("secret" in (await hooks.read(made.id)), false)
    const rotated = await call<WithSecret>(hooks.server, `/v1/webhooks/${made.id}/rotate`, { json: {} })
    assert.notEqual(rotated.body.secret, made.secret)
    await generate(hooks.server, "a quiet harbour")
    const [message] = (await hooks.arrived(1)) as [Received]
    const headers = message.headers as Record<string, string>
    assert.equal(headers["webhook-signature"]!.split(" ").length, 2)
    for (const secret of [made.secret, rotated.body.secret]) {
      assert.ok(new Standard(secret).verify(message.body, headers))
      assert.doesNotThrow(() => new Svix(secret).verify(message.body, headers))
    }
    hooks.pass(86_400_000 + 60_000)
    await generate(hooks.server, "a later harbour")
    const later = (await hooks.arrived(2))[1]!
    assert.equal(String(later.headers["webhook-signature"]).split(" ").length, 1)
    const row = await hooks.server.atelier.app.database.query.selectFrom("webhook_endpoints").selectAll().execute()
    assert.doesNotMatch(JSON.stringify(row), /whsec_/)
  })
})

describe("a webhook that is asked for again with the same Idempotency-Key", () => {
  const again = async <Body>(path: string, key: string, json: unknown = undefined) => {
    const shot = { method: "POST", headers: { "idempotency-key": key }, ...(json === undefined ? {} : { json }) }
    const replies = [await call<Body>(hooks.server, path, shot), await call<Body>(hooks.server, path, shot)] as const
    const told = replies.map(({ headers }) => headers.get("idempotent-replayed"))
    assert.deepEqual(told, [null, "true"], replies[1].text)
    assert.equal(replies[0].status, replies[1].status)
    return replies
  }

  it("is the one that was made, with its secret; another wish is refused", async () => {
    const json = { url: `${hooks.receiver.url}/hook`, events: both }
    const [first, second] = await again<WithSecret>("/v1/webhooks", "made-once", json)
    assert.deepEqual(second.body, first.body)
    assert.equal((await call<{ data: Endpoint[] }>(hooks.server, "/v1/webhooks")).body.data.length, 1)
    const other = { json: { ...json, events: ["images.failed"] }, headers: { "idempotency-key": "made-once" } }
    const refused = await call<Failure>(hooks.server, "/v1/webhooks", other)
    assert.deepEqual([refused.status, refused.body.error.code], [422, "idempotency_mismatch"])
  })

  it("is rotated once", async () => {
    const { id, secret } = await hooks.subscribe()
    const [first, second] = await again<WithSecret>(`/v1/webhooks/${id}/rotate`, "rotated-once")
    assert.equal(second.body.secret, first.body.secret)
    assert.notEqual(first.body.secret, secret)
    await generate(hooks.server, "a ferry")
    const [{ body, headers }] = (await hooks.arrived(1)) as [Received]
    for (const known of [secret, first.body.secret])
      assert.doesNotThrow(() => new Standard(known).verify(body, headers as Record<string, string>))
  })

  it("sends a delivery again once", async () => {
    const { id } = await hooks.subscribe()
    await generate(hooks.server, "a ferry")
    const delivery = await hooks.ended(id)
    const path = `/v1/webhooks/deliveries/${delivery.id}/replay`
    const [first, second] = await again<{ id: string }>(path, "replayed-once")
    assert.equal(second.body.id, first.body.id)
    await hooks.arrived(2)
    await sleep(100)
    assert.deepEqual([hooks.receiver.received.length, (await hooks.logOf(id)).length], [2, 2])
  })
})

describe("the address of a webhook", () => {
  const forbidden = ["http://10.0.0.5/hook", "https://169.254.169.254/", "http://example.com/", "https://localhost/x"]

  it("is refused where nothing may be sent, when it is saved", async () => {
    const { id } = await hooks.subscribe()
    for (const url of [...forbidden, "https://user:secret@example.com/"]) {
      const tries = [
        call<Failure>(hooks.server, "/v1/webhooks", { json: { url, events: both } }),
        call<Failure>(hooks.server, `/v1/webhooks/${id}`, { method: "PUT", json: { url } }),
        call<Failure>(hooks.server, "/v1/generations", {
          json: { model: "openai/gpt-image-1", input: { prompt: "a weir" }, webhook: url },
        }),
      ]
      for (const { status, body, text } of await Promise.all(tries))
        assert.deepEqual(
          [status, body.error.code, body.error.message.includes("169")],
          [422, "url_not_allowed", false],
          url + text,
        )
    }
    assert.equal((await hooks.read(id)).url, `${hooks.receiver.url}/hook`)
  })

  it("is checked again at each send", async () => {
    const { id } = await hooks.subscribe()
    const rows = hooks.server.atelier.app.database.query.updateTable("webhook_endpoints")
    await rows.set({ url: "https://169.254.169.254/latest" }).where("id", "=", id).execute()
    await generate(hooks.server, "a quiet harbour")
    const { attempts } = await hooks.tried(id, 1)
    assert.deepEqual([attempts[0]!.status, attempts[0]!.error], [null, "url_not_allowed"])
  })
})

describe("the webhooks of a project", () => {
  it("are listed, changed, disabled and deleted", async () => {
    const { id } = await hooks.subscribe()
    const { body } = await call<{ data: Endpoint[] }>(hooks.server, "/v1/webhooks")
    assert.deepEqual([body.data.length, body.data[0]!.id, "secret" in body.data[0]!], [1, id, false])
    const json = { url: `${hooks.receiver.url}/other`, events: ["images.failed"], enabled: false }
    const changed = await call<Endpoint>(hooks.server, `/v1/webhooks/${id}`, { method: "PUT", json })
    assert.deepEqual(
      [changed.body.url, changed.body.events, changed.body.enabled, changed.body.disabled_because],
      [json.url, json.events, false, "by_request"],
    )
    await generate(hooks.server, "a boat sandbox:moderation")
    assert.deepEqual(await hooks.logOf(id), [])
    const gone = await call(hooks.server, `/v1/webhooks/${id}`, { method: "DELETE" })
    assert.deepEqual([gone.status, gone.body], [200, { id, deleted: true }])
    assert.equal((await call(hooks.server, `/v1/webhooks/${id}`)).status, 404)
  })

  it("name every wrong field", async () => {
    const json = { url: "", events: ["images.done"], secret: "mine" }
    const { status, body } = await call<Failure>(hooks.server, "/v1/webhooks", { json })
    assert.equal(status, 400)
    assert.deepEqual(body.error.problems!.map(({ param }) => param).sort(), ["events.0", "secret", "url"])
  })

  it("are like missing ones to another project", async () => {
    const { id } = await hooks.subscribe()
    await generate(hooks.server, "a quiet harbour")
    const { id: delivery } = await hooks.ended(id)
    await createProject(hooks.server.atelier.app, { id: "stranger" })
    const key = await createKey(hooks.server.atelier.app, "stranger", "test")
    const ways: [string, string, unknown?][] = [
      ["GET", ""],
      ["PUT", "", { enabled: false }],
      ["DELETE", ""],
      ["POST", "/rotate", {}],
      ["GET", "/deliveries"],
    ]
    for (const [method, path, json] of ways) {
      const replies = [id, "whk_000000000000000000000000"].map((one) =>
        call<Failure>(hooks.server, `/v1/webhooks/${one}${path}`, { method, key, ...(json ? { json } : {}) }),
      )
      const [theirs, missing] = await Promise.all(replies)
      assert.deepEqual([theirs!.status, missing!.status], [404, 404], `${method} ${path}`)
      assert.equal(theirs!.body.error.message, missing!.body.error.message)
    }
    const replay = await call<Failure>(hooks.server, `/v1/webhooks/deliveries/${delivery}/replay`, { json: {}, key })
    assert.equal(replay.status, 404)
    assert.deepEqual((await call<{ data: Endpoint[] }>(hooks.server, "/v1/webhooks", { key })).body.data, [])
    assert.equal((await hooks.read(id)).enabled, true)
  })
})
