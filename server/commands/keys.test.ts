import assert from "node:assert/strict"
import { test } from "node:test"
import { readExpiry, readPlaces } from "./keys.ts"

const now = Date.parse("2026-11-30T15:00:00Z")

test("a key expires at the beginning of a day, or so many days from now", () => {
  for (const [text, end] of [
    ["2026-12-01", "2026-12-01T00:00:00Z"],
    ["2028-02-29", "2028-02-29T00:00:00Z"],
    ["1d", "2026-12-01T15:00:00Z"],
    ["30d", "2026-12-30T15:00:00Z"],
    ["9999d", "2054-04-16T15:00:00Z"],
  ] as const)
    assert.equal(readExpiry(text, now), Date.parse(end), text)
})

test("a key does not expire in the past, today, or on a day that there is not", () => {
  const days = ["2026-11-30", "2026-11-29", "2027-02-29", "2027-02-30", "2027-13-01", "2027-1-31", "31.1.2027"]
  for (const text of [...days, "0d", "-1d", "1e3d", "10000d", "30", "d", "soon", "", "2027-01-31T00:00", " 30d"])
    assert.throws(() => readExpiry(text, now), /--expires must be a day to come/, text)
})

test("a key is bound to addresses and ranges, each of which is one", () => {
  assert.deepEqual(readPlaces("203.0.113.7, 2001:db8::/32"), ["203.0.113.7", "2001:db8::/32"])
  for (const list of ["", "203.0.113.7,", "203.0.113.0/33", "10/8", "here", "203.0.113.7 198.51.100.1"])
    assert.throws(() => readPlaces(list), /--addresses: .* is no address or range such as/, list)
})
