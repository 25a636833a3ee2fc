// What of Google's models depends on more than one parameter: what they cost, and which way they can go.
import assert from "node:assert/strict"
import { describe, it } from "node:test"
import { google } from "./google.ts"
import { dollars, quote } from "./price.ts"
import { readInput } from "./read.ts"

const modelOf = (id: string) => google.find((model) => model.id === `google/${id}`) ?? assert.fail(id)

function givenOf(id: string, more: Record<string, unknown> = {}, images = 0) {
  const { input } = readInput(modelOf(id), { prompt: "a key", ...more })
  return { input, images, mask: false }
}

const priceOf = (id: string, more: Record<string, unknown> = {}, images = 0) =>
  quote(modelOf(id), givenOf(id, more, images))?.microsPerPicture

describe("Google's models", () => {
  // Google's lists, rounded as they are, and beside the pictures what a long prompt and thoughts come to.
  const words = { "gemini-3.1-flash-image": 0.0014, "gemini-3-pro-image": 0.0056, "gemini-nano-banana-2.1": 0.0042 }
  const listed: [id: keyof typeof words, sizes: string[], price: number][] = [
    ["gemini-3.1-flash-image", ["auto", "1k", "1K", "1024*1024"], 0.067],
    ["gemini-3.1-flash-image", ["512", "512x512"], 0.045],
    ["gemini-3.1-flash-image", ["2K"], 0.101],
    ["gemini-3.1-flash-image", ["4k", "4096x4096"], 0.151],
    ["gemini-3-pro-image", ["1K", "2K"], 0.134],
    ["gemini-3-pro-image", ["4K"], 0.24],
    ["gemini-nano-banana-2.1", ["1K"], 0.0336],
  ]

  it("cost by the size, however it is written", () => {
    for (const [id, sizes, price] of listed)
      for (const size of sizes) {
        const found = priceOf(id, { size })! / 100_000_000 - words[id]
        assert.ok(Math.abs(found - price) < 0.0005, `${id} ${size}: ${found}`)
      }
    assert.equal(priceOf("imagen-4.0-ultra-generate-001", { size: "2K" }), dollars(0.06))
  })

  it("cost more with reference pictures, and with a search", () => {
    const pro = "gemini-3-pro-image"
    assert.equal(priceOf(pro, {}, 2)! - priceOf(pro)!, dollars(0.00448))
    assert.equal(priceOf(pro, { google_search: true })! - priceOf(pro)!, dollars(0.014))
  })

  it("take no ratio but 1:1 beside a size in pixels, and no compression but of jpeg", () => {
    for (const { id, parameters } of google) {
      const short = id.replace("google/", "")
      givenOf(short, { size: "1024x1024", aspect_ratio: "1:1" })
      assert.throws(() => givenOf(short, { size: "1024x1024", aspect_ratio: "16:9" }), /aspect_ratio must be "1:1"/)
      givenOf(short, { output_format: "jpeg", output_compression: 50 })
      assert.throws(() => givenOf(short, { output_compression: 50 }), /output_compression needs output_format "jpeg"/)
      if ("watermark" in parameters.shape)
        assert.throws(() => givenOf(short, { seed: 1 }), /seed needs watermark false/)
    }
  })

  it("go to the Gemini API but for what only Vertex AI takes, which takes all of it", () => {
    const ways = (id: string, more: Record<string, unknown>) =>
      modelOf(id).routes.flatMap((route) => (route.cannot?.(givenOf(id, more)) ? [] : route.provider))
    const imagen = "imagen-4.0-generate-001"
    for (const more of [{}, { watermark: true }, { negative_prompt: "" }, { output_format: "jpeg" }, { n: 10 }])
      assert.deepEqual(ways(imagen, more), ["google", "vertex"], JSON.stringify(more))
    const only = [
      { watermark: false },
      { watermark: false, seed: 0 },
      { negative_prompt: "x" },
      { prompt_upsampling: false },
    ]
    for (const more of only) assert.deepEqual(ways(imagen, more), ["vertex"], JSON.stringify(more))
    const banana = "gemini-nano-banana-2.1"
    for (const more of [{}, { seed: 1 }, { size: "4K" }, { google_search: true }, { safety_setting: "off" }])
      assert.deepEqual(ways(banana, more), ["google", "vertex"], JSON.stringify(more))
    for (const more of [{ output_format: "png" }, { person_generation: "allow_all" }, { prominent_people: "block" }])
      assert.deepEqual(ways(banana, more), ["vertex"], JSON.stringify(more))
  })
})
