// What depends on whether Stability's models start from a picture.
import assert from "node:assert/strict"
import { describe, it } from "node:test"
import { GatewayError } from "../errors.ts"
import { allModels, createCatalogue } from "./catalogue.ts"
import { quote } from "./price.ts"
import { readInput } from "./read.ts"

const catalogue = createCatalogue(allModels)
const image = "https://example.com/a.png"

/** The names of the parameters that are refused. */
function refused(name: string, given: object): string[] {
  try {
    readInput(catalogue.find(name)!, { prompt: "a robot", ...given })
    return []
  } catch (error) {
    assert.ok(error instanceof GatewayError)
    return (error.failure.problems ?? []).map(({ param }) => param)
  }
}

describe("Stability's models", () => {
  it("take a strength with a picture only", () => {
    for (const name of ["sd3.5-large", "stable-image-ultra"]) {
      assert.deepEqual(refused(name, { strength: 0.5 }), ["strength"])
      assert.deepEqual(refused(name, { strength: 0.5, image }), [])
      assert.deepEqual(refused(name, { strength: 1.1, image }), ["strength"])
    }
  })

  it("keep the shape of the picture where they are Stable Diffusion, and Ultra may be told another", () => {
    for (const shape of [{ aspect_ratio: "3:2" }, { size: "1K" }, { size: "1024x1024" }]) {
      assert.deepEqual(refused("sd3.5-medium", { image, ...shape }), Object.keys(shape))
      assert.deepEqual(refused("sd3.5-medium", shape), [])
      assert.deepEqual(refused("stable-image-ultra", { image, ...shape }), [])
    }
    assert.deepEqual(refused("sd3.5-medium", { image, size: "auto" }), [])
  })

  it("take a square for the ratio that it is, and no other size", () => {
    assert.deepEqual(refused("sd3", { size: "1024x1024", aspect_ratio: "1:1" }), [])
    assert.deepEqual(refused("sd3", { size: "1024x1024", aspect_ratio: "16:9" }), ["aspect_ratio"])
    assert.deepEqual(refused("sd3", { size: "1536x1024" }), ["size"])
    assert.deepEqual(refused("stable-image-core", { size: "1K" }), ["size"])
  })

  it("make WebP but for Stable Diffusion", () => {
    assert.deepEqual(refused("sd3", { output_format: "webp" }), ["output_format"])
    for (const name of ["stable-image-ultra", "stable-image-core"])
      assert.deepEqual(refused(name, { output_format: "webp" }), [])
  })

  it("refuse what the older API took", () => {
    for (const param of ["steps", "samples", "width", "mask"])
      assert.deepEqual(refused("sd3", { [param]: 5 }).slice(0, 1), [param])
    assert.deepEqual(refused("stable-image-core", { image }), ["image"])
    assert.deepEqual(refused("stable-image-core", { guidance: 4 }), ["guidance"])
  })

  it("cost what the vendor's credits come to", () => {
    const names = ["sd3.5-large", "sd3.5-large-turbo", "sd3.5-medium", "stable-image-ultra", "stable-image-core"]
    const credits = names.map((name) => {
      const model = catalogue.find(name)!
      return quote(model, { input: { n: 2 }, images: 0, mask: false })!.micros / 2_000_000
    })
    assert.deepEqual(credits, [6.5, 4, 3.5, 8, 3])
  })
})
