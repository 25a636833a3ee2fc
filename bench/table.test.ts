import assert from "node:assert/strict"
import { describe, it } from "node:test"
import { median, percentile } from "./load.ts"
import { names, polls } from "./scenarios.ts"
import { judge, medians, writeResults, writeVerdicts } from "./table.ts"
import type { Result } from "./table.ts"

const row = (server: string, cpuMs: number, concurrency = 16): Result => ({
  scenario: names.pictures(concurrency),
  server,
  values: { cpuMs },
})

describe("the bench's arithmetic", () => {
  it("takes the value that so many per cent do not exceed", () => {
    const values = Array.from({ length: 200 }, (_, index) => index + 1)
    assert.equal(percentile(values, 50), 100)
    assert.equal(percentile(values, 99), 198)
    assert.equal(percentile([7], 99), 7)
  })

  it("takes the median of each number over the rounds", () => {
    assert.equal(median([9, 1, 5]), 5)
    assert.equal(median([4, 1]), 2.5)
    assert.deepEqual(medians([row("a", 3), row("b", 10), row("a", 1), row("a", 2)]), [row("a", 2), row("b", 10)])
  })
})

describe("the targets", () => {
  const rows = [row("tuned proxy", 2, 1), row("Atelier, link", 4, 1), row("tuned proxy", 2), row("Atelier, link", 6)]

  it("are judged by the worst concurrency", () => {
    const verdict = judge(rows)[0]!
    assert.equal(verdict.value, 3)
    assert.equal(verdict.reached, false)
    assert.equal(judge([...rows.slice(0, 3), row("Atelier, link", 5)])[0]!.reached, true)
  })

  it("are said not to be measured where a number is missing", () => {
    assert.ok(judge([]).every(({ value, reached }) => value === undefined && reached === undefined))
    assert.match(writeVerdicts(judge([])), /not measured here/)
  })

  it("are without a bound where the number is only told", () => {
    const numbers: Result[] = [
      { scenario: names.accept, server: "Atelier", values: { cpuMs: 0.9 } },
      { scenario: names.status, server: polls.nothing, values: { cpuMs: 0.1 } },
    ]
    assert.match(writeVerdicts(judge(numbers)), /\| accepting a request: CPU, .* \| – +\| 9\.00× +\| +\|/)
  })

  it("stand beside ratios to the tuned proxy of the same scenario", () => {
    assert.match(writeResults(rows), /Atelier, link \| 6\.00 +\| 3\.00 +\|/)
  })
})
