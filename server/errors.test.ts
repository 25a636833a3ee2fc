import assert from "node:assert/strict"
import { describe, it } from "node:test"
import { GatewayError, fail, failures, meaningOf, messageOf } from "./errors.ts"
import type { FailureCode } from "./errors.ts"

const all = Object.entries(failures) as [FailureCode, ReturnType<typeof meaningOf>][]

describe("the table of failures", () => {
  it("gives each code an error's status and a sentence of its own", () => {
    for (const [code, { status, message }] of all) {
      assert.match(code, /^[a-z]+(_[a-z]+)*$/)
      assert.ok(Number.isInteger(status) && status >= 400 && status < 600, code)
      assert.match(message, /^[A-Z].*\.$/, code)
    }
    assert.equal(new Set(all.map(([, { message }]) => message)).size, all.length)
  })

  // Promised to callers in security-rules.md and the seeds; a status is never changed.
  const promised: Partial<Record<FailureCode, number>> = {
    invalid_request: 400,
    invalid_key: 401,
    insufficient_credits: 402,
    missing_scope: 403,
    not_found: 404,
    unknown_model: 404,
    too_large: 413,
    image_type_not_allowed: 415,
    content_refused: 422,
    url_not_allowed: 422,
    url_fetch_failed: 422,
    image_invalid: 422,
    rate_limited: 429,
    internal: 500,
    provider_error: 502,
    outcome_unknown: 502,
    unavailable: 503,
    provider_timeout: 504,
  }
  for (const [code, status] of Object.entries(promised))
    it(`answers ${code} with ${status}`, () => assert.equal(meaningOf(code as FailureCode).status, status))

  it("advises against a retry where the request itself is at fault, or the vendor may have been paid", () => {
    for (const [code, { status, retry }] of all) {
      // What somebody else is just doing is over in a moment, and so may a slow line be.
      const passes = code === "idempotency_in_progress" || code === "too_slow"
      if (status < 500 && status !== 429) assert.equal(retry, passes, code)
      if (status === 429) assert.equal(retry, true, code)
    }
    assert.equal(meaningOf("outcome_unknown").retry, false)
    assert.equal(meaningOf("provider_unavailable").retry, false)
  })

  it("gives back what was reserved whenever there is no picture", () => {
    for (const [code, { refund }] of all) assert.equal(refund, true, code)
  })
})

describe("GatewayError", () => {
  it("carries the failure for the caller and the cause for the log, apart from each other", () => {
    const cause = new Error("sk-secret at 10.0.0.1")
    const failure = { code: "provider_error", detail: "The vendor broke." } as const
    const error = new GatewayError(failure, cause)
    assert.ok(error instanceof Error)
    assert.equal(error.name, "GatewayError")
    assert.equal(error.failure, failure)
    assert.equal(error.cause, cause)
    assert.ok(!error.message.includes("secret"))
    assert.ok(!("cause" in new GatewayError(failure)))
  })

  it("says the detail, or else what the table says", () => {
    assert.equal(new GatewayError({ code: "not_found" }).message, failures.not_found.message)
    assert.equal(messageOf({ code: "not_found", detail: "No picture has this name." }), "No picture has this name.")
  })

  it("is thrown by fail", () => {
    assert.throws(() => fail("too_large"), { name: "GatewayError", failure: { code: "too_large" } })
    const cause = new Error("why")
    assert.throws(() => fail("too_large", "Too large.", cause), {
      failure: { code: "too_large", detail: "Too large." },
      cause,
    })
  })
})
