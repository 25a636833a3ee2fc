import assert from "node:assert/strict"
import { describe, it } from "node:test"
import { delayAfter, pauseAfter } from "./schedule.ts"
import { createSlots } from "./slots.ts"

const minuteMs = 60_000
const hourMs = 60 * minuteMs

const delays = (random: number): number[] => {
  const found: number[] = []
  for (let tries = 1; ; tries++) {
    const delay = delayAfter(tries, random)
    if (delay === undefined) return found
    found.push(delay)
  }
}

describe("the schedule", () => {
  it("has ten tries in 75 hours and 35 minutes", () => {
    const [five, ...rest] = delays(0.5)
    assert.equal(five, 5_000)
    assert.deepEqual(
      rest,
      [5, 30, 120, 300, 600, 840, 1200, 1440].map((minutes) => minutes * minuteMs),
    )
    const all = delays(0.5).reduce((sum, delay) => sum + delay, 0)
    assert.equal(Math.floor(all / minuteMs), 75 * 60 + 35)
  })

  it("varies each by a fifth", () => {
    assert.deepEqual([delayAfter(1, 0), delayAfter(1, 1)], [4_000, 6_000])
  })
})

describe("a pause", () => {
  const now = Date.parse("2026-11-21T09:00:00Z")

  it("is what a busy receiver asks for, and at most a day", () => {
    assert.equal(pauseAfter(503, "120", now), 120_000)
    assert.equal(pauseAfter(429, "Sat, 21 Nov 2026 10:00:00 GMT", now), hourMs)
    assert.equal(pauseAfter(429, "999999999", now), 24 * hourMs)
    assert.equal(pauseAfter(500, "30", now), 30_000)
  })

  it("is a minute where a busy receiver does not say, and none for anybody else", () => {
    for (const status of [429, 502, 503, 504]) assert.equal(pauseAfter(status, undefined, now), minuteMs)
    assert.equal(pauseAfter(503, "soon", now), minuteMs)
    assert.equal(pauseAfter(503, "Sat, 21 Nov 2026 08:00:00 GMT", now), 0)
    assert.equal(pauseAfter(500, undefined, now), 0)
    assert.equal(pauseAfter(200, "120", now), 0)
    assert.equal(pauseAfter(undefined, undefined, now), 0)
  })
})

describe("slots", () => {
  it("are four for a receiver, and so many in all", () => {
    const slots = createSlots(6)
    assert.deepEqual(
      [1, 2, 3, 4, 5].map(() => slots.take("slow")),
      [true, true, true, true, false],
    )
    assert.deepEqual([slots.take("a"), slots.take("b"), slots.take("c")], [true, true, false])
    slots.give("slow")
    assert.deepEqual([slots.take("c"), slots.take("slow")], [true, false])
  })

  it("are looked for by one after another", () => {
    const slots = createSlots(6)
    const looks = [1_000, 1_000, 1_100].map((now) => slots.lookAgainAt("slow", now))
    assert.deepEqual(looks, [1_250, 1_275, 1_350])
    assert.equal(slots.lookAgainAt("other", 1_100), 1_350)
  })
})
