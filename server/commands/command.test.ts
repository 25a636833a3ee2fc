import assert from "node:assert/strict"
import { describe, it } from "node:test"
import { knownWordsIn, readGiven, readName, writeCall } from "./command.ts"
import type { Command } from "./command.ts"

const command: Command = {
  words: "boats build",
  needs: ["NAME"],
  takes: "[--length METRES] [--afloat]",
  about: "build a boat",
  options: ["length"],
  flags: ["afloat"],
  run: () => Promise.resolve({ text: "", value: null }),
}

describe("what is typed after a command", () => {
  it("is read by name", () => {
    assert.deepEqual(readGiven(command, ["Ada", "--length", "7", "--afloat", "--json"]), {
      ...{ options: { length: "7" }, flags: new Set(["afloat"]), rest: ["Ada"], json: true },
    })
    const { options, flags, rest, json } = readGiven(command, ["--length=7", "Ada"])
    assert.deepEqual([options["length"], flags.size, rest, json], ["7", 0, ["Ada"], false])
  })

  it("is refused where something is missing, unknown or too much, and too much is not repeated", () => {
    for (const [typed, said] of [
      [[], "boats build needs NAME: atelier boats build NAME [--length METRES] [--afloat]"],
      [["Ada", "secret"], "boats build takes NAME; what has spaces in it needs quotes."],
      [["Ada", "--width", "2"], /^boats build: Unknown option '--width'/],
      [["Ada", "--length"], /^boats build: Option '--length <value>' argument missing/],
      [["Ada", "--afloat=yes"], /^boats build: Option '--afloat' does not take an argument/],
    ] as const)
      assert.throws(() => readGiven(command, [...typed]), { message: said })
    const { needs: _, ...bare } = command
    assert.throws(() => readGiven(bare, ["Ada"]), { message: /^boats build takes only options;/ })
  })

  it("is shown as it is typed", () => {
    const { needs: _, ...bare } = command
    assert.equal(writeCall({ ...bare, takes: "" }), "boats build")
  })
})

describe("words with commas between", () => {
  it("are all known, and each counts once", () => {
    assert.deepEqual(knownWordsIn("sails", "jib, main,jib", ["jib", "main"]), ["jib", "main"])
    for (const [list, wrong] of [
      ["jib,mizzen", "mizzen"],
      ["", "empty one"],
      ["jib,", "empty one"],
    ] as const)
      assert.throws(() => knownWordsIn("sails", list, ["jib", "main"]), {
        message: `--sails: there is no ${wrong}; there are jib, main`,
      })
  })
})

it("a name is as long as the databases keep it", () => {
  assert.equal(readName("x".repeat(200)).length, 200)
  assert.throws(() => readName("x".repeat(201)), /at most 200/)
})
