// The limit of requests: never more than it says, and all of it again after its time.
import assert from "node:assert/strict"
import { describe, it } from "node:test"
import fc from "fast-check"
import { createLimiter, limitHeaders } from "./limits.ts"

const hour = { requests: 10, seconds: 3600 }
const start = Date.parse("2026-11-21T12:00:00Z")

describe("a limit", () => {
  it("lets through as many at once as it says, and then none", () => {
    const { take } = createLimiter()
    const verdicts = Array.from({ length: 12 }, () => take("p", hour, start))
    assert.deepEqual(
      verdicts.map(({ allowed }) => allowed),
      [...Array.from({ length: 10 }, () => true), false, false],
    )
    assert.deepEqual(
      verdicts.map(({ remaining }) => remaining),
      [9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 0, 0],
    )
    assert.equal(verdicts[10]?.retryAfterSeconds, 360)
    assert.equal(verdicts[9]?.resetSeconds, 3600)
  })

  it("lets one more through when it said it would, and not a second before", () => {
    const { take } = createLimiter()
    for (let count = 0; count < 10; count++) take("p", hour, start)
    assert.equal(take("p", hour, start + 359_000).allowed, false)
    assert.equal(take("p", hour, start + 360_000).allowed, true)
    assert.equal(take("p", hour, start + 360_000).allowed, false)
  })

  it("lets requests through after the clock was set back by more than its length", () => {
    const { take } = createLimiter()
    for (let count = 0; count < 10; count++) take("p", hour, start + 30 * 86_400_000)
    assert.equal(take("p", hour, start).allowed, true)
  })

  it("is each project's own, and is not used up by looking", () => {
    const { take, look } = createLimiter()
    for (let count = 0; count < 10; count++) take("p", hour, start)
    assert.equal(take("q", hour, start).allowed, true)
    for (let count = 0; count < 50; count++) assert.equal(look("r", hour, start).remaining, 10)
  })

  it("never lets more through in any stretch of its length than twice what it says, nor fewer than it says", () => {
    const gaps = fc.array(fc.integer({ min: 0, max: 900_000 }), { minLength: 1, maxLength: 200 })
    const property = fc.property(gaps, fc.integer({ min: 1, max: 100 }), (waits, requests) => {
      const { take } = createLimiter()
      const limit = { requests, seconds: 3600 }
      const passed: number[] = []
      let now = start
      for (const wait of waits) {
        now += wait
        const { allowed, remaining, retryAfterSeconds } = take("p", limit, now)
        assert.equal(retryAfterSeconds > 0, !allowed)
        assert.ok(remaining >= 0 && remaining < requests)
        if (allowed) passed.push(now)
        const lately = passed.filter((at) => at > now - 3_600_000).length
        assert.ok(lately <= 2 * requests)
        if (!allowed) assert.ok(lately >= requests, "refused without cause")
      }
    })
    fc.assert(property, { numRuns: 200 })
  })

  it("is told in the headers that the documents promise, and in those of the draft", () => {
    const { take } = createLimiter()
    assert.deepEqual(limitHeaders(take("p", { requests: 100, seconds: 3600 }, start), start), {
      "x-ratelimit-limit": "100",
      "x-ratelimit-remaining": "99",
      "x-ratelimit-reset": String(start / 1000 + 36),
      "ratelimit-policy": '"default";q=100;w=3600',
      ratelimit: '"default";r=99;t=36',
    })
  })
})
