// Webhooks that are not taken: tried again, slowed down, given up, sent again by hand.
import assert from "node:assert/strict"
import { after, before, beforeEach, describe, it } from "node:test"
import { call, generate } from "./calls.ts"
import type { Failure } from "./calls.ts"
import { startServer } from "./harness.ts"
import { startReceiver, startWebhooks, until } from "./webhookReceiver.ts"
import type { Delivery, Endpoint, Webhooks } from "./webhookReceiver.ts"

let hooks: Webhooks

before(async () => {
  hooks = await startWebhooks()
})
after(() => hooks.end())
beforeEach(() => hooks.reset())

describe("a delivery that fails", () => {
  it("is tried again with the same id and body and a new timestamp, until it is taken", async () => {
    const { id } = await hooks.subscribe()
    hooks.receiver.answer = { status: 500 }
    await generate(hooks.server, "a quiet harbour")
    const first = await hooks.tried(id, 1)
    assert.deepEqual([first.status, first.attempts[0]!.status], ["pending", 500])
    assert.equal(first.next_try_at, first.attempts[0]!.next_try_at)
    assert.ok((await hooks.read(id)).failing_since)
    hooks.passUntil(first.next_try_at)
    const second = await hooks.tried(id, 2)
    hooks.receiver.answer = { status: 200 }
    hooks.passUntil(second.next_try_at)
    const last = await hooks.ended(id)
    assert.deepEqual([last.status, last.attempts.map(({ status }) => status)], ["succeeded", [500, 500, 200]])
    const messages = hooks.receiver.received
    assert.equal(new Set(messages.map(({ body }) => body)).size, 1)
    assert.equal(new Set(messages.map(({ headers }) => headers["webhook-id"])).size, 1)
    assert.equal(new Set(messages.map(({ headers }) => headers["webhook-timestamp"])).size, 3)
    assert.equal((await hooks.read(id)).failing_since, null)
  })

  it("is dead after ten tries, and can be sent again by hand", async () => {
    const { id } = await hooks.subscribe()
    hooks.receiver.answer = { status: 302, headers: { location: `${hooks.receiver.url}/elsewhere` } }
    await generate(hooks.server, "a quiet harbour")
    const startedAt = hooks.now()
    for (let tries = 1; tries < 10; tries++) hooks.passUntil((await hooks.tried(id, tries)).next_try_at)
    const dead = await hooks.ended(id)
    const hours = (hooks.now() - startedAt) / 3_600_000
    assert.ok(hours > 75 * 0.8 && hours < 76 * 1.2, `${hours} hours`)
    assert.deepEqual([dead.status, dead.attempts.length, dead.next_try_at], ["dead", 10, null])
    assert.ok(hooks.receiver.received.every(({ path }) => path === "/hook"))
    hooks.receiver.answer = { status: 200 }
    const { status, body } = await call<Delivery>(hooks.server, `/v1/webhooks/deliveries/${dead.id}/replay`, {
      json: {},
    })
    assert.deepEqual([status, body.replay_of, body.status], [202, dead.id, "pending"])
    const messages = await hooks.arrived(11)
    assert.equal(messages[10]!.headers["webhook-id"], body.id)
    assert.equal(messages[10]!.body, messages[0]!.body)
  })

  it("is not sent again by hand after 30 days", async () => {
    const { id } = await hooks.subscribe()
    await generate(hooks.server, "a quiet harbour")
    const { id: delivery } = await hooks.ended(id)
    hooks.pass(30 * 86_400_000 + 60_000)
    const path = `/v1/webhooks/deliveries/${delivery}/replay`
    const { status, body } = await call<Failure>(hooks.server, path, { json: {} })
    assert.equal(status, 400)
    assert.match(body.error.message, /older than 30 days/)
    assert.equal(hooks.receiver.received.length, 1)
  })

  it("waits as long as a busy receiver asks, and so does what else goes there", async () => {
    const { id } = await hooks.subscribe()
    hooks.receiver.answer = { status: 503, headers: { "retry-after": "600" } }
    await generate(hooks.server, "a quiet harbour")
    const first = await hooks.tried(id, 1)
    const waitMs = Date.parse(first.next_try_at!) - hooks.now()
    assert.ok(waitMs > 590_000 && waitMs <= 600_000, `${waitMs} ms`)
    await generate(hooks.server, "another harbour")
    const other = await until("the other", async () =>
      (await hooks.logOf(id)).find(
        (one) => one.id !== first.id && Date.parse(one.next_try_at!) > hooks.now() + 500_000,
      ),
    )
    assert.equal(other.attempts.length, 0)
    assert.equal(hooks.receiver.received.length, 1)
    hooks.receiver.answer = { status: 200 }
    hooks.passUntil(other.next_try_at)
    await hooks.arrived(3)
  })

  it("disables a webhook that is gone at once, and one that fails for five days", async () => {
    const gone = await hooks.subscribe()
    hooks.receiver.answer = { status: 410 }
    await generate(hooks.server, "a quiet harbour")
    assert.deepEqual((await hooks.ended(gone.id)).status, "dead")
    const { enabled, disabled_because } = await hooks.read(gone.id)
    assert.deepEqual([enabled, disabled_because], [false, "gone"])
    await generate(hooks.server, "a second harbour")
    assert.equal((await hooks.logOf(gone.id)).length, 1)

    const failing = await hooks.subscribe()
    hooks.receiver.answer = { status: 500 }
    await generate(hooks.server, "a third harbour")
    await hooks.tried(failing.id, 1)
    hooks.pass(5 * 86_400_000)
    await hooks.tried(failing.id, 2)
    assert.equal((await hooks.read(failing.id)).disabled_because, "failing")
    const json = { enabled: true }
    const { body } = await call<Endpoint>(hooks.server, `/v1/webhooks/${failing.id}`, { method: "PUT", json })
    assert.deepEqual([body.enabled, body.failing_since], [true, null])
  })

  it("leaves a slow receiver at most four at once", async () => {
    const { id } = await hooks.subscribe()
    hooks.receiver.answer = { status: 200, afterMs: 150 }
    await Promise.all(Array.from({ length: 10 }, (_, number) => generate(hooks.server, `harbour ${number}`)))
    await until("all of them", async () =>
      (await hooks.logOf(id)).filter(({ status }) => status === "succeeded").length === 10 ? true : undefined,
    )
    assert.equal(hooks.receiver.atOnceMax, 4)
  })
})

describe("a delivery that is still to be made", () => {
  it("is made by the next server where this one was killed", async () => {
    const receiver = await startReceiver()
    receiver.answer = { status: 500 }
    const settings = { ATELIER_EGRESS_ALLOW: "127.0.0.0/8" }
    const first = await startServer(settings)
    const json = { url: receiver.url, events: ["images.completed"] }
    await call(first, "/v1/webhooks", { json })
    await generate(first, "a quiet harbour")
    await until("the first try", () => receiver.received[0])
    await first.kill("SIGKILL")
    receiver.answer = { status: 200 }
    const second = await startServer(settings, first.dataFolder)
    // 4 to 6 seconds after the first; a try whose end was not written down is repeated when its lease is over.
    const message = await until("the second try", () => receiver.received[1], 45_000)
    assert.equal(message.body, receiver.received[0]!.body)
    assert.equal(message.headers["webhook-id"], receiver.received[0]!.headers["webhook-id"])
    await second.kill("SIGTERM")
    receiver.end()
  })
})
