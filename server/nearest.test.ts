import assert from "node:assert/strict"
import { describe, it } from "node:test"
import fc from "fast-check"
import { nearest } from "./nearest.ts"

const names = ["prompt", "n", "size", "quality", "guidance", "partial_images", "image", "output_format"]

describe("nearest", () => {
  it("finds the name that was mistyped", () => {
    const typos: Record<string, string> = {
      ...{ promt: "prompt", pormpt: "prompt", prompts: "prompt", PROMPT: "prompt", sizes: "size", sise: "size" },
      ...{ guidence: "guidance", qualty: "quality", patial_images: "partial_images", outputformat: "output_format" },
    }
    for (const [typo, name] of Object.entries(typos)) assert.deepEqual(nearest(typo, names), [name], typo)
  })

  it("finds the name inside of a longer one, and the longer one by a part of it", () => {
    assert.deepEqual(nearest("negative_prompt", names), ["prompt"])
    assert.deepEqual(nearest("format", names), ["output_format"])
  })

  it("takes a single letter inside of a word for no likeness", () => {
    for (const wrong of ["orientation", "resolution", "strength", "magnification"])
      assert.deepEqual(nearest(wrong, ["n", "raw"]), [])
  })

  it("finds nothing where nothing is near", () => {
    for (const wrong of ["zzzzzzzz", "watermark", "x".repeat(1_000_000)]) assert.deepEqual(nearest(wrong, names), [])
    assert.deepEqual(nearest("prompt", []), [])
  })

  it("finds as many as are wanted, the nearest first", () => {
    const models = ["gpt-image-1", "gpt-image-2", "gpt-image-1-mini", "dall-e-3"]
    assert.deepEqual(nearest("gpt-image-2", models, 3)[0], "gpt-image-2")
    assert.deepEqual(nearest("gpt-imag-2", models, 2), ["gpt-image-2", "gpt-image-1"])
    assert.equal(nearest("gpt-image", models, 3).length, 3)
  })

  it("finds a name by itself, and by itself with one letter more or less", () => {
    const name = fc.stringMatching(/^[a-z_]{4,30}$/)
    const property = fc.property(name, fc.nat(30), fc.array(name), (known, place, others) => {
      const at = place % known.length
      const all = [...others, known]
      assert.equal(nearest(known, all)[0], known)
      for (const typo of [known.slice(0, at) + known.slice(at + 1), `${known.slice(0, at)}x${known.slice(at)}`])
        assert.ok(nearest(typo, all, all.length).includes(known))
    })
    fc.assert(property)
  })

  it("gives known names alone, none twice, whatever is asked", () => {
    const property = fc.property(
      fc.string({ unit: "binary" }),
      fc.uniqueArray(fc.string()),
      fc.nat(5),
      (wrong, known, count) => {
        const found = nearest(wrong, known, count)
        assert.ok(found.length <= count && found.every((name) => known.includes(name)))
        assert.equal(new Set(found).size, found.length)
      },
    )
    fc.assert(property)
  })
})
