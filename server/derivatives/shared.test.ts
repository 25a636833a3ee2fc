import assert from "node:assert/strict"
import { describe, it } from "node:test"
import { createShared } from "./shared.ts"

describe("shared work", () => {
  it("is done once for all who ask under one name, until it is done", async () => {
    const once = createShared()
    let count = 0
    const work = async () => ++count
    assert.deepEqual(await Promise.all([once("a", work), once("a", work), once("b", work)]), [1, 1, 2])
    assert.equal(await once("a", work), 3)
    await assert.rejects(once("a", () => Promise.reject(new Error("no"))))
    assert.equal(await once("a", work), 4)
  })

  it("is given up when the last has hung up, and begun anew by who comes then", async () => {
    const once = createShared()
    const begun: AbortSignal[] = []
    const work = (over: AbortSignal) => {
      begun.push(over)
      const { promise, reject } = Promise.withResolvers<string>()
      over.addEventListener("abort", () => reject(new Error("given up")))
      return promise
    }
    const [one, other] = [new AbortController(), new AbortController()]
    const asked = [once("a", work, one.signal), once("a", work, other.signal)]
    one.abort()
    assert.equal(begun[0]!.aborted, false)
    other.abort()
    assert.equal(await once("a", async () => "anew"), "anew")
    for (const each of asked) await assert.rejects(each, /given up/)
    await assert.rejects(once("b", work, AbortSignal.abort()), /given up/)
    assert.equal(begun.length, 2)
  })

  it("is not given up while one wants it who cannot hang up", async () => {
    const once = createShared()
    const hanging = new AbortController()
    const { promise, resolve } = Promise.withResolvers<string>()
    let unwanted: AbortSignal | undefined
    const first = once("a", (over) => ((unwanted = over), promise), hanging.signal)
    const second = once("a", () => promise)
    hanging.abort()
    resolve("done")
    assert.deepEqual([await first, await second, unwanted?.aborted], ["done", "done", false])
  })
})
