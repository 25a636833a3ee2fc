// What callVendor makes of whatever a vendor, or the network in between, does.
import assert from "node:assert/strict"
import { PassThrough } from "node:stream"
import { describe, it } from "node:test"
import type { IncomingResponse, Send } from "../egress/send.ts"
import { bfl } from "./bfl.ts"
import { openai } from "./openai.ts"
import type { VendorFailure } from "./provider.ts"
import { breaking, callWith, connectionError, key, memoryDrafts, respond } from "./run.contract.ts"
import type { Called } from "./run.contract.ts"
import { callVendor } from "./run.ts"

const twoPictures = JSON.stringify({ created: 1, data: [{ b64_json: "QUJDREVG" }, { b64_json: "R0hJ" }], usage: null })
const damaged: VendorFailure = { code: "provider_error", detail: "The vendor's answer was broken off or damaged." }

function failureOf({ answered }: Pick<Called, "answered">): VendorFailure {
  assert.ok(answered.outcome.state === "failed", JSON.stringify(answered.outcome))
  assert.equal(answered.pictures.size, 0)
  return answered.outcome.failure
}

/** Fails so, leaves no picture behind, and leaves no connection open. */
async function failsWith(call: Promise<Called>, failure: VendorFailure) {
  const called = await call
  assert.deepEqual(failureOf(called), failure)
  assert.equal(called.kept(), 0)
  assert.ok(called.released())
}

describe("the body of an answer", () => {
  it("becomes pictures in drafts and a short outcome, whatever its content type says", async () => {
    for (const type of ["application/json", "text/plain", "image/png", ""]) {
      const { answered, kept, released } = await callWith(
        openai,
        respond(twoPictures, { headers: { "content-type": type } }),
      )
      assert.equal(answered.outcome.state, "done")
      const texts = [...answered.pictures].map(([mark, { bytes }]) => [mark, bytes.toString()])
      assert.deepEqual(texts, [
        ["picture:0", "ABCDEF"],
        ["picture:1", "GHI"],
      ])
      assert.equal(kept(), 2)
      assert.ok(released())
    }
  })

  it("fails wherever it is cut off, and whatever cuts it off", async () => {
    for (let length = 0; length < twoPictures.length; length++) {
      const half = twoPictures.slice(0, length)
      await failsWith(callWith(openai, respond(half)), damaged)
      await failsWith(callWith(openai, breaking(half, connectionError("ECONNRESET"))), damaged)
    }
  })

  it("fails with every error that a connection ends with", async () => {
    const codes = [
      "UND_ERR_SOCKET",
      "UND_ERR_RES_CONTENT_LENGTH_MISMATCH",
      "EPIPE",
      "ETIMEDOUT",
      "HPE_INVALID_CHUNK_SIZE",
    ]
    const more = [
      "EHOSTUNREACH",
      "ENETUNREACH",
      "ENETDOWN",
      "EPROTO",
      "ERR_SSL_BAD_RECORD",
      "ERR_STREAM_PREMATURE_CLOSE",
    ]
    for (const code of [...codes, ...more])
      await failsWith(callWith(openai, breaking(twoPictures.slice(0, 60), connectionError(code))), damaged)
    const slow = breaking(twoPictures.slice(0, 60), connectionError("UND_ERR_BODY_TIMEOUT"))
    await failsWith(callWith(openai, slow), { code: "provider_timeout" })
  })

  it("fails where its base64 is broken", async () => {
    for (const base64 of ["@@not*base64@@", "QUJDREVG=QUJD", "A", "<svg>", "https://x.example/a.png"]) {
      const body = { data: [{ b64_json: "QUJD" }, { b64_json: base64 }] }
      await failsWith(callWith(openai, respond(body)), damaged)
    }
  })

  it("fails where it is a page, a picture or nothing at all", async () => {
    const page = `<!doctype html><html lang="en"><head><title>Welcome</title></head></html>\n`
    const html = { headers: { "content-type": "text/html; charset=utf-8" } }
    for (const provider of [openai, bfl]) {
      await failsWith(callWith(provider, respond(page, html)), damaged)
      await failsWith(callWith(provider, respond("")), damaged)
      await failsWith(callWith(provider, respond("", { status: 204 })), damaged)
      const png = Buffer.from("89504e470d0a1a0a0000000d49484452", "hex")
      await failsWith(callWith(provider, respond(png, { headers: { "content-type": "image/png" } })), damaged)
    }
  })

  it("fails where it is larger than this server takes", async () => {
    const tooLarge = {
      code: "provider_error",
      detail: "The vendor's answer was larger than this server takes.",
    } as const
    const picture = (bytes: number) => respond({ data: [{ b64_json: Buffer.alloc(bytes).toString("base64") }] })
    assert.equal((await callWith(openai, picture(999), { pictureMaxBytes: 999 })).answered.outcome.state, "done")
    for (const bytes of [1000, 1001, 1002]) {
      await failsWith(callWith(openai, picture(bytes), { pictureMaxBytes: 999 }), tooLarge)
      const event = `data: {"type":"image_edit.completed","b64_json":"${Buffer.alloc(bytes).toString("base64")}"}\n\n`
      const streamed = respond(event, { headers: { "content-type": "text/event-stream" } })
      await failsWith(callWith(openai, streamed, { pictureMaxBytes: 999 }), tooLarge)
    }
    const many = { data: Array.from({ length: 33 }, () => ({ b64_json: "QUJD" })) }
    await failsWith(callWith(openai, respond(many)), tooLarge)
    const text = Buffer.from(`{"note":"${"x".repeat(5_000_000)}"}`)
    const once = async () => ({ status: 200, headers: {}, body: new PassThrough().end(text) })
    await failsWith(callWith(openai, once), tooLarge)
  })

  it("fails where it is nested without end", async () => {
    await failsWith(callWith(bfl, respond("[".repeat(100_000))), damaged)
  })
})

