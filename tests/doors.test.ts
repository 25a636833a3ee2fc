// Where somebody else says what this server shall download, with every vector of the address rule: a picture's URL,
// where a redirect leads, and the link in a vendor's answer. For webhooks see `doorsOfWebhooks.test.ts`.
import assert from "node:assert/strict"
import { after, before, beforeEach, describe, it } from "node:test"
import { mustAllow, mustRefuse } from "../server/egress/vectors.ts"
import { generate } from "./calls.ts"
import type { Failure, Generation } from "./calls.ts"
import { addressOf, each, namesOf, notAllowed, publicAddress, startOnPublicNetwork } from "./publicNetwork.ts"
import type { PublicNetwork } from "./publicNetwork.ts"

let net: PublicNetwork

before(async () => {
  net = await startOnPublicNetwork()
})
beforeEach(() => net.reset())
after(() => net.end())

const withImage = (image: string) => generate(net.live, "a mill", { model: "openai/gpt-image-2", image })

describe("a picture's URL", () => {
  /** What is no http(s) URL at all is refused as a parameter, before anything is written down. */
  const isUrl = (text: string) => /^https?:\/\//i.test(text) && URL.canParse(text)

  it("is refused for every forbidden vector, and nothing is asked or connected to", async () => {
    const urls = mustRefuse.filter(isUrl)
    assert.equal(urls.length, 111)
    const replies = await each(urls, withImage)
    for (const [index, { status, body }] of replies.entries())
      assert.deepEqual([status, body.status, body.error], [200, "failed", notAllowed], urls[index]!)
    assert.deepEqual([net.connected, net.resolved], [[], []])
  })

  it("that is none is refused as a parameter", async () => {
    const texts = mustRefuse.filter((text) => !isUrl(text))
    assert.equal(texts.length, 23)
    const replies = await each(texts, withImage)
    for (const [index, { status, text }] of replies.entries()) {
      const { error } = JSON.parse(text) as Failure
      const wanted = texts[index]!.startsWith("data:") ? [422, "image_invalid"] : [400, "invalid_request"]
      assert.deepEqual([status, error.code, error.param], [...wanted, "image"], texts[index]!)
    }
    assert.deepEqual([net.connected, net.resolved], [[], []])
  })

  it("is fetched for every allowed vector, from the address that was checked", async () => {
    const replies = await each(mustAllow, withImage)
    for (const [index, { body, text }] of replies.entries())
      assert.equal(body.status, "succeeded", mustAllow[index] + text)
    assert.deepEqual(net.connected.toSorted(), mustAllow.map(addressOf).toSorted())
    assert.deepEqual(net.resolved.toSorted(), namesOf(mustAllow).toSorted())
  })
})

describe("a redirect", () => {
  const start = "http://pictures.example.com/moved/"

  it("is not followed to any forbidden vector", async () => {
    const replies = await each(mustRefuse, (_, index) => withImage(start + index))
    for (const [index, { body }] of replies.entries()) {
      // Over http this is a path of the same origin, where a picture is.
      const expected = mustRefuse[index] === "http:127.0.0.1/" ? ["succeeded", null] : ["failed", notAllowed]
      assert.deepEqual([body.status, body.error], expected, mustRefuse[index]!)
    }
    assert.deepEqual(net.connected, Array(135).fill(publicAddress))
  })

  it("is followed to every allowed vector", async () => {
    const replies = await each(mustAllow, (_, index) => withImage(start + (mustRefuse.length + index)))
    for (const [index, { body, text }] of replies.entries())
      assert.equal(body.status, "succeeded", mustAllow[index] + text)
    const origins = mustAllow.map(() => publicAddress)
    assert.deepEqual(net.connected.toSorted(), [...origins, ...mustAllow.map(addressOf)].toSorted())
  })
})

describe("a link in a vendor's answer", () => {
  /** Generations of which each is answered with one of the links. */
  async function linked(urls: string[]): Promise<Generation[]> {
    net.reset(urls)
    const replies = await each(urls, () => generate(net.live, "a mill", { model: "ideogram/V3" }))
    return replies.map(({ body }) => body)
  }

  const unfollowed = {
    ...{ code: "provider_error", retry: true },
    message: "The vendor's picture is behind a link that may not be followed.",
  }

  it("is not followed for any forbidden vector", async () => {
    // In an answer of the vendor's this is a path of its own host, for which see below.
    const urls = mustRefuse.filter((url) => url !== "http:127.0.0.1/")
    for (const { status, error } of await linked(urls)) assert.deepEqual([status, error], ["failed", unfollowed])
    assert.equal(net.vendor.calls.length, urls.length)
    assert.deepEqual([net.connected, net.resolved], [[], []])
  })

  it("is not followed to any other place on the vendor's private host", async () => {
    const { port } = new URL(net.vendor.url)
    const urls = [
      ...["http://127.0.0.1/a.png", "http://127.0.0.1:1/a.png", `https://127.0.0.1:${port}/a.png`],
      ...[`http://localhost:${port}/a.png`, `http://user@127.0.0.1:${port}/a.png`, `http://127.0.0.2:${port}/a.png`],
      ...[`http://[::ffff:127.0.0.1]:${port}/a.png`, `//127.0.0.1/a.png`, `http://example.com@127.0.0.1:${port}:1/`],
    ]
    for (const { status, error } of await linked(urls)) assert.deepEqual([status, error], ["failed", unfollowed])
    assert.deepEqual([net.connected, net.resolved], [[], []])
  })

  it("is followed to the vendor itself, where the operator said it is", async () => {
    const urls = [`${net.vendor.url}/a.png`, "/a.png", "http:127.0.0.1/"]
    for (const { status } of await linked(urls)) assert.equal(status, "succeeded")
    assert.deepEqual(net.connected, ["127.0.0.1", "127.0.0.1", "127.0.0.1"])
  })

  it("is not followed from there to any forbidden vector", async () => {
    const urls = mustRefuse.map((_, index) => `${net.vendor.url}/moved/${index}`)
    const ended = await linked(urls)
    const failed = ended.filter(({ status }) => status === "failed")
    for (const { error } of failed) assert.deepEqual(error, unfollowed)
    assert.equal(failed.length, mustRefuse.length - 1)
    assert.deepEqual(net.connected, Array(135).fill("127.0.0.1"))
  })

  it("is followed for every allowed vector", async () => {
    for (const { status, error } of await linked(mustAllow)) assert.deepEqual([status, error], ["succeeded", null])
    assert.deepEqual(net.connected.toSorted(), mustAllow.map(addressOf).toSorted())
    assert.deepEqual(net.resolved.toSorted(), namesOf(mustAllow).toSorted())
  })
})
