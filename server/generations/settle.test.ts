// The charge: whatever vendors say that their work cost, never above what was set aside, and nothing for nothing.
import assert from "node:assert/strict"
import { describe, it } from "node:test"
import fc from "fast-check"
import type { GenerationRow } from "../database/tables/generations.ts"
import type { Attempt, AttemptPicture } from "./attempts.ts"
import { chargeOf } from "./settle.ts"

const facts = {
  ordinal: 1,
  provider: "p",
  vendorModel: "m",
  keySource: "server" as const,
  reservedMicros: 0,
  dueAt: 0,
  sentAt: 0,
}

const stored = (part: number, pictures: number, micros?: number): Attempt => ({
  ...{ id: `att_${part}`, part, ...facts, state: "stored", missing: [] },
  pictures: Array.from({ length: pictures }, () => ({}) as AttemptPicture),
  bill: micros === undefined ? {} : { micros },
})

const failed = (part: number): Attempt => ({
  ...{ id: `att_${part}`, part, ...facts, state: "failed", failure: { code: "provider_error" } },
})

const rowOf = (price_micros: number, pictures: number) =>
  ({ price_micros, reserved_micros: pictures * price_micros }) as GenerationRow

describe("the charge", () => {
  it("is what the vendor says, and the quoted price of each picture where it says nothing", () => {
    const row = rowOf(100, 4)
    assert.equal(chargeOf(row, [stored(0, 1, 30), stored(1, 2), failed(2)]), 230)
  })

  it("lets no call cost more than its pictures were quoted at, whatever is left of the others", () => {
    assert.equal(chargeOf(rowOf(100, 2), [stored(0, 1, 170), failed(1)]), 100)
  })

  it("is nothing where nothing came, and never below", () => {
    assert.equal(chargeOf(rowOf(100, 2), [failed(0), stored(1, 0, 50)]), 0)
    assert.equal(chargeOf(rowOf(100, 1), [stored(0, 1, -50)]), 0)
    assert.equal(chargeOf(rowOf(0, 1), [stored(0, 1, 50)]), 0)
  })

  it("stays within what was set aside, and rises with what the vendor says", () => {
    const call = fc.record({ pictures: fc.nat(12), micros: fc.option(fc.integer(), { nil: undefined }) })
    const property = fc.property(
      fc.nat(1_000),
      fc.nat(10),
      fc.array(call, { maxLength: 6 }),
      (price, wanted, calls) => {
        const row = rowOf(price, wanted)
        const attempts = calls.map(({ pictures, micros }, part) => stored(part, pictures, micros))
        const charged = chargeOf(row, attempts)
        assert.ok(Number.isSafeInteger(charged) && charged >= 0 && charged <= row.reserved_micros)
        const dearer = calls.map(({ pictures, micros }, part) => stored(part, pictures, micros && micros + 1))
        assert.ok(chargeOf(row, dearer) >= charged)
      },
    )
    fc.assert(property)
  })
})
