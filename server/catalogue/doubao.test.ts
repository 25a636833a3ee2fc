// What Seedream's models refuse for two parameters at once, and how many pictures a sequence is quoted at.
import assert from "node:assert/strict"
import { describe, it } from "node:test"
import fc from "fast-check"
import { GatewayError } from "../errors.ts"
import { createCatalogue } from "./catalogue.ts"
import { doubao } from "./doubao.ts"
import type { Model } from "./model.ts"
import { quote } from "./price.ts"
import { readInput } from "./read.ts"

const prompt = "a boat"
const [five, fortyFive, forty] = doubao as [Model, Model, Model]

const pictures = (count: number) => Array.from({ length: count }, (_, index) => `https://example.com/${index}.png`)

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

function quoteOf(model: Model, given: Record<string, unknown>) {
  const { input, images } = readInput(model, { prompt, ...given })
  return quote(model, { input, images: images.length, mask: false })!
}

describe("Seedream's sizes", () => {
  const tiers = new Map([
    [five, ["2K", "3K", "4K"]],
    [fortyFive, ["2K", "4K"]],
    [forty, ["1K", "2K", "4K"]],
  ])

  it("are those that the model makes, in capitals or not, and the reason names them", () => {
    for (const [model, made] of tiers) {
      takes(model, { size: "auto" })
      for (const size of ["1K", "2K", "3K", "4K"]) {
        for (const spelled of [size, size.toLowerCase()]) {
          const faults = faultsOf(model, { size: spelled })
          if (made.includes(size)) assert.deepEqual(faults, [])
          else
            assert.match(faults.join("; "), new RegExp(`^size: size ${size} is not made by .*${made.join(", ")}, or`))
        }
      }
    }
  })

  it("are no ratios, no two sizes at once, and not adaptive, which is another model's", () => {
    for (const model of doubao)
      for (const size of ["adaptive", "16:9", "2K 2048x2048", "2K,2048x2048", "0K", "8K", "2048", "x", ""])
        assert.match(faultsOf(model, { size }).join("; "), /^size: size must match /)
  })

  it("are pixels if and only if the vendor's table allows them", () => {
    const side = fc.integer({ min: 1, max: 20_000 })
    const property = fc.property(side, side, fc.constantFrom(...doubao), (width, height, model) => {
      const [all, ratio] = [width * height, width / height]
      const least = model === forty ? 921_600 : 3_686_400
      const legal = all >= least && all <= 16_777_216 && ratio <= 16 && ratio >= 1 / 16
      const faults = faultsOf(model, { size: `${width}x${height}` })
      assert.equal(faults.length === 0, legal, `${width}x${height}`)
    })
    fc.assert(property, { numRuns: 1000 })
    for (const size of ["1280x720", "3840x240", "960x960"]) takes(forty, { size })
    for (const size of ["3750x1250", "2560x1440", "7680x480"]) takes(fortyFive, { size })
    assert.equal(faultsOf(fortyFive, { size: "1500x1500" }).length, 1)
  })

  it("have a ratio only where they are not pixels", () => {
    const fault = "aspect_ratio: aspect_ratio cannot be given together with a size in pixels"
    for (const model of doubao) {
      for (const aspect_ratio of ["16:9", "9x16", "9:21"])
        for (const size of ["auto", "2K", undefined]) takes(model, { aspect_ratio, size })
      assert.deepEqual(faultsOf(model, { aspect_ratio: "1:1", size: "2048x2048" }), [fault])
      assert.equal(faultsOf(model, { aspect_ratio: "5:4" }).length, 1)
    }
  })
})

describe("Seedream's sequences", () => {
  const auto = { sequential_image_generation: "auto" }
  const most = (max_images: number) => ({ sequential_image_generation_options: { max_images } })

  it("are quoted at the most pictures that may come", () => {
    const table: [Record<string, unknown>, number][] = [
      [{}, 1],
      [{ n: 10 }, 10],
      [{ sequential_image_generation: "disabled", ...most(4) }, 1],
      [most(4), 1],
      [auto, 15],
      [{ sequential_image_generation: "enabled" }, 15],
      [{ ...auto, sequential_image_generation_options: {} }, 15],
      [{ ...auto, ...most(1) }, 1],
      [{ ...auto, ...most(4) }, 4],
      [{ ...auto, n: 4 }, 4],
      [{ ...auto, n: 4, ...most(4) }, 4],
      [{ ...auto, image: pictures(3) }, 12],
      [{ ...auto, ...most(4), image: pictures(3) }, 4],
      [{ ...auto, ...most(15), image: pictures(13) }, 2],
      [{ ...auto, image: pictures(14) }, 1],
      [{ image: pictures(14), n: 2 }, 2],
    ]
    for (const model of doubao)
      for (const [given, count] of table) {
        const { pictures: quoted, micros, microsPerPicture } = quoteOf(model, given)
        assert.equal(quoted, count, JSON.stringify(given))
        assert.equal(micros, count * microsPerPicture)
      }
  })

  it("have one length, whichever way it is said", () => {
    const fault = "n: n must be left out, or be max_images (3), with sequential_image_generation auto"
    for (const model of doubao) {
      assert.deepEqual(faultsOf(model, { ...auto, ...most(3), n: 4 }), [fault])
      takes(model, { ...auto, ...most(3), n: 1 })
      takes(model, { ...most(3), n: 4 })
    }
  })

  it("are at most fifteen, and have no other options", () => {
    for (const model of doubao) {
      for (const max_images of [0, 16, 2.5, "4"])
        assert.equal(faultsOf(model, { ...auto, sequential_image_generation_options: { max_images } }).length, 1)
      assert.equal(faultsOf(model, { ...auto, sequential_image_generation_options: { max: 4 } }).length, 1)
      assert.equal(faultsOf(model, { sequential_image_generation: "on" }).length, 1)
    }
  })
})

describe("Seedream's models", () => {
  it("differ in their files, their way with prompts and their price", () => {
    takes(five, { output_format: "png" })
    for (const model of [fortyFive, forty]) {
      takes(model, { output_format: "jpg" })
      assert.deepEqual(faultsOf(model, { output_format: "png" }), ['output_format: output_format must be "jpeg"'])
    }
    takes(forty, { optimize_prompt_options: { mode: "fast" } })
    for (const model of [five, fortyFive])
      assert.equal(faultsOf(model, { optimize_prompt_options: { mode: "fast" } }).length, 1)
    for (const model of doubao) takes(model, { optimize_prompt_options: { mode: "standard" } })
    const prices = doubao.map((model) => quoteOf(model, {}).micros)
    assert.deepEqual(prices, [3_500_000, 3_521_127, 2_816_901])
  })

  it("have no parameters that the vendor has not", () => {
    const unknown = { quality: "high", image_strength: 0.5, guidance: 5, guidance_scale: 5, negative_prompt: "rain" }
    for (const model of doubao)
      for (const [name, value] of Object.entries(unknown))
        assert.match(faultsOf(model, { [name]: value }).join(), new RegExp(`^${name}: .* has no parameter ${name}`))
  })

  it("are found by the ids that the vendor and others have for them", () => {
    const { find } = createCatalogue(doubao)
    const names = [
      ["doubao/doubao-seedream-4-0-250828", forty],
      ["seedream-4-0-250828", forty],
      ["doubao-seedream-4-5-251128", fortyFive],
      ["seedream-4.5", fortyFive],
      ["doubao-seedream-5.0-lite", five],
      ["doubao-seedream-5-0-260128", five],
    ] as const
    for (const [name, model] of names) assert.equal(find(name), model, name)
  })
})
