// What the models of Baidu Qianfan refuse for two parameters at once, and which of it Alibaba can serve as well.
import assert from "node:assert/strict"
import { describe, it } from "node:test"
import fc from "fast-check"
import { GatewayError } from "../errors.ts"
import type { Model } from "./model.ts"
import { quote } from "./price.ts"
import { qianfan } from "./qianfan.ts"
import { readInput } from "./read.ts"

const [drawQwen, editQwen, drawIrag, editIrag] = qianfan as [Model, Model, Model, Model]
const editing = [editQwen, editIrag]
const image = "https://example.com/boat.png"
const mask = "https://example.com/place.png"

/** The least that it can be asked, and more. */
const wish = (model: Model, given: Record<string, unknown>) => ({
  prompt: "a boat",
  ...(editing.includes(model) ? { image } : {}),
  ...given,
})

/** What is wrong, as `param: message`; nothing where it is taken. */
function faultsOf(model: Model, given: Record<string, unknown>): string[] {
  try {
    readInput(model, wish(model, given))
    return []
  } catch (error) {
    assert.ok(error instanceof GatewayError)
    return (error.failure.problems ?? []).map(({ param, message }) => `${param}: ${message}`)
  }
}

const takes = (model: Model, given: Record<string, unknown>) => assert.deepEqual(faultsOf(model, given), [])

describe("Qianfan's sizes", () => {
  const fault = "size: size must be auto, 1K, 2K, or pixels with both sides from 512 to 2048"

  it("are those of the documents, with a star or an x, in capitals or not", () => {
    const documented = ["512*1024", "768*512", "768*1024", "1024*576", "576*1024", "1024*1024", "1K", "2k", "auto"]
    for (const model of qianfan)
      for (const size of [...documented, "1024x768", "1024X2048", "2048x2048"]) takes(model, { size })
  })

  it("are not 4K, nor ratios, nor anything else", () => {
    for (const model of qianfan) {
      for (const size of ["4K", "3k", "4096x4096", "511x1024"]) assert.deepEqual(faultsOf(model, { size }), [fault])
      for (const size of ["16:9", "large", "", "1024", "99x99"])
        assert.match(faultsOf(model, { size }).join(), /^size: size must match /)
      assert.match(faultsOf(model, { aspect_ratio: "16:9" }).join(), /has no parameter aspect_ratio/)
      assert.match(faultsOf(model, { quality: "high" }).join(), /has no parameter quality/)
    }
  })

  it("have sides from 512 to 2048, and no others", () => {
    const side = fc.integer({ min: 100, max: 9999 })
    const property = fc.property(side, side, fc.constantFrom(...qianfan), (width, height, model) => {
      const legal = [width, height].every((pixels) => pixels >= 512 && pixels <= 2048)
      assert.deepEqual(faultsOf(model, { size: `${width}x${height}` }), legal ? [] : [fault])
    })
    fc.assert(property, { numRuns: 500 })
  })
})

describe("Qianfan's pictures to start from", () => {
  it("are needed to edit, are one for iRAG, and are none for Qwen-Image", () => {
    for (const model of editing)
      assert.deepEqual(faultsOf(model, { image: "" }), ["image: image is missing: this model edits a picture"])
    takes(drawIrag, { refer_image: image })
    takes(drawQwen, { refer_image: "" })
    assert.match(faultsOf(drawQwen, { refer_image: image }).join(), /qwen-image has no parameter refer_image/)
    assert.equal(faultsOf(drawIrag, { refer_image: [image, image] }).length, 1)
  })
})

describe("ERNIE iRAG Edit", () => {
  it("needs a mask to erase and to repaint, and takes none for a variation", () => {
    for (const feature of ["erase", "repaint"]) {
      assert.deepEqual(faultsOf(editIrag, { feature }), [`mask: feature ${feature} needs mask`])
      takes(editIrag, { feature, mask })
    }
    takes(editIrag, { feature: "variation" })
    const fault = "mask: mask cannot be given with feature variation"
    assert.deepEqual(faultsOf(editIrag, { feature: "variation", mask }), [fault])
    for (const given of [{}, { mask }]) takes(editIrag, given)
    assert.equal(faultsOf(editIrag, { feature: "expand" }).length, 1)
  })

  it("needs no words to erase, and some for everything else", () => {
    for (const prompt of [undefined, ""]) {
      takes(editIrag, { prompt, mask, feature: "erase" })
      for (const given of [{}, { mask }, { feature: "variation" }])
        assert.deepEqual(faultsOf(editIrag, { ...given, prompt }), ["prompt: prompt is missing"])
    }
  })
})

