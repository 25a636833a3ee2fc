// What FLUX models cost, what the smaller of them refuse, and what Microsoft cannot do of them.
import assert from "node:assert/strict"
import { describe, it } from "node:test"
import fc from "fast-check"
import { GatewayError } from "../errors.ts"
import { allModels, createCatalogue } from "./catalogue.ts"
import { quote } from "./price.ts"
import { readInput } from "./read.ts"

const catalogue = createCatalogue(allModels)
const find = (name: string) => catalogue.find(name) ?? assert.fail(name)
const image = "https://example.com/boat.png"

function read(name: string, given: Record<string, unknown>) {
  const { input, images, mask } = readInput(find(name), { prompt: "a boat", ...given })
  return { input, images: images.length, mask: mask !== undefined }
}

/** What is wrong, as it is told; nothing where it is taken. */
function faultsOf(name: string, given: Record<string, unknown>): string[] {
  try {
    read(name, given)
    return []
  } catch (error) {
    assert.ok(error instanceof GatewayError)
    return (error.failure.problems ?? []).map(({ message }) => message)
  }
}

const dollarsFor = (name: string, given: Record<string, unknown> = {}) =>
  quote(find(name), read(name, given))!.micros / 100_000_000

describe("FLUX names", () => {
  const names: Record<string, string[]> = {
    "bfl/flux-2-max": ["FLUX.2-max"],
    "bfl/flux-2-pro": ["FLUX.2-pro", "flux-2-pro"],
    "bfl/flux-2-flex": ["FLUX.2-flex"],
    "bfl/flux-2-klein": ["flux-2-klein", "flux-2-klein-9b", "FLUX.2-klein-9b", "bfl/flux-2-klein-9b"],
    "bfl/flux-2-klein-4b": ["FLUX.2-klein-4b"],
    "bfl/flux-kontext-pro": ["FLUX.1-Kontext-pro", "bfl/FLUX.1-Kontext-pro"],
    "bfl/flux-kontext-max": ["FLUX.1-Kontext-max"],
    "bfl/flux-pro-1.1": ["FLUX-1.1-pro", "flux-1.1-pro"],
    "bfl/flux-pro-1.1-ultra": ["flux-1.1-pro-ultra", "FLUX-1.1-pro-ultra"],
    "bfl/flux-dev": ["FLUX.1-dev"],
  }
  for (const [id, others] of Object.entries(names))
    it(`${others.join(", ")} mean ${id}`, () => {
      for (const other of others) assert.equal(find(other).id, id)
    })
})

describe("FLUX prices", () => {
  // From the vendor's price list: one megapixel from text, the same as an edit of one picture, four megapixels.
  const table: [name: string, text: number, edit: number, large: number][] = [
    ["flux-2-klein-4b", 0.014, 0.015, 0.017],
    ["flux-2-klein", 0.015, 0.017, 0.021],
    ["flux-2-pro", 0.03, 0.045, 0.075],
    ["flux-2-flex", 0.05, 0.1, 0.2],
    ["flux-2-max", 0.07, 0.1, 0.16],
  ]
  for (const [name, text, edit, large] of table)
    it(`${name}: by the megapixel, made and sent along`, () => {
      assert.equal(dollarsFor(name), text)
      assert.equal(dollarsFor(name, { size: "1024x1024", image }), edit)
      for (const given of [{ size: "2K" }, { size: "2048x2048" }, { width: 2048, height: 2048 }])
        assert.equal(dollarsFor(name, given), large)
      assert.equal(dollarsFor(name, { size: "64x64", n: 3 }).toFixed(6), (3 * text).toFixed(6))
    })

  const flat = { "flux-kontext-pro": 0.04, "flux-kontext-max": 0.08, "flux-pro-1.1": 0.04, "flux-pro-1.1-ultra": 0.06 }
  for (const [name, price] of Object.entries(flat))
    it(`${name}: the same for every picture`, () => {
      assert.equal(dollarsFor(name), price)
      assert.equal(dollarsFor(name, { image }), price)
    })
})

describe("the oldest FLUX models", () => {
  const models = ["flux-pro-1.1", "flux-dev"]

  it("draw pixels if and only if the vendor's description allows them, said either way", () => {
    const side = fc.integer({ min: 100, max: 1600 }).map((pixels) => (pixels % 3 === 0 ? pixels : pixels & ~31))
    const property = fc.property(side, side, fc.constantFrom(...models), (width, height, model) => {
      const legal = [width, height].every((pixels) => pixels % 32 === 0 && pixels >= 256 && pixels <= 1440)
      assert.equal(faultsOf(model, { size: `${width}x${height}` }).length === 0, legal, `${width}x${height}`)
      assert.equal(faultsOf(model, { width, height }).length === 0, legal, `${width}x${height}`)
    })
    fc.assert(property, { numRuns: 500 })
  })

  it("draw no more than 1K in words", () => {
    for (const model of models) {
      assert.deepEqual(faultsOf(model, { size: "1k" }), [])
      for (const size of ["2K", "4K"]) assert.match(faultsOf(model, { size }).join(), /^size must match /)
    }
  })

  it("remix one picture, under the vendor's own name for it too", () => {
    for (const model of [...models, "flux-pro-1.1-ultra"]) {
      assert.equal(read(model, { image_prompt: image }).images, 1)
      assert.deepEqual(faultsOf(model, { image: [image, image] }), ["image must be a list of at most 1"])
    }
    assert.deepEqual(faultsOf("flux-pro-1.1-ultra", { image_prompt_strength: 0.5, image }), [])
    const fault = "image_prompt_strength needs image"
    assert.deepEqual(faultsOf("flux-pro-1.1-ultra", { image_prompt_strength: 0.5 }), [fault])
    assert.match(faultsOf("flux-pro-1.1", { image_prompt_strength: 0.5, image }).join(), /has no parameter/)
  })
})

