import assert from "node:assert/strict"
import { randomBytes } from "node:crypto"
import { describe, it } from "node:test"
import { derived, seal, unseal } from "./seal.ts"

const app = { webhookKey: randomBytes(32).toString("base64url") }

describe("a sealed secret", () => {
  it("opens for its own row, and shows nothing of itself", () => {
    const sealed = seal(app, "whk_1", "whsec_abc")
    assert.equal(unseal(app, "whk_1", sealed), "whsec_abc")
    assert.doesNotMatch(sealed, /whsec|abc/)
    assert.notEqual(sealed, seal(app, "whk_1", "whsec_abc"))
  })

  it("does not open for another row, with another key, or once it was changed", () => {
    const sealed = seal(app, "whk_1", "whsec_abc")
    assert.throws(() => unseal(app, "whk_2", sealed))
    assert.throws(() => unseal({ webhookKey: randomBytes(32).toString("base64url") }, "whk_1", sealed))
    const [version, nonce, text, tag] = sealed.split(".")
    const changed = (text!.startsWith("A") ? "B" : "A") + text!.slice(1)
    assert.throws(() => unseal(app, "whk_1", [version, nonce, changed, tag].join(".")))
    assert.throws(() => unseal(app, "whk_1", [version, nonce, text, tag!.slice(0, 6)].join(".")))
  })
})

describe("a derived secret", () => {
  it("is the same each time for one name, and another for another", () => {
    assert.deepEqual(derived(app, "one"), derived(app, "one"))
    assert.notDeepEqual(derived(app, "one"), derived(app, "two"))
    assert.equal(derived(app, "one").length, 32)
  })
})
