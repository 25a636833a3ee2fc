import assert from "node:assert/strict"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, it } from "node:test"
import { ideogram } from "./ideogram.ts"
import { describeProvider, inputFor, requestFor } from "./provider.contract.ts"
import type { Recordings } from "./provider.contract.ts"

const recordings = JSON.parse(readFileSync(join(import.meta.dirname, "recordings/ideogram.json"), "utf8")) as Recordings

describeProvider(ideogram, recordings)

const partsFor = (given: object) => requestFor(ideogram, "ideogram/V3", { prompt: "a tin robot", ...given }).form ?? []

const valuesOf = (name: string, given: object): string[] =>
  partsFor(given).flatMap((part) => (part.name === name && "value" in part ? part.value : []))

describe("Ideogram", () => {
  it("gets every ratio with the letter that it writes", () => {
    for (const ratio of ["1:3", "3:1", "1:2", "2:1", "9:16", "16:9", "10:16", "16:10", "2:3", "3:2", "3:4", "4:3"])
      for (const spelling of [ratio, ratio.replace(":", "x"), ratio.replace(":", "/")])
        assert.deepEqual(valuesOf("aspect_ratio", { aspect_ratio: spelling }), [ratio.replace(":", "x")])
  })

  it("gets several codes of styles as as many parts of that name", () => {
    assert.deepEqual(valuesOf("style_codes", { style_codes: ["AAFF5733", "00112233"] }), ["AAFF5733", "00112233"])
  })

  it("is sent a form even where there is no file", () => {
    for (const { model, given } of recordings.requests) {
      const { json, form } = requestFor(ideogram, model, given)
      assert.equal(json, undefined)
      assert.ok(form && form.length > 0)
    }
  })

  it("never gets words for a size, nor a resolution beside a ratio", () => {
    for (const { form } of recordings.requests) {
      const { resolution, aspect_ratio } = form!.fields
      if (resolution !== undefined) assert.match(resolution, /^\d+x\d+$/)
      assert.ok(resolution === undefined || aspect_ratio === undefined)
    }
  })

  it("makes eight pictures a call", () => {
    for (const { model, given } of recordings.requests) {
      const { vendorModel, input } = inputFor(ideogram, model, given)
      assert.equal(ideogram.limits.imagesPerCall(vendorModel, input), 8)
    }
  })
})