describe("a stream", () => {
  const partial = `event: image_edit.partial_image\ndata: {"b64_json":"QUJD","partial_image_index":0}\n\n`
  const last = `event: image_edit.completed\ndata: {"type":"image_edit.completed","b64_json":"REVG"}\n\n`
  const type = "text/event-stream"

  it("fails where it breaks off in the middle of an event, and keeps what was handed on", async () => {
    for (
      let length = (partial + last).indexOf('data: {"type') + 7;
      length < partial.length + last.length - 1;
      length += 7
    ) {
      const half = (partial + last).slice(0, length)
      for (const send of [
        respond(half, { headers: { "content-type": type } }),
        breaking(half, connectionError("ECONNRESET"), type),
      ]) {
        const called = await callWith(openai, send)
        assert.deepEqual(called.partials, [{ index: 0, text: "ABC" }])
        assert.deepEqual(failureOf(called), damaged)
        assert.equal(called.kept(), 0)
      }
    }
  })

  it("waits for each early state to be taken before it reads on", async () => {
    const { openDraft, forget } = memoryDrafts()
    const order: string[] = []
    await callVendor({
      ...{ provider: openai, baseUrl: openai.baseUrl, key, pictureMaxBytes: 999, openDraft, forget },
      request: { method: "POST", path: "/x" },
      signal: new AbortController().signal,
      send: respond(partial + partial.replace(`index":0`, `index":1`) + last, { headers: { "content-type": type } }),
      onPartial: async ({ index }) => {
        order.push(`take ${index}`)
        for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate)
        order.push(`took ${index}`)
      },
    })
    assert.deepEqual(order, ["take 0", "took 0", "take 1", "took 1"])
  })

  it("says nothing to a vendor that knows no streams", async () => {
    const { answered, kept } = await callWith(bfl, respond(partial, { headers: { "content-type": type } }))
    assert.equal(failureOf({ answered }).code, "provider_error")
    assert.equal(kept(), 0)
  })
})

