import assert from "node:assert/strict"
import { describe, it } from "node:test"
import fc from "fast-check"
import { generate } from "../../tests/calls.ts"
import { composeServer } from "../../tests/harness.ts"
import { readGeneration } from "./generation.ts"
import { progressNow, progressOf } from "./progress.ts"
import type { State } from "./progress.ts"

const state = (facts: Partial<State>): State => ({
  ...{ phase: "running", runningMs: 0, usualMs: 10_000, ahead: 0, atOnce: 64, told: 0 },
  ...facts,
})

describe("progress", () => {
  it("never falls while time goes by and the vendor tells more, and is never 100 before the end", () => {
    const steps = fc.array(fc.tuple(fc.integer({ min: 0, max: 100_000 }), fc.integer({ min: 0, max: 100 })), {
      minLength: 1,
    })
    const property = fc.property(steps, fc.integer({ min: 1, max: 600_000 }), (all, usualMs) => {
      let [runningMs, told, before] = [0, 0, progressOf(state({ phase: "queued", usualMs })).progress]
      for (const [ms, percent] of all) {
        runningMs += ms
        told = Math.max(told, percent)
        const { progress, estimatedSeconds } = progressOf(state({ runningMs, told, usualMs }))
        assert.ok(Number.isInteger(progress) && progress >= before && progress < 100)
        assert.ok(Number.isInteger(estimatedSeconds) && estimatedSeconds >= 1)
        before = progress
      }
      assert.deepEqual(progressOf(state({ phase: "succeeded", runningMs })), { progress: 100, estimatedSeconds: 0 })
    })
    fc.assert(property)
  })

  it("follows what pictures of the model usually take, and the vendor where it knows better", () => {
    assert.deepEqual(progressOf(state({ phase: "queued" })), { progress: 0, estimatedSeconds: 10 })
    assert.deepEqual(progressOf(state({ runningMs: 5_000 })), { progress: 50, estimatedSeconds: 5 })
    assert.equal(progressOf(state({ runningMs: 5_000, told: 80 })).progress, 80)
    assert.deepEqual(progressOf(state({ runningMs: 60_000 })), { progress: 94, estimatedSeconds: 1 })
  })

  it("reckons with those in line before", () => {
    assert.equal(progressOf(state({ phase: "queued", ahead: 63 })).estimatedSeconds, 10)
    assert.equal(progressOf(state({ phase: "queued", ahead: 64 })).estimatedSeconds, 20)
    assert.equal(progressOf(state({ phase: "queued", ahead: 640 })).estimatedSeconds, 110)
  })

  it("stays where it was when it is over without a picture", () => {
    assert.deepEqual(progressOf(state({ phase: "over", runningMs: 5_000 })), { progress: 50, estimatedSeconds: 0 })
  })
})

describe("progress in a long line", () => {
  it("is told of the whole line, up to a hundred rounds of it", async (t) => {
    const server = await composeServer({ ATELIER_CONCURRENCY: "1" })
    t.after(server.end)
    const { app } = server.atelier
    const { body } = await generate(server, "behind them all")
    const done = app.database.query.selectFrom("generations").selectAll().where("id", "=", body.id)
    const row = { ...(await done.executeTakeFirstOrThrow()), status: "queued" as const, finished_at: null }
    const line = Array.from({ length: 150 }, (_, place) => ({
      ...{ ...row, id: `gen_${place}`, created_at: 1_000 + place, started_at: null },
    }))
    await app.database.query.insertInto("generations").values(line).execute()
    const secondsAt = async (place: number) =>
      (await progressNow(app, readGeneration(line[place]!, []))).estimatedSeconds
    assert.deepEqual(await Promise.all([0, 30, 100, 149].map(secondsAt)), [20, 620, 2020, 2020])
  })

  it("reads the line once a second for all who ask", async (t) => {
    const server = await composeServer({ ATELIER_CONCURRENCY: "1" })
    t.after(server.end)
    const { database, config } = server.atelier.app
    const { body } = await generate(server, "whoever asks")
    const { id } = body
    const ended = await database.query
      .selectFrom("generations")
      .selectAll()
      .where("id", "=", id)
      .executeTakeFirstOrThrow()
    const inLine = (name: string, created_at: number) => ({
      ...{ ...ended, id: name, created_at, status: "queued" as const, started_at: null, finished_at: null },
    })
    const add = (...rows: (typeof ended)[]) => database.query.insertInto("generations").values(rows).execute()
    const last = inLine("gen_last", 3_000)
    let now = 1_000_000
    const seconds = async () =>
      (await progressNow({ database, config, clock: { now: () => now } }, readGeneration(last, []))).estimatedSeconds
    await add(last, inLine("gen_first", 1_000))
    assert.equal(await seconds(), 40)
    await add(inLine("gen_second", 2_000))
    now += 999
    assert.equal(await seconds(), 40)
    now += 1
    assert.equal(await seconds(), 60)
    await add(inLine("gen_third", 2_001))
    // A clock that was set back keeps nobody waiting for news.
    now -= 500_000
    assert.equal(await seconds(), 80)
  })
})
