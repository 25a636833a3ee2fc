import assert from "node:assert/strict"
import { randomBytes } from "node:crypto"
import { describe, it } from "node:test"
import { fixedKeys, readKeys } from "./masterKeys.ts"
import { isSealed, placeOf, seal, unseal } from "./seal.ts"

const freshKeys = (count = 1) =>
  fixedKeys("a test", readKeys(Array.from({ length: count }, () => randomBytes(32).toString("hex")).join("\n")))

const keys = freshKeys()
const place = placeOf("vendor_keys", ["shop", "openai"], "sealed_key")

describe("a sealed secret", () => {
  it("opens in its own place, shows nothing of itself, and is another each time", () => {
    const sealed = seal(keys, place, "sk-påsswörd 🦊")
    assert.equal(unseal(keys, place, sealed), "sk-påsswörd 🦊")
    assert.ok(isSealed(sealed))
    assert.ok(sealed.startsWith(`2.${keys.newest().id}.`))
    assert.doesNotMatch(sealed, /sk-/)
    const again = seal(keys, place, "sk-påsswörd 🦊")
    for (const part of [2, 3]) assert.notEqual(sealed.split(".")[part], again.split(".")[part])
  })

  it("does not open in another row, column or table, whatever the names have in them", () => {
    const sealed = seal(keys, place, "sk-1")
    const others = [
      placeOf("vendor_keys", ["shop", "bfl"], "sealed_key"),
      placeOf("vendor_keys", ["shop2", "openai"], "sealed_key"),
      placeOf("vendor_keys", ["shop", "openai"], "last4"),
      placeOf("settings", ["shop", "openai"], "sealed_key"),
    ]
    for (const other of others) assert.throws(() => unseal(keys, other, sealed), /another place/)
    assert.notEqual(placeOf("t", ['a","b'], "c"), placeOf("t", ["a", "b"], "c"))
  })

  it("does not open without its master key, and says which that is", () => {
    const sealed = seal(keys, place, "sk-1")
    assert.throws(() => unseal(freshKeys(), place, sealed), new RegExp(keys.newest().id))
    const renamed = fixedKeys("a test", [{ ...freshKeys().newest(), id: keys.newest().id }])
    assert.throws(() => unseal(renamed, place, sealed), /was changed/)
  })

  it("does not open once any of it was changed, cut short, or put together from two", () => {
    const [one, two] = [seal(keys, place, "sk-1"), seal(keys, place, "sk-2")]
    const parts = one.split(".")
    for (const at of [2, 3]) {
      const part = parts[at]!
      for (const change of [(part.startsWith("A") ? "B" : "A") + part.slice(1), part.slice(0, 20), two.split(".")[at]!])
        assert.throws(() => unseal(keys, place, parts.with(at, change).join(".")), /was changed/)
    }
    for (const text of ["", "sk-1", "1.a.b.c", `${one}.x`])
      assert.throws(() => unseal(keys, place, text), /not a sealed/)
  })

  it("opens with an older key as long as that is there; the newest seals", () => {
    const both = freshKeys(2)
    const [newest, older] = both.all()
    const sealed = seal(fixedKeys("a test", [older!]), place, "sk-1")
    assert.equal(unseal(both, place, sealed), "sk-1")
    assert.ok(seal(both, place, "sk-1").startsWith(`2.${newest!.id}.`))
  })
})
