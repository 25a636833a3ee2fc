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
    const some = <T>(what: string, all: T[], isOne: (one: T) => boolean) => assert.ok(all.some(isOne), what)
    assert.equal(nemesis.filter(({ act }) => act === "killed").length, 6)
    some("requests broke", client, (entry) => entry.act === "broken" && !entry.unsent)
    some("answers came", client, (entry) => entry.act === "answered" && entry.ended === "succeeded")
    some("some were called off", tables.generations, ({ status }) => status === "canceled")
    some("vendors refused", vendors, ({ act }) => act === "refused")
    some("vendors did mischief", vendors, (entry) => entry.act === "worked" && entry.mischief !== null)
    some(
      "vendors looked whether calls were written down",
      vendors,
      (entry) => entry.act === "ordered" && entry.committed === 1,
    )
    some(
      "outcomes became unknown",
      tables.attempts,
      ({ failure_json }) => failure_json?.includes("outcome_unknown") === true,
    )
    some("calls were made again", tables.attempts, ({ ordinal }) => ordinal > 1)
    some("tasks were followed", tables.attempts, ({ check_json, state }) => check_json !== null && state === "stored")
    some("receivers refused", receiver, ({ answer }) => answer !== "taken")
  })
})
