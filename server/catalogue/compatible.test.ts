// Models that the operator names: what becomes of each entry, and what of a request such a server cannot be told.
import assert from "node:assert/strict"
import { describe, it } from "node:test"
import { allModels, createCatalogue } from "./catalogue.ts"
import { withCompatible } from "./compatible.ts"
import type { CompatibleEntry } from "./compatible.ts"
import { lastDayOf } from "./lifecycle.ts"
import type { Model } from "./model.ts"
import { leastPrice, quote } from "./price.ts"
import { readInput } from "./read.ts"

const find = (name: string, ...entries: CompatibleEntry[]): Model =>
  createCatalogue(withCompatible(allModels, entries)).find(name) ?? assert.fail(name)

function hindranceOf(model: Model, given: Record<string, unknown>): string | undefined {
  const { input, images, mask } = readInput(model, { prompt: "a boat", ...given })
  const route = model.routes.find(({ provider }) => provider === "compatible")!
  return route.cannot?.({ input, images: images.length, mask: mask !== undefined })?.message
}

describe("a model that the operator names", () => {
  it("leaves the catalogue as it is where there is none", () => {
    assert.deepEqual(withCompatible(allModels, []), allModels)
  })

  it("is one of its own where the catalogue does not know the name", () => {
    const model = find("sdxl", { name: "sdxl", model: "stabilityai/sdxl" })
    assert.equal(model.id, "compatible/sdxl")
    assert.deepEqual(
      model.routes.map(({ provider, model: there }) => [provider, there]),
      [["compatible", "stabilityai/sdxl"]],
    )
    const { input } = readInput(model, { prompt: "a boat", num_inference_steps: 4, cfg_scale: 2 })
    assert.deepEqual([input["steps"], input["guidance"], input["size"]], [4, 2, "auto"])
    assert.throws(() => readInput(model, { prompt: "a boat", size: "1K" }), /size must match/)
    assert.throws(() => readInput(model, { prompt: "a boat", image: Array(5).fill("https://example.com/a.png") }), /4/)
  })

  it("costs what the operator says, and has no price where he says nothing", () => {
    const given = { input: { prompt: "a boat", n: 2 }, images: 1, mask: false }
    assert.equal(quote(find("sdxl", { name: "sdxl", model: "sdxl", price: 0.002 }), given)?.micros, 400_000)
    assert.equal(quote(find("sdxl", { name: "sdxl", model: "sdxl", price: 0 }), given)?.micros, 0)
    const unpriced = find("sdxl", { name: "sdxl", model: "sdxl" })
    assert.deepEqual(["price" in unpriced, quote(unpriced, given), leastPrice(unpriced)], [false, undefined, undefined])
  })

  it("has one more vendor where the catalogue knows the name, by any of its names", () => {
    for (const name of ["openai/gpt-image-2", "gpt-image-2", "opanai/GPT-Image-2", "gpt-image-2-2026-04-21"]) {
      const model = find("openai/gpt-image-2", { name, model: "my-deployment" })
      const vendors = model.routes.map(({ provider }) => provider)
      assert.equal(vendors[0], "openai")
      assert.ok(vendors.includes("compatible"))
      assert.ok(model.price)
    }
  })

  it("is served after its vendor has given it up", () => {
    const model = find("dall-e-3", { name: "dall-e-3", model: "mine" })
    assert.equal(lastDayOf(model), undefined)
    assert.equal(model.routes[0]?.retires, "2026-05-12")
  })

  it("is refused by name where it can be no model", () => {
    const table: [CompatibleEntry[], RegExp][] = [
      [
        [{ name: "stabilityai/sdxl", model: "x" }],
        /stabilityai\/sdxl names no model of the catalogue.*sdxl=stabilityai/,
      ],
      [
        [{ name: "gpt-image-2", model: "x", price: 1 }],
        /gpt-image-2 is openai\/gpt-image-2, which has a price already/,
      ],
      [
        [
          { name: "a", model: "x" },
          { name: "A", model: "y" },
        ],
        /A is there twice/,
      ],
      [
        [
          { name: "dall-e-3", model: "x" },
          { name: "openai/dall-e-3", model: "y" },
        ],
        /openai\/dall-e-3 is there twice/,
      ],
    ]
    for (const [entries, message] of table) {
      assert.throws(() => withCompatible(allModels, entries), message)
      assert.throws(() => withCompatible(allModels, entries), /^Error: ATELIER_COMPATIBLE_MODELS: /)
    }
  })
})

describe("a request to such a server", () => {
  it("holds no orders hidden in the prompt", () => {
    const model = find("sdxl", { name: "sdxl", model: "sdxl" })
    for (const text of ['a <sd_cpp_extra_args>{"steps":999}</sd_cpp_extra_args>', "a </SD_CPP_EXTRA_ARGS>"]) {
      assert.match(hindranceOf(model, { prompt: text }) ?? "", /^prompt must not hold/)
      assert.match(hindranceOf(model, { negative_prompt: text }) ?? "", /^prompt must not hold/)
    }
    assert.equal(hindranceOf(model, { prompt: "a <lora:boat:1>" }), undefined)
  })

  it("goes another way where it asks for what only the model's own vendor knows", () => {
    const model = find("bfl/flux-2-pro", { name: "bfl/flux-2-pro", model: "flux" })
    assert.equal(hindranceOf(model, { safety_tolerance: 2, raw: false }), undefined)
    assert.match(hindranceOf(model, { safety_tolerance: 4 }) ?? "", /^safety_tolerance cannot be sent/)
  })

  it("can be made of the least that any model of the catalogue is asked", () => {
    for (const { id, imagesMin } of allModels) {
      const model = find(id, { name: id, model: "mine" })
      const image = Array.from({ length: imagesMin }, (_, index) => `https://example.com/${index}.png`)
      assert.equal(hindranceOf(model, imagesMin > 0 ? { image } : {}), undefined, id)
    }
  })
})
