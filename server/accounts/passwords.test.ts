import assert from "node:assert/strict"
import { describe, it } from "node:test"
import { faultInPassword, hashPassword, isPassword } from "./passwords.ts"

// Written by the reference implementation of argon2 (argon2-cffi 25.1.0).
const others = [
  {
    password: "correct horse battery",
    stored: "$argon2id$v=19$m=19456,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg$69I7qCjDTsQwhQqFvpQJiqEI0lGQvxC84fXE0Ktxca4",
  },
  {
    password: "Grüße aus Köln 🦊",
    stored: "$argon2id$v=19$m=4096,t=3,p=1$ZmVkY2JhOTg3NjU0MzIxMA$0l/AL2eODuWCPo1wZ1GP4drYYHE0dso35ZKx5wAB9gk",
  },
]

describe("a password", () => {
  it("is known by what another program wrote of it, also with other efforts than ours", async () => {
    for (const { password, stored } of others) {
      assert.equal(await isPassword(password, stored), true)
      for (const wrong of [`${password} `, password.slice(1), password.toUpperCase(), ""])
        assert.equal(await isPassword(wrong, stored), false)
    }
  })

  it("is stored as a PHC string of the efforts that the rules name, each with a salt of its own", async () => {
    const password = "a very long winter"
    const stored = await Promise.all([hashPassword(password), hashPassword(password)])
    assert.notEqual(stored[0], stored[1])
    for (const one of stored) {
      assert.match(one, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/)
      assert.equal(await isPassword(password, one), true)
      assert.equal(await isPassword("a very long Winter", one), false)
    }
  })

  it("is the same on every keyboard", async () => {
    const [composed, apart] = ["Grüße aus Köln".normalize("NFC"), "Grüße aus Köln".normalize("NFD")]
    assert.notEqual(composed, apart)
    assert.equal(await isPassword(apart, await hashPassword(composed)), true)
  })

  it("is never that of nobody", async () => {
    for (const password of ["", "a very long winter", "A".repeat(43)])
      assert.equal(await isPassword(password, null), false)
  })

  it("has 12 characters at least, however many bytes they are, and one line", () => {
    const good = ["twelve chars", "🦊".repeat(12), "x".repeat(1024)]
    for (const password of good) assert.equal(faultInPassword(password), undefined)
    const bad = ["", "eleven char", "🦊".repeat(11), "x".repeat(1025), "two lines\nof text", "a NUL in \0 the middle"]
    for (const password of bad) assert.match(faultInPassword(password) ?? "", /^a password /)
  })

  it("that was stored in another way is an error, not a wrong one", async () => {
    for (const stored of ["", "plain", others[0]!.stored.replace("v=19", "v=16"), others[0]!.stored.replace("m=", "")])
      await assert.rejects(isPassword("a very long winter", stored), /not a PHC string/)
  })
})
