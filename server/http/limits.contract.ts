// What every limiter promises: never more than the limit says, however many ask at once, and all of it again after its time.
import assert from "node:assert/strict"
import { beforeEach, describe, it } from "node:test"
import fc from "fast-check"
import type { Limiter } from "./limits.ts"

const hour = { requests: 10, seconds: 3600 }
const start = Date.parse("2026-11-21T12:00:00Z")

/** `another` counts with the first, as another server does; where there is none it is the same. */
export type OpenLimiters = { limiter: Limiter; another: Limiter }

export function describeLimiter(name: string, open: () => Promise<OpenLimiters>, runs: number) {
  let limiter: Limiter
  let another: Limiter
  let fresh = 0

  describe(`limits: ${name}`, () => {
    beforeEach(async () => {
      ;({ limiter, another } = await open())
    })

    async function useUp(now: number) {
      for (let count = 0; count < 10; count++) assert.ok((await limiter.take("p", hour, now)).allowed)
    }

    it("lets through as many at once as it says, and then none", async () => {
      const verdicts = []
      for (let count = 0; count < 12; count++) verdicts.push(await limiter.take("p", hour, start))
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

    it("lets as many through of 64 that ask in the same moment, at two servers", async () => {
      const asking = Array.from({ length: 64 }, (_, number) =>
        (number % 2 === 0 ? limiter : another).take("p", hour, start + number),
      )
      const verdicts = await Promise.all(asking)
      assert.equal(verdicts.filter(({ allowed }) => allowed).length, 10)
    })

    it("lets one more through when it said it would, and not a second before", async () => {
      await useUp(start)
      for (const [passed, allowed] of [[359_000, false] as const, [360_000, true] as const, [360_000, false] as const])
        assert.equal((await another.take("p", hour, start + passed)).allowed, allowed)
    })

    it("lets nothing more through at a server whose clock goes after", async () => {
      await useUp(start)
      assert.equal((await another.take("p", hour, start - 30_000)).allowed, false)
    })

    it("lets requests through after the clock was set back by more than its length", async () => {
      await useUp(start + 30 * 86_400_000)
      assert.equal((await limiter.take("p", hour, start)).allowed, true)
    })

    it("is each project's own, and is not used up by looking", async () => {
      await useUp(start)
      assert.equal((await limiter.take("q", hour, start)).allowed, true)
      for (let count = 0; count < 20; count++) assert.equal((await limiter.look("r", hour, start)).remaining, 10)
    })

    it("tells who looks what stands, also what another server has counted, a second later at most", async () => {
      assert.equal((await another.look("p", hour, start)).remaining, 10)
      await useUp(start)
      const { remaining, allowed, resetSeconds } = await limiter.look("p", hour, start)
      assert.deepEqual([remaining, allowed, resetSeconds], [0, false, 3600])
      assert.equal((await another.look("p", hour, start + 1_001)).remaining, 0)
      assert.equal((await another.look("p", hour, start + 720_000)).remaining, 2)
    })

    it("never lets more through in any stretch of its length than twice what it says, nor fewer than it says", async () => {
      const gaps = fc.array(fc.integer({ min: 0, max: 900_000 }), { minLength: 1, maxLength: 200 })
      const property = fc.asyncProperty(gaps, fc.integer({ min: 1, max: 100 }), async (waits, requests) => {
        const project = `project ${fresh++}`
        const limit = { requests, seconds: 3600 }
        const passed: number[] = []
        let now = start
        for (const [index, wait] of waits.entries()) {
          now += wait
          const asked = index % 2 === 0 ? limiter : another
          const { allowed, remaining, retryAfterSeconds } = await asked.take(project, limit, now)
          assert.equal(retryAfterSeconds > 0, !allowed)
          assert.ok(remaining >= 0 && remaining < requests)
          if (allowed) passed.push(now)
          const lately = passed.filter((at) => at > now - 3_600_000).length
          assert.ok(lately <= 2 * requests)
          if (!allowed) assert.ok(lately >= requests, "refused without cause")
        }
      })
      await fc.assert(property, { numRuns: runs })
    })
  })
}
