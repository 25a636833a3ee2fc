// What OpenAI's models are quoted at: never less than the vendor is known to bill, and the price list where it is known.
import assert from "node:assert/strict"
import { describe, it } from "node:test"
import { allModels } from "./catalogue.ts"
import { quote } from "./price.ts"

/** US dollars for one picture. */
function dollarsFor(name: string, input: Record<string, unknown>, images = 0): number {
  const model = allModels.find(({ id }) => id === `openai/${name}`) ?? assert.fail(name)
  return quote(model, { input: { prompt: "a boat", ...input, n: 1 }, images, mask: false })!.micros / 100_000_000
}

// The list is rounded. A prompt of a thousand tokens is in every quote.
const promptOf5 = 0.005
const sizes = ["1024x1024", "1024x1536", "1536x1024"] as const

describe("OpenAI's prices", () => {
  const listed: Record<string, Record<string, [square: number, oblong: number]>> = {
    "gpt-image-1": { low: [0.011, 0.016], medium: [0.042, 0.063], high: [0.167, 0.25] },
    "gpt-image-1.5": { low: [0.009, 0.013], medium: [0.034, 0.05], high: [0.133, 0.2] },
    "gpt-image-2": { low: [0.006, 0.005], medium: [0.053, 0.041], high: [0.211, 0.165] },
  }
  for (const [name, qualities] of Object.entries(listed))
    it(`of ${name} are those of its list`, () => {
      for (const [quality, [square, oblong]] of Object.entries(qualities))
        for (const size of sizes) {
          const expected = size === "1024x1024" ? square : oblong
          const found = dollarsFor(name, { quality, size }) - promptOf5
          assert.ok(Math.abs(found - expected) < 0.0008, `${quality} ${size}: ${found}`)
        }
    })

  it("of a large picture are what one was reported at", () => {
    const found = dollarsFor("gpt-image-2", { quality: "high", size: "3840x2160" }) - promptOf5
    assert.equal(found.toFixed(5), ((13_342 * 30) / 1_000_000).toFixed(5))
  })

  it("rise with the quality, with pictures, with early states and with a long prompt", () => {
    for (const { id, parameters } of allModels.filter(({ id }) => id.startsWith("openai/gpt-image"))) {
      const name = id.slice("openai/".length)
      const words = ["low", "medium", "high", "xhigh", "max"].filter(
        (word) => parameters.shape["quality"]?.safeParse(word).success,
      )
      const prices = words.map((quality) => dollarsFor(name, { quality, size: "1024x1024" }))
      assert.deepEqual(
        prices.toSorted((one, other) => one - other),
        prices,
      )
      assert.equal(new Set(prices).size, words.length)
      const dearest = Math.max(...sizes.map((size) => dollarsFor(name, { quality: "high", size })))
      assert.equal(dollarsFor(name, { quality: "auto", size: "auto" }), dearest, `${name}: auto counts as high`)
      const plain = dollarsFor(name, { quality: "low", size: "1K" })
      assert.ok(dollarsFor(name, { quality: "low", size: "1K" }, 1) > plain)
      assert.ok(dollarsFor(name, { quality: "low", size: "1K", partial_images: 2 }) > plain)
      assert.ok(dollarsFor(name, { quality: "low", size: "1K", prompt: "x".repeat(9000) }) > plain)
    }
  })
})
