// What depends on two parameters at once: each rule of each family, for all models that take these parameters.
import assert from "node:assert/strict"
import { describe, it } from "node:test"
import fc from "fast-check"
import { z } from "zod"
import { GatewayError } from "../errors.ts"
import { allModels } from "./catalogue.ts"
import type { Model } from "./model.ts"
import { readInput } from "./read.ts"

const prompt = "a boat"
const image = "https://example.com/boat.png"

const has = (model: Model, ...fields: string[]) => fields.every((field) => field in model.parameters.shape)

function modelsOf(family: string, ...fields: string[]): Model[] {
  const found = allModels.filter((model) => model.id.startsWith(`${family}/`) && has(model, ...fields))
  assert.ok(found.length > 0, `no model of ${family} takes ${fields.join()}`)
  return found
}

/** What is wrong, as `param: message`; nothing where it is taken. */
function faultsOf(model: Model, given: Record<string, unknown>): string[] {
  try {
    readInput(model, { prompt, ...given })
    return []
  } catch (error) {
    assert.ok(error instanceof GatewayError)
    return (error.failure.problems ?? []).map(({ param, message }) => `${param}: ${message}`)
  }
}

const takes = (model: Model, given: Record<string, unknown>) => assert.deepEqual(faultsOf(model, given), [])
const refuses = (model: Model, given: Record<string, unknown>, ...faults: string[]) =>
  assert.deepEqual(faultsOf(model, given), faults)

describe("every family", () => {
  it("has a mask only for a picture", () => {
    for (const model of allModels.filter((one) => has(one, "mask"))) {
      takes(model, { mask: image, image })
      const alone = faultsOf(model, { mask: image })
      assert.ok(alone.includes("mask: mask needs image, the picture it belongs to"), alone.join())
    }
  })

  it("names every rule that is broken at once", () => {
    for (const model of modelsOf("openai", "background", "moderation", "mask")) {
      const given = { background: "transparent", output_format: "jpeg", moderation: "low", image }
      assert.equal(faultsOf(model, given).length, 2)
      assert.equal(faultsOf(model, { background: "transparent", output_format: "jpeg", mask: image }).length, 2)
    }
  })
})

describe("OpenAI", () => {
  it("makes nothing transparent in jpeg", () => {
    for (const model of modelsOf("openai", "background")) {
      const fault = 'background: background "transparent" needs output_format "png" or "webp"'
      refuses(model, { background: "transparent", output_format: "jpeg" }, fault)
      for (const output_format of ["png", "webp"]) takes(model, { background: "transparent", output_format })
      takes(model, { background: "opaque", output_format: "jpeg" })
      takes(model, { background: "transparent" })
    }
  })

  it("compresses jpeg and webp alone", () => {
    for (const model of modelsOf("openai", "output_compression")) {
      const fault = 'output_compression: output_compression needs output_format "jpeg" or "webp"'
      refuses(model, { output_compression: 0 }, fault)
      refuses(model, { output_compression: 80, output_format: "png" }, fault)
      for (const output_format of ["jpeg", "jpg", "webp"]) takes(model, { output_compression: 80, output_format })
    }
  })

  it("sets the moderation of generations alone, since the form of an edit has no such field", () => {
    for (const model of modelsOf("openai", "moderation")) {
      takes(model, { moderation: "low" })
      refuses(model, { moderation: "auto", image }, "moderation: moderation cannot be set together with image")
    }
  })

  it("keeps to pictures that were given", () => {
    for (const model of modelsOf("openai", "input_fidelity")) {
      takes(model, { input_fidelity: "high", image })
      refuses(model, { input_fidelity: "high" }, "input_fidelity: input_fidelity needs image")
    }
  })

  it("knows no fidelity where the vendor refuses it: mini, and the second generation", () => {
    for (const model of modelsOf("openai", "image"))
      assert.equal(has(model, "input_fidelity"), !/-mini$|gpt-image-2/.test(model.id), model.id)
  })

  const free = modelsOf("openai", "size").filter((model) => {
    const { properties } = z.toJSONSchema(model.parameters) as { properties: Record<string, { enum?: unknown }> }
    return properties["size"]?.enum === undefined
  })

  it("draws any size within the vendor's rules, where it draws any size at all", () => {
    assert.ok(free.length > 0)
    const fault =
      "size: size must have sides that are multiples of 16 and at most 3840, 1:3 to 3:1, 655,360 to 8,294,400 pixels in all"
    const legal = ["3840x2160", "2160x3840", "1024x640", "1536x512", "2880x2880", "3840x1280"]
    const wrong = ["3856x2160", "1000x1000", "1024x1032", "1024x624", "1600x512", "3840x1264", "3840x2176", "2896x2896"]
    for (const model of free) {
      for (const size of [...legal, "auto", "1K", "2K", "4K", "1k"]) takes(model, { size })
      for (const size of wrong) refuses(model, { size }, fault)
    }
  })

  it("draws a size if and only if its vendor allows it", () => {
    const side = fc
      .integer({ min: 100, max: 5000 })
      .map((pixels) => (pixels % 3 === 0 ? pixels : pixels - (pixels % 16)))
    const property = fc.property(side, side, fc.constantFrom(...free), (width, height, model) => {
      const [long, short, pixels] = [Math.max(width, height), Math.min(width, height), width * height]
      const even = width % 16 === 0 && height % 16 === 0
      const legal = even && long <= 3840 && long / short <= 3 && pixels >= 655_360 && pixels <= 8_294_400
      assert.equal(faultsOf(model, { size: `${width}x${height}` }).length === 0, legal)
    })
    fc.assert(property, { numRuns: 1000 })
  })
})

