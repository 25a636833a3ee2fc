// A webhook's target, with every vector of the address rule: when it is saved, and at each send.
import assert from "node:assert/strict"
import { after, before, beforeEach, describe, it } from "node:test"
import { mustAllow, mustRefuse } from "../server/egress/vectors.ts"
import { call, generate } from "./calls.ts"
import type { Failure, Generation } from "./calls.ts"
import { addressOf, each, notAllowed, publicAddress, startOnPublicNetwork } from "./publicNetwork.ts"
import type { PublicNetwork } from "./publicNetwork.ts"
import { until } from "./webhookReceiver.ts"
import type { Delivery, WithSecret } from "./webhookReceiver.ts"

let net: PublicNetwork

before(async () => {
  net = await startOnPublicNetwork()
})
beforeEach(() => net.reset())
after(() => net.end())

const withImage = (image: string) => generate(net.live, "a mill", { model: "openai/gpt-image-2", image })

describe("a webhook's target", () => {
  const forbidden = [...mustRefuse, ...mustAllow.filter((url) => url.startsWith("http:"))]
  const allowed = mustAllow.filter((url) => url.startsWith("https:"))
  const events = ["images.completed", "images.failed"]

  const create = (url: string) => call<WithSecret & Failure>(net.server, "/v1/webhooks", { json: { url, events } })
  const named = (webhook: string) => {
    const json = { model: "openai/gpt-image-2", input: { prompt: "a mill" }, wait: 30, webhook }
    return call<Generation & Failure>(net.live, "/v1/generations", { json })
  }

  it("is refused for every forbidden vector, and for plain http, when it is saved or named", async () => {
    const { body: saved } = await create("https://hooks.example.com/")
    net.reset()
    const change = (url: string) =>
      call<Failure>(net.server, `/v1/webhooks/${saved.id}`, { method: "PUT", json: { url } })
    for (const way of [create, change, named])
      for (const [index, { status, body }] of (await each(forbidden, way)).entries()) {
        const { code, message } = body.error!
        // A body's `url` that is none is taken for a picture, and refused as one.
        if (status === 400 && way !== named) assert.doesNotMatch(forbidden[index]!, /^https?:\/\//)
        else assert.deepEqual([status, code, message], [422, notAllowed.code, notAllowed.message], forbidden[index]!)
      }
    assert.deepEqual([net.connected, net.resolved], [[], []])
    await call(net.server, `/v1/webhooks/${saved.id}`, { method: "DELETE" })
  })

  async function firstTry(id: string) {
    const { body } = await call<{ data: Delivery[] }>(net.server, `/v1/webhooks/${id}/deliveries`)
    return body.data[0]?.attempts[0]
  }

  it("is not sent to where the request named it, whatever was written down then", async () => {
    const { app } = net.server.atelier
    const { body } = await call<Generation>(net.server, "/v1/generations", {
      json: {
        model: "openai/gpt-image-2",
        input: { prompt: "a mill sandbox:timeout" },
        webhook: "https://a.example.com/",
      },
    })
    const rows = app.database.query.updateTable("generations").where("id", "=", body.id)
    await rows.set({ webhook_url: "http://[::1" }).execute()
    await call(net.server, `/v1/generations/${body.id}/cancel`, { json: {} })
    const { error } = await until("the first try", () => firstTry("default"))
    assert.equal(error, "url_not_allowed")
  })

  describe("that was changed after it was saved", () => {
    // As many as a project may have.
    const atOnce = 20
    let ids: string[]
    before(async () => {
      const made = await each(Array(atOnce).fill("https://hooks.example.com/"), create)
      ids = made.map(({ body }) => body.id)
    })

    /** Points endpoints at these, tells them of a generation, and answers the first try of each. */
    async function sendTo(urls: string[]) {
      const { query } = net.server.atelier.app.database
      for (const [index, id] of ids.entries())
        await query
          .updateTable("webhook_endpoints")
          .set({ url: urls[index] ?? "http://[::1]/" })
          .where("id", "=", id)
          .execute()
      net.reset()
      await withImage("https://pictures.example.com/")
      const tries = await each(ids, (id) => until("the first try", () => firstTry(id)))
      await query.deleteFrom("webhook_attempts").execute()
      await query.deleteFrom("webhook_deliveries").execute()
      return tries
    }

    const batches = (urls: string[]) =>
      Array.from({ length: Math.ceil(urls.length / atOnce) }, (_, index) => urls.slice(index * atOnce).slice(0, atOnce))

    it("is not sent to for any forbidden vector", async () => {
      for (const batch of batches(forbidden)) {
        for (const [index, { status, error }] of (await sendTo(batch)).entries())
          assert.deepEqual([status, error], [null, "url_not_allowed"], batch[index] ?? "")
        // The picture's, and nobody else's.
        assert.deepEqual([net.connected, net.resolved], [[publicAddress], ["pictures.example.com."]])
      }
    })

    it("is sent to for every allowed vector over https", async () => {
      assert.equal(allowed.length, 33)
      for (const batch of batches(allowed)) {
        const tries = await sendTo(batch)
        for (const [index, url] of batch.entries())
          assert.deepEqual([tries[index]!.status, tries[index]!.error], [204, null], url)
        assert.deepEqual(net.connected.toSorted(), [publicAddress, ...batch.map(addressOf)].toSorted())
      }
    })
  })
})
