import assert from "node:assert/strict"
import { describe, it } from "node:test"
import { GatewayError } from "../errors.ts"
import type { Image } from "../images/images.ts"
import { readWanted, variantOf } from "./wanted.ts"
import type { DerivativeQuery } from "./wanted.ts"

const image: Image = {
  ...{ id: "img_1", generationId: null, position: 0, sha256: "", bytes: 1, mediaType: "image/jpeg" },
  ...{ width: 1200, height: 800, notes: {}, inputMarks: [], createdAt: 0 },
}

const variant = (query: DerivativeQuery, of: Partial<Image> = {}) => {
  const wanted = readWanted({ ...image, ...of }, query)
  return wanted && variantOf(wanted)
}

function refusal(query: DerivativeQuery, of: Partial<Image> = {}): string[] {
  try {
    readWanted({ ...image, ...of }, query)
  } catch (error) {
    assert.ok(error instanceof GatewayError && error.failure.code === "invalid_request")
    return error.failure.problems!.map(({ param, message }) => `${param}: ${message}`)
  }
  return []
}

describe("what is wanted of a picture", () => {
  it("is the file itself where nothing is asked", () => {
    assert.equal(readWanted(image, {}), undefined)
  })

  it("has one spelling for what comes to the same, and another for all else", () => {
    const same: DerivativeQuery[] = [{ w: 300 }, { w: 300, format: "jpeg" }, { w: 300, quality: 80 }]
    assert.deepEqual(
      same.map((query) => variant(query)),
      Array.from(same, () => "300x jpeg 80"),
    )
    assert.equal(variant({ w: 300, h: 200 }), variant({ w: 300, h: 200, fit: "inside" }))
    const others: DerivativeQuery[] = [
      ...[{ w: 300 }, { h: 300 }, { w: 301 }, { w: 300, h: 200 }, { w: 300, h: 200, fit: "cover" as const }],
      ...[{ w: 300, quality: 79 }, { w: 300, format: "webp" as const }, { format: "avif" as const }, { quality: 80 }],
    ]
    assert.equal(new Set(others.map((query) => variant(query))).size, others.length)
    assert.equal(variant({ w: 300 }, { mediaType: "image/png" }), "300x png")
  })

  it("is never larger than the picture, and every refusal names its parameter", () => {
    assert.deepEqual(refusal({ w: 1200, h: 800 }), [])
    assert.deepEqual(refusal({ w: 1201, h: 801, fit: "contain" }), [
      "w: w must be at most 1200, the picture's own width",
      "h: h must be at most 800, the picture's own height",
    ])
    assert.deepEqual(refusal({ w: 300, fit: "cover" }), ["fit: fit needs both w and h"])
    assert.deepEqual(refusal({ quality: 50, format: "png" }), ["quality: quality has no meaning for png"])
    assert.deepEqual(refusal({ quality: 50 }, { mediaType: "image/png" }), ["quality: quality has no meaning for png"])
  })

  it("has no side beyond 4096, also where only a format is asked", () => {
    const large = { width: 9000, height: 100 }
    assert.match(refusal({ format: "webp" }, large)[0] ?? "", /^w: w must be given, at most 4096/)
    assert.deepEqual(refusal({ w: 4096 }, large), [])
    assert.deepEqual(refusal({ h: 45 }, large), [])
    assert.equal(refusal({ h: 46 }, large).length, 1)
    assert.match(refusal({ w: 100 }, { width: 100, height: 9000 })[0] ?? "", /^h: h must be given/)
  })
})