describe("Qianfan's models", () => {
  it("take prompts as long as each is documented to", () => {
    for (const [model, most] of [
      [drawQwen, 800],
      [editQwen, 800],
      [drawIrag, 220],
      [editIrag, 220],
    ] as const) {
      takes(model, { prompt: "x".repeat(most) })
      const fault = `prompt: prompt must be at most ${most} characters long`
      assert.deepEqual(faultsOf(model, { prompt: "x".repeat(most + 1) }), [fault])
    }
  })

  it("take what published clients send", () => {
    const plugin = { refer_image: "", n: 4, size: "1024x2048", guidance: 7.5, watermark: false }
    for (const model of [drawQwen, drawIrag]) takes(model, plugin)
    for (const model of editing) takes(model, { guidance: 7.5, watermark: false })
    takes(editQwen, { images: [image], n: 1, size: "1024x1024", seed: 2_147_483_647, negative_prompt: "", image: null })
    for (const model of [drawIrag, editIrag]) takes(model, { images: [image], seed: 5, n: 1, image: null })
    for (const model of qianfan) {
      assert.equal(faultsOf(model, { seed: 2_147_483_648 }).length, 1)
      assert.equal(faultsOf(model, { guidance: 20.5 }).length, 1)
      assert.equal(faultsOf(model, { n: 11 }).length, 1)
    }
    for (const model of [drawIrag, editIrag])
      for (const given of [{ steps: 20 }, { negative_prompt: "rain" }, { prompt_extend: true }])
        assert.match(faultsOf(model, given).join(), /has no parameter/)
  })

  it("cost what the vendor asks in yuan", () => {
    const price = (model: Model) => quote(model, { input: { n: 1 }, images: 0, mask: false })!.micros
    assert.deepEqual(qianfan.map(price), [3_521_127, 4_225_352, 1_971_831, 1_971_831])
  })
})

describe("Alibaba's way to Qwen-Image", () => {
  /** What stands in its way. */
  function hindranceOf(model: Model, given: Record<string, unknown>): string | undefined {
    const { input, images } = readInput(model, wish(model, given))
    const { cannot } = model.routes.find(({ provider }) => provider === "dashscope") ?? assert.fail("no such way")
    const problem = cannot?.({ input, images: images.length, mask: false })
    return problem && `${problem.param}: ${problem.message}`
  }

  it("is there for Qwen's models alone, after Baidu's", () => {
    const ways = qianfan.map(({ routes }) => routes.map(({ provider }) => provider).join())
    assert.deepEqual(ways, ["qianfan,dashscope", "qianfan,dashscope", "qianfan", "qianfan"])
  })

  it("makes five sizes, and of the words for sizes auto and 1K", () => {
    for (const size of ["auto", "1K", "1328x1328", "1664*928", "928x1664", "1472x1104", "1104x1472"])
      assert.equal(hindranceOf(drawQwen, { size }), undefined)
    for (const size of ["1024x1024", "1024x576", "2K", "1664x929"])
      assert.match(hindranceOf(drawQwen, { size }) ?? "", /^size: size must be auto, 1K, 1328x1328, .* with Alibaba$/)
    assert.equal(hindranceOf(editQwen, { size: "auto" }), undefined)
    for (const size of ["1K", "1328x1328"])
      assert.equal(hindranceOf(editQwen, { size }), "size: size must be auto with Alibaba")
  })

  it("takes neither guidance nor steps, and enriches no prompt of an edit", () => {
    for (const model of [drawQwen, editQwen]) {
      for (const param of ["guidance", "steps"])
        assert.equal(
          hindranceOf(model, { [param]: 4 }),
          `${param}: ${param} cannot be set with Alibaba, only with Baidu`,
        )
      for (const given of [{ seed: 1 }, { negative_prompt: "rain" }, { watermark: false }, { n: 4 }])
        assert.equal(hindranceOf(model, given), undefined)
      assert.equal(hindranceOf(model, { prompt_extend: false }), undefined)
    }
    assert.equal(hindranceOf(drawQwen, { prompt_extend: true }), undefined)
    assert.match(hindranceOf(editQwen, { prompt_extend: true }) ?? "", /^prompt_upsampling: /)
  })
})