describe("FLUX.2 klein", () => {
  it("takes prompts as they are, and does not mind being told so", () => {
    for (const model of ["flux-2-klein", "flux-2-klein-4b"]) {
      assert.deepEqual(faultsOf(model, { prompt_upsampling: false }), [])
      assert.deepEqual(faultsOf(model, { prompt_upsampling: true }), ["prompt_upsampling must be false"])
    }
  })
})

describe("FLUX at Microsoft Azure", () => {
  const routeOf = (name: string) => find(name).routes.find(({ provider }) => provider === "azure")

  /** What stands in the way of a request there. */
  const hindrance = (name: string, given: Record<string, unknown>) =>
    (routeOf(name) ?? assert.fail(`${name} is not at Azure`)).cannot?.(read(name, given))?.message

  it("is the second way to the models that Microsoft has", () => {
    const found = allModels.flatMap(({ id, routes }) =>
      routes.flatMap(({ provider, model }, index) => (provider === "azure" ? [[id, model, index]] : [])),
    )
    assert.deepEqual(found.sort(), [
      ["bfl/flux-2-flex", "FLUX.2-flex", 1],
      ["bfl/flux-2-pro", "FLUX.2-pro", 1],
      ["bfl/flux-kontext-pro", "FLUX.1-Kontext-pro", 1],
      ["bfl/flux-pro-1.1", "FLUX-1.1-pro", 1],
    ])
  })

  it("takes what is plain, and pixels, ratios, seeds and tolerance", () => {
    for (const name of ["flux-2-pro", "flux-2-flex", "flux-kontext-pro", "flux-pro-1.1"]) {
      const plain = { aspect_ratio: "2:3", seed: 7, safety_tolerance: 5, output_format: "png", n: 10 }
      for (const given of [{}, plain, { output_format: "jpg" }]) assert.equal(hindrance(name, given), undefined)
    }
    assert.equal(hindrance("flux-2-pro", { size: "2048x2048", image: Array(8).fill(image) }), undefined)
    assert.equal(hindrance("flux-2-flex", { guidance: 1.5, steps: 50, size: "2K" }), undefined)
    assert.equal(hindrance("flux-kontext-pro", { image }), undefined)
  })

  it("takes fewer pictures to start from", () => {
    const kontext = "FLUX.1-Kontext-pro takes at most 1 picture to start from at Microsoft Azure"
    assert.equal(hindrance("flux-kontext-pro", { image: [image, image] }), kontext)
    const pro11 = "FLUX-1.1-pro takes no picture to start from at Microsoft Azure"
    assert.equal(hindrance("flux-pro-1.1", { image }), pro11)
  })

  it("makes no webp", () => {
    for (const name of ["flux-2-pro", "flux-2-flex", "flux-kontext-pro", "flux-pro-1.1"]) {
      const fault = "output_format must be jpeg or png at Microsoft Azure"
      assert.equal(hindrance(name, { output_format: "webp" }), fault)
    }
  })

  it("enriches prompts or does not, as each model does by itself", () => {
    for (const [name, itself] of [
      ["flux-2-pro", true],
      ["flux-2-flex", true],
      ["flux-kontext-pro", false],
      ["flux-pro-1.1", false],
    ] as const) {
      assert.equal(hindrance(name, { prompt_upsampling: itself }), undefined)
      const fault = `prompt_upsampling must be ${itself} at Microsoft Azure`
      assert.equal(hindrance(name, { prompt_upsampling: !itself }), fault)
    }
  })

  it("draws FLUX1.1 pro up to 1.6 megapixels, said either way", () => {
    assert.equal(hindrance("flux-pro-1.1", { size: "1440x1088" }), undefined)
    assert.equal(
      hindrance("flux-pro-1.1", { size: "1440x1120" }),
      "size must be at most 1.6 megapixels at Microsoft Azure",
    )
    const fault = "width must be at most 1.6 megapixels at Microsoft Azure"
    assert.equal(hindrance("flux-pro-1.1", { width: 1440, height: 1440 }), fault)
  })
})