describe("FLUX", () => {
  const isFlux2 = ({ id }: Model) => id.startsWith("bfl/flux-2-")
  const flux2 = modelsOf("bfl", "width", "height").filter(isFlux2)
  const ratios = modelsOf("bfl", "aspect_ratio")

  it("filters strictly where there are reference pictures", () => {
    for (const model of modelsOf("bfl", "safety_tolerance", "image")) {
      const fault = "safety_tolerance: safety_tolerance must be at most 2 together with image"
      takes(model, { safety_tolerance: 5 })
      takes(model, { safety_tolerance: 2, image })
      takes(model, { image })
      refuses(model, { safety_tolerance: 3, image }, fault)
    }
  })

  it("tolerates up to 5 in its second generation and up to 6 in its first", () => {
    for (const model of modelsOf("bfl", "safety_tolerance")) {
      const most = isFlux2(model) ? 5 : 6
      takes(model, { safety_tolerance: most })
      refuses(model, { safety_tolerance: most + 1 }, `safety_tolerance: safety_tolerance must be at most ${most}`)
    }
  })

  it("takes ratios from 21:9 to 9:21", () => {
    for (const model of ratios) {
      for (const aspect_ratio of ["21:9", "9:21", "1:1", "7:3", "16:9", "2:1", "20:9"]) takes(model, { aspect_ratio })
      for (const aspect_ratio of ["19:8", "8:19", "12:5", "5:12", "3:1"])
        refuses(model, { aspect_ratio }, "aspect_ratio: aspect_ratio must be from 21:9 to 9:21")
      for (const aspect_ratio of ["0:1", "1:0", "22:10", "1.5:1", "auto", "16:9:1", " "])
        assert.match(faultsOf(model, { aspect_ratio }).join(), /^aspect_ratio: aspect_ratio must match /)
    }
  })

  it("has no raw mode but in ultra, and does not mind being told so", () => {
    for (const model of modelsOf("bfl", "raw")) {
      takes(model, { raw: false })
      if (model.id.endsWith("-ultra")) takes(model, { raw: true })
      else refuses(model, { raw: true }, "raw: raw must be false")
    }
  })

  it("knows one way at a time to say the size", () => {
    const both = "width: width and height cannot be given together with aspect_ratio or size"
    const ratio = "aspect_ratio: aspect_ratio cannot be given together with a size in pixels"
    for (const model of flux2) {
      takes(model, { width: 1024, height: 768 })
      for (const size of ["1024x768", "2048x2048", "64x64", "4096x1024"]) takes(model, { size })
      takes(model, { size: "2K", aspect_ratio: "2:1" })
      refuses(model, { width: 1024 }, "height: width and height go together")
      refuses(model, { height: 1024 }, "width: width and height go together")
      refuses(model, { width: 1024, height: 768, aspect_ratio: "4:3" }, both)
      refuses(model, { width: 1024, height: 768, size: "1K" }, both)
      refuses(model, { size: "1024x768", aspect_ratio: "4:3" }, ratio)
    }
  })

  it("draws pixels if and only if its vendor allows them, said either way", () => {
    const side = fc
      .integer({ min: 10, max: 4200 })
      .map((pixels) => (pixels % 3 === 0 ? pixels : pixels - (pixels % 16)))
    const property = fc.property(side, side, fc.constantFrom(...flux2), (width, height, model) => {
      const even = [width, height].every((pixels) => pixels % 16 === 0 && pixels >= 64)
      const legal = even && width * height <= 4_194_304
      assert.equal(faultsOf(model, { size: `${width}x${height}` }).length === 0, legal, `${width}x${height}`)
      // Sides beyond this cannot be had even at the other side's least, but are refused by the schema first.
      if (Math.max(width, height) <= 4096) assert.equal(faultsOf(model, { width, height }).length === 0, legal)
    })
    fc.assert(property, { numRuns: 1000 })
  })

  it("names the size by the parameter that gave it", () => {
    const message = "sides must be multiples of 16 from 64, at most 4,194,304 pixels in all"
    for (const model of flux2) {
      refuses(model, { size: "2048x2064" }, `size: ${message}`)
      refuses(model, { width: 2048, height: 2064 }, `width: ${message}`)
    }
  })

  it("follows as many references as the vendor", () => {
    const most = (id: string) => (/klein|kontext/.test(id) ? 4 : id.includes("flux-2-") ? 8 : 1)
    for (const model of modelsOf("bfl", "image")) assert.equal(model.imagesMax, most(model.id), model.id)
  })
})
