// What an operation takes and needs, and what it costs.
import assert from "node:assert/strict"
import { describe, it } from "node:test"
import { GatewayError } from "../errors.ts"
import { allModels, createCatalogue } from "./catalogue.ts"
import { quote } from "./price.ts"
import { readInput } from "./read.ts"

const model = createCatalogue(allModels).find("ideogram/V3")!
const picture = "https://example.com/a.png"
const pictures = [picture, "https://example.com/b.png"]

const read = (given: object) => readInput(model, { prompt: "a poster", ...given })

/** The messages of a refusal, or none. */
function refusalOf(given: object): string[] {
  try {
    read(given)
    return []
  } catch (error) {
    assert.ok(error instanceof GatewayError)
    assert.equal(error.failure.code, "invalid_request")
    return (error.failure.problems ?? []).map(({ param, message }) => `${param}: ${message}`)
  }
}

const perPicture = (given: object): number => {
  const { input, images, mask } = read(given)
  return quote(model, { input, images: images.length, mask: mask !== undefined })!.microsPerPicture / 100_000_000
}

const edit = { image: picture, mask: picture }
const reframe = { operation: "reframe", prompt: undefined, image: picture, size: "1536x512" }
const background = { operation: "replace-background", image: picture }
const transparent = { operation: "generate-transparent" }

describe("Ideogram's operations", () => {
  it("take what they are made for", () => {
    const taken: object[] = [
      {},
      { image: picture },
      edit,
      reframe,
      background,
      transparent,
      { operation: "generate", image: pictures },
      { image: pictures, reference_as: "style" },
      { ...edit, image: pictures, reference_as: "character" },
      { ...reframe, image: pictures, style_preset: "AURA" },
      { ...edit, size: "auto" },
      { size: "1K", aspect_ratio: "3:1" },
      { style_codes: ["00AAff11"] },
      { color_palette: { name: "MAGIC" } },
      { negative_prompt: "" },
    ]
    for (const given of taken) assert.deepEqual(refusalOf(given), [], JSON.stringify(given))
  })

  const needs: [object, string][] = [
    [{ prompt: undefined }, "prompt: prompt is missing"],
    [{ ...background, prompt: undefined }, "prompt: prompt is missing"],
    [{ operation: "remix" }, "image: operation remix needs image"],
    [{ operation: "replace-background" }, "image: operation replace-background needs image"],
    [{ operation: "edit", image: picture }, "mask: operation edit needs mask"],
    [{ ...reframe, size: undefined }, "size: operation reframe needs size, in pixels"],
    [{ ...reframe, size: "1K" }, "size: operation reframe needs size, in pixels"],
    [{ reference_as: "style" }, "reference_as: reference_as needs a picture to refer to"],
    [{ image: picture, reference_as: "character" }, "reference_as: reference_as needs a picture to refer to"],
  ]
  for (const [given, message] of needs)
    it(`need what they go by: ${message}, of ${JSON.stringify(given)}`, () => {
      assert.deepEqual(refusalOf(given), [message])
    })

  const barred: [object, string, string][] = [
    [{ ...reframe, prompt: "x" }, "prompt", "reframe"],
    [{ ...reframe, aspect_ratio: "1:1" }, "aspect_ratio", "reframe"],
    [{ ...reframe, magic_prompt: "ON" }, "magic_prompt", "reframe"],
    [{ ...edit, aspect_ratio: "1:1" }, "aspect_ratio", "edit"],
    [{ ...edit, size: "1K" }, "size", "edit"],
    [{ ...edit, negative_prompt: "x" }, "negative_prompt", "edit"],
    [{ ...edit, operation: "remix" }, "mask", "remix"],
    [{ image_weight: 5 }, "image_weight", "generate"],
    [{ image: picture, enable_copyright_detection: true }, "enable_copyright_detection", "remix"],
    [{ ...background, style_type: "DESIGN" }, "style_type", "replace-background"],
    [{ ...background, image: pictures, reference_as: "style" }, "reference_as", "replace-background"],
    [{ ...transparent, image: picture }, "image", "generate-transparent"],
    [{ ...transparent, style_preset: "AURA" }, "style_preset", "generate-transparent"],
  ]
  for (const [given, param, operation] of barred)
    it(`do not take what means nothing to them: ${operation} no ${param}`, () => {
      assert.deepEqual(refusalOf(given), [`${param}: ${param} cannot be given with operation ${operation}`])
    })

  const contradictions: [object, string][] = [
    [{ size: "1024x1024", aspect_ratio: "1:1" }, "aspect_ratio"],
    [{ quality: "low", rendering_speed: "TURBO" }, "quality"],
    [{ style_codes: ["00AAff11"], style_type: "AUTO" }, "style_codes"],
    [{ style_codes: ["00AAff11"], operation: "generate", image: picture }, "style_codes"],
    [{ color_palette: {} }, "color_palette"],
    [{ color_palette: { name: "EMBER", members: [{ color_hex: "#fff" }] } }, "color_palette"],
    [{ operation: "generate", image: pictures, reference_as: "character" }, "image"],
    [{ operation: "generate", image: picture, reference_as: "character", rendering_speed: "FLASH" }, "rendering_speed"],
    [{ ...transparent, rendering_speed: "FLASH" }, "rendering_speed"],
  ]
  for (const [given, param] of contradictions)
    it(`do not take what contradicts itself: ${JSON.stringify(given)}`, () => {
      assert.deepEqual(
        refusalOf(given).map((problem) => problem.split(":")[0]),
        [param],
      )
    })

  it("refuse sizes, ratios, codes and words that the vendor does not have", () => {
    for (const given of [
      { size: "1792x1024" },
      { size: "2K" },
      { aspect_ratio: "21:9" },
      { rendering_speed: "BALANCED" },
      { style_codes: ["00AAff1"] },
      { color_palette: { members: [{ color_hex: "red" }] } },
      { seed: -1 },
      { n: 11 },
      { style_type: "ANIME" },
    ])
      assert.equal(refusalOf(given).length, 1, JSON.stringify(given))
  })
})

describe("Ideogram's prices", () => {
  it("go by the speed, whatever the operation", () => {
    for (const operation of [{}, { image: picture }, edit, reframe, background]) {
      const at = (speed: object) => perPicture({ ...operation, ...speed })
      assert.deepEqual([at({ rendering_speed: "FLASH" }), at({ rendering_speed: "TURBO" })], [0.03, 0.03])
      assert.deepEqual([at({}), at({ rendering_speed: "QUALITY" })], [0.06, 0.09])
      assert.deepEqual([at({ rendering_speed: "SPEED" }), at({ quality: "high" })], [0.03, 0.09])
    }
  })

  it("are others for transparent pictures and for characters", () => {
    assert.deepEqual([perPicture(transparent), perPicture({ ...transparent, quality: "low" })], [0.07, 0.04])
    const character = { operation: "generate", image: picture, reference_as: "character" }
    assert.deepEqual([perPicture(character), perPicture({ ...character, quality: "high" })], [0.15, 0.2])
  })
})
