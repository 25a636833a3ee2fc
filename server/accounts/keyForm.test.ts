import assert from "node:assert/strict"
import { createHash } from "node:crypto"
import { describe, it } from "node:test"
import { crc32 } from "node:zlib"
import { checkOf, newKey, readKeyForm } from "./keyForm.ts"
import { keyVectors } from "./keyVectors.ts"

const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

describe("the form of a key", () => {
  it("has the check that the rules give for their examples", () => {
    assert.equal(checkOf(`igw_test_000000000000_${"A".repeat(43)}`), "1jbi57")
    assert.equal(checkOf(`igw_live_Zz9Yy8Xx7Ww6_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg`), "1ZEd6U")
  })

  for (const { key, mode, id, crc, sha256 } of keyVectors)
    it(`is as another program computes it: ${key}`, () => {
      assert.equal(crc32(key.slice(0, -6)), crc)
      assert.equal(checkOf(key.slice(0, -6)), key.slice(-6))
      assert.deepEqual(readKeyForm(key), { mode, id })
      assert.equal(createHash("sha256").update(key).digest("hex"), sha256)
    })

  it("fills the check with zeros, to six characters", () => {
    const texts = Array.from({ length: 2_000 }, (_, index) => `text ${index}`)
    for (const text of texts) assert.match(checkOf(text), /^[0-9A-Za-z]{6}$/)
    assert.equal(checkOf(""), "000000")
  })

  it("is read back with its kind and id", () => {
    for (const mode of ["live", "test"] as const) {
      const { key, id } = newKey(mode)
      assert.match(key, new RegExp(`^atl_${mode}_${id}_[0-9A-Za-z]{49}$`))
      assert.deepEqual(readKeyForm(key), { mode, id })
    }
  })

  it("is another every time, in id and secret", () => {
    const keys = Array.from({ length: 500 }, () => newKey("test"))
    assert.equal(new Set(keys.map(({ id }) => id)).size, 500)
    assert.equal(new Set(keys.map(({ key }) => key.slice(-49, -6))).size, 500)
    const used = new Set(keys.map(({ key }) => key.slice(-49, -6)).join(""))
    assert.equal(used.size, alphabet.length, "every character occurs")
  })

  it("does not survive a change of any one character to any other", () => {
    const { key } = newKey("live")
    for (let index = 0; index < key.length; index++)
      for (const other of alphabet + "_- ")
        if (other !== key[index])
          assert.equal(readKeyForm(key.slice(0, index) + other + key.slice(index + 1)), undefined, `${index} ${other}`)
  })

  it("does not survive two characters changing places, a missing one, or one more", () => {
    const { key } = newKey("test")
    for (let index = 1; index < key.length; index++) {
      const swapped = key.slice(0, index - 1) + key[index] + key[index - 1] + key.slice(index + 1)
      if (swapped !== key) assert.equal(readKeyForm(swapped), undefined)
      assert.equal(readKeyForm(key.slice(0, index) + key.slice(index + 1)), undefined)
    }
    for (const wrong of ["", `${key}0`, ` ${key}`, `${key}\n`, key.toUpperCase(), key.replace("atl_", "igw_")])
      assert.equal(readKeyForm(wrong), undefined)
  })

  it("refuses a key that says it is of the other kind", () => {
    const { key } = newKey("test")
    assert.equal(readKeyForm(key.replace("_test_", "_live_")), undefined)
  })
})