describe("a refusal", () => {
  it("is read from the status where there is a redirect, which nobody follows", async () => {
    const headers = { location: "https://evil.example/" }
    for (const status of [301, 302, 303, 307, 308]) {
      const called = callWith(openai, respond("", { status, headers }))
      assert.equal((await called).sent.length, 1)
      await failsWith(called, { code: "provider_error" })
    }
  })

  it("is read from the status where the body is a page, too large or broken off", async () => {
    const busy = { code: "provider_busy", untouched: true } as const
    const [html, large] = ["<html>busy</html>", JSON.stringify({ error: { message: "x".repeat(70_000) } })]
    for (const body of [html, large, "", "{"]) await failsWith(callWith(openai, respond(body, { status: 503 })), busy)
    const broken: Send = async (request) => ({
      ...(await breaking("{", connectionError("ECONNRESET"))(request)),
      status: 503,
    })
    await failsWith(callWith(openai, broken), busy)
  })

  it("never holds pictures", async () => {
    const called = await callWith(openai, respond(twoPictures, { status: 400 }))
    assert.equal(failureOf(called).code, "invalid_request")
    assert.equal(called.kept(), 0)
  })

  it("says how long to wait, up to a minute, where waiting helps", async () => {
    const waits = [
      ["1", 1],
      ["59", 59],
      ["3600", 60],
      ["0", undefined],
      ["-5", undefined],
      ["", undefined],
      ["soon", undefined],
      ["NaN", undefined],
      ["Infinity", 60],
    ] as const
    for (const [header, seconds] of waits) {
      const refused = respond("", { status: 429, headers: { "retry-after": header } })
      assert.equal(failureOf(await callWith(openai, refused)).retryAfterSeconds, seconds, header)
    }
    const broken = respond("", { status: 500, headers: { "retry-after": "5" } })
    assert.equal(failureOf(await callWith(openai, broken)).retryAfterSeconds, undefined)
  })

  it("keeps what the vendor said for the log", async () => {
    const body = { error: { message: "Incorrect API key provided: sk-abc", type: "x", param: null, code: null } }
    const { answered } = await callWith(openai, respond(body, { status: 401 }))
    assert.deepEqual(answered.cause, { status: 401, body })
  })
})

describe("sending", () => {
  const rejecting =
    (error: unknown): Send =>
    async () => {
      throw error
    }

  it("that never reached the vendor leaves it untouched", async () => {
    const codes = ["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "ENETUNREACH", "EHOSTUNREACH", "UND_ERR_CONNECT_TIMEOUT"]
    const failure = { code: "provider_error", detail: "The vendor could not be reached.", untouched: true } as const
    for (const code of codes) await failsWith(callWith(openai, rejecting(connectionError(code))), failure)
  })

  it("that broke after the vendor was reached ends with an outcome that nobody knows", async () => {
    const detail = "The vendor was called, and the connection broke before it answered."
    const errors = ["ECONNRESET", "EPIPE", "UND_ERR_SOCKET", "HPE_INVALID_CONSTANT"].map(connectionError)
    for (const error of [...errors, new Error("no code at all"), undefined])
      await failsWith(callWith(openai, rejecting(error)), { code: "outcome_unknown", detail })
  })

  it("that only asked says nothing of the task where it broke", async () => {
    const detail = "The vendor was asked, and the connection broke before it answered."
    const asking = { request: { method: "GET", path: "/x" } } as const
    const broken = callWith(openai, rejecting(connectionError("ECONNRESET")), asking)
    await failsWith(broken, { code: "provider_error", detail })
  })

  it("that took too long ends in time", async () => {
    const late = connectionError("UND_ERR_HEADERS_TIMEOUT")
    await failsWith(callWith(openai, rejecting(late)), { code: "provider_timeout" })
  })

  it("that was given up ends in time, before the answer and within it", async () => {
    const abort = new AbortController()
    const { signal } = abort
    const waiting: Send = () =>
      new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error)))
    const unanswered = callWith(openai, waiting, { signal })
    setImmediate(() => abort.abort())
    await failsWith(unanswered, { code: "provider_timeout" })

    const again = new AbortController()
    const body = new PassThrough()
    const answering = callWith(openai, async (): Promise<IncomingResponse> => ({ status: 200, headers: {}, body }), {
      signal: again.signal,
    })
    body.write(twoPictures.slice(0, 60))
    setImmediate(() => {
      again.abort()
      body.destroy(again.signal.reason as Error)
    })
    await failsWith(answering, { code: "provider_timeout" })
  })
})

describe("faults of our own", () => {
  it("are thrown, not blamed on the vendor, and the connection is given back", async () => {
    const full = Object.assign(new Error("no space left on device"), { code: "ENOSPC" })
    const body = new PassThrough().end(twoPictures)
    const call = callVendor({
      ...{ provider: openai, baseUrl: openai.baseUrl, key, pictureMaxBytes: 999 },
      request: { method: "POST", path: "/x" },
      signal: new AbortController().signal,
      send: async () => ({ status: 200, headers: {}, body }),
      openDraft: async () => {
        throw full
      },
      forget: async () => {},
      onPartial: async () => {},
    })
    await assert.rejects(call, full)
    assert.ok(body.destroyed)
  })
})
