// The crash test in small: README.md says how the long one is run.
import assert from "node:assert/strict"
import { before, describe, it } from "node:test"
import { crash } from "./crash.ts"
import type { Crash } from "./crash.ts"
import { sayFaults, sayFigures } from "./figures.ts"

describe("a server that is killed again and again", () => {
  let done: Crash
  before(async () => {
    done = await crash({ wishes: 100, kills: 6, seed: 20_261_129, callers: 12 })
    console.log(sayFigures(done))
  })

  it("loses nothing, charges nothing twice and repeats nothing blindly", () => {
    assert.equal(done.faults.length, 0, sayFaults(done.faults))
  })

  it("was killed in the middle of things, between callers, vendors and receivers that do wrong", () => {
    const { client, vendors, receiver, nemesis, tables } = done.evidence
    assert.equal(nemesis.filter(({ act }) => act === "killed").length, 6)
    const looked = vendors.some((entry) => entry.act === "ordered" && entry.committed === 1)
    assert.ok(looked, "vendors looked whether calls were written down")
    // How the processes meet is luck: most of it happens each time.
    const happened = {
      "requests broke": client.some((entry) => entry.act === "broken" && !entry.unsent),
      "answers came": client.some((entry) => entry.act === "answered" && entry.ended === "succeeded"),
      "some were called off": tables.generations.some(({ status }) => status === "canceled"),
      "vendors refused": vendors.some(({ act }) => act === "refused"),
      "vendors did mischief": vendors.some((entry) => entry.act === "worked" && entry.mischief !== null),
      "outcomes became unknown": tables.attempts.some(({ failure_json }) => failure_json?.includes("outcome_unknown")),
      "calls were made again": tables.attempts.some(({ ordinal }) => ordinal > 1),
      "tasks were followed": tables.attempts.some(({ check_json, state }) => check_json !== null && state === "stored"),
      "receivers refused": receiver.some(({ answer }) => answer !== "taken"),
    }
    const missed = Object.entries(happened).filter(([, did]) => !did)
    assert.ok(missed.length <= 4, `it did not happen that ${missed.map(([what]) => what).join(", ")}`)
  })
})
