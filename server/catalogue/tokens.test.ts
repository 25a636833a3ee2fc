// What a call is billed at by its tokens: the vendor's price list, and never less for more of them.
import assert from "node:assert/strict"
import { describe, it } from "node:test"
import fc from "fast-check"
import { allModels } from "./catalogue.ts"
import type { Counted, Given, Model } from "./model.ts"
import { dollars, quote } from "./price.ts"

const ofTokens = allModels.filter(({ bill }) => bill)
const modelOf = (id: string): Model => allModels.find((model) => model.id === id) ?? assert.fail(id)
const given = (input: Record<string, unknown> = {}, images = 0): Given => ({
  input: { prompt: "a boat", ...input, n: 1 },
  images,
  mask: false,
})

function counted(text: number, imageIn: number, imageOut: number, textOut = 0): Counted {
  return {
    input_tokens: text + imageIn,
    input_tokens_details: { image_tokens: imageIn },
    output_tokens: imageOut + textOut,
    output_tokens_details: { image_tokens: imageOut },
  }
}

const billOf = (id: string, tokens: Counted, of = given()): number => modelOf(id).bill!(of, tokens)

describe("a bill by tokens", () => {
  it("is there for every model whose vendor bills so", () => {
    const ids = ofTokens.map(({ id }) => id)
    const expected = allModels.flatMap(({ id }) => (/\/(gpt-image|chatgpt-image|gemini)/.test(id) ? id : []))
    assert.deepEqual(ids, expected)
    assert.ok(ids.length >= 14)
  })

  it("is what the vendor's price list says", () => {
    // A square in high quality is 4160 tokens at 40 dollars a million, 16.64 cents, and its prompt of 50 at 5 dollars.
    assert.equal(billOf("openai/gpt-image-1", counted(50, 0, 4_160)), dollars(0.1664 + 0.00025))
    assert.equal(billOf("openai/gpt-image-1.5", counted(14, 323, 1_056)), dollars(0.00007 + 0.002584 + 0.033792))
    assert.equal(billOf("openai/gpt-image-1-mini", counted(100, 0, 272)), dollars(0.0002 + 0.002176))
    // As reported of an edit in 4K: about 40 cents.
    assert.equal(billOf("openai/gpt-image-2", counted(0, 0, 13_342)), dollars(0.40026))
    // Thoughts and words at 12 dollars a million, pictures at 120.
    assert.equal(billOf("google/gemini-3-pro-image", counted(10, 560, 1_120, 225)), dollars(0.00114 + 0.1344 + 0.0027))
    assert.equal(billOf("google/gemini-3.1-flash-image", counted(1_130, 0, 1_680, 210)), dollars(0.000565 + 0.10143))
  })

  it("counts a search beside the tokens", () => {
    const tokens = counted(10, 0, 1_120)
    const [plain, searched] = [given(), given({ google_search: true })]
    const model = modelOf("google/gemini-3-pro-image")
    assert.equal(model.bill!(searched, tokens) - model.bill!(plain, tokens), dollars(0.014))
  })

  it("takes what a vendor does not tell apart for pictures that come out, and for text that goes in with none given", () => {
    const told = { input_tokens: 100, output_tokens: 4_160 }
    const [id, text, pictures] = ["openai/gpt-image-1", counted(100, 0, 4_160), counted(0, 100, 4_160)] as const
    assert.equal(billOf(id, told), billOf(id, text))
    assert.equal(billOf(id, told, given({}, 1)), billOf(id, pictures))
    assert.equal(billOf(id, told, { ...given(), mask: true }), billOf(id, pictures))
    // Some put all tokens that come out under text.
    assert.equal(billOf(id, { ...text, output_tokens_details: { image_tokens: 0 } }), billOf(id, text))
  })

  it("is under the quote for a short prompt and one picture of the size that was asked for", () => {
    const found: [id: string, tokens: number][] = [
      ["openai/gpt-image-1", 4_160],
      ["openai/gpt-image-1.5", 4_160],
      ["google/gemini-3-pro-image", 1_120],
      ["google/gemini-2.5-flash-image", 1_290],
    ]
    for (const [id, tokens] of found) {
      const of = given({ size: "1024x1024", quality: "high" })
      assert.ok(billOf(id, counted(20, 0, tokens), of) < quote(modelOf(id), of)!.micros, id)
    }
  })

  it("is in whole micro-credits, never below nothing, and never less for more tokens of any kind", () => {
    const tokens = fc.integer({ min: 0, max: 1_000_000 })
    const all = fc.tuple(tokens, tokens, fc.integer({ min: 1, max: 1_000_000 }), tokens)
    const property = fc.property(fc.constantFrom(...ofTokens), all, all, ({ id }, some, more) => {
      const less = billOf(id, counted(...some))
      assert.ok(Number.isSafeInteger(less) && less >= 0)
      const [text, imageIn, imageOut, textOut] = some.map((count, at) => count + more[at]!) as typeof some
      for (const larger of [
        counted(text, some[1], some[2], some[3]),
        counted(some[0], imageIn, some[2], some[3]),
        counted(some[0], some[1], imageOut, some[3]),
        counted(some[0], some[1], some[2], textOut),
      ])
        assert.ok(billOf(id, larger) >= less)
    })
    fc.assert(property)
  })

  it("is a number whatever a vendor says", () => {
    const any = fc.integer()
    const details = fc.option(fc.record({ image_tokens: any }), { nil: undefined })
    const property = fc.property(
      fc.constantFrom(...ofTokens),
      any,
      any,
      details,
      details,
      ({ id }, into, out, a, b) => {
        const told = {
          ...{ input_tokens: into, output_tokens: out },
          ...(a ? { input_tokens_details: a } : {}),
          ...(b ? { output_tokens_details: b } : {}),
        }
        assert.ok(billOf(id, told) >= 0)
      },
    )
    fc.assert(property)
  })
})
