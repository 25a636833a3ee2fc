// The bugs that `npm run crash-test -- --bugs` plants still have a place in the code. That the judge catches them is
// shown there: it takes minutes.
import assert from "node:assert/strict"
import { readFileSync } from "node:fs"
import { stripTypeScriptTypes } from "node:module"
import { join } from "node:path"
import { describe, it } from "node:test"
import { root } from "../harness.ts"
import { bugs, plantIn } from "./bugs.ts"

describe("a planted bug", () => {
  for (const { name, edits } of bugs)
    it(`finds its place: ${name}`, () => {
      const sources = new Map<string, string>()
      for (const edit of edits) {
        const source = sources.get(edit.file) ?? readFileSync(join(root, "server", edit.file), "utf8")
        sources.set(edit.file, plantIn(source, edit))
      }
      for (const source of sources.values()) assert.doesNotThrow(() => stripTypeScriptTypes(source))
    })

  it("is refused where the code has moved on", () => {
    const edit = { file: "x.ts", text: "await", bug: "" }
    assert.throws(() => plantIn("nothing to wait for", edit), /server\/x\.ts has 0 times/)
    assert.throws(() => plantIn("await, await", edit), /has 2 times/)
  })

  it("is of at least ten kinds, each under a name of its own", () => {
    assert.ok(bugs.length >= 10)
    assert.equal(new Set(bugs.map(({ name }) => name)).size, bugs.length)
  })
})
