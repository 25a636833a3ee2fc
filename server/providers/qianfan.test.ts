import assert from "node:assert/strict"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, it } from "node:test"
import { describeProvider, inputFor, requestFor } from "./provider.contract.ts"
import type { Recordings } from "./provider.contract.ts"
import { qianfan } from "./qianfan.ts"

const recordings = JSON.parse(readFileSync(join(import.meta.dirname, "recordings/qianfan.json"), "utf8")) as Recordings

describeProvider(qianfan, recordings)

const models = ["qwen-image", "qwen-image-edit", "irag-1.0", "ernie-irag-edit"]
const given = { prompt: "a kite", image: ["kite.png"] }
const bodyFor = (model: string, more: object) =>
  requestFor(qianfan, model, { ...(model === "qwen-image" ? { prompt: "a kite" } : given), ...more }).json as {
    watermark?: boolean
  }

describe("Baidu Qianfan", () => {
  it("is told of every model whether to mark its pictures, whatever the vendor's own default", () => {
    for (const model of models)
      assert.deepEqual(
        [{}, { watermark: true }, { watermark: false }].map((more) => bodyFor(model, more).watermark),
        [true, true, false],
      )
  })

  it("makes four pictures of iRAG in a call, and one of every other model", () => {
    const counts = models.map((model) => {
      const { vendorModel, input } = inputFor(qianfan, model, { ...(model === "qwen-image" ? {} : given), prompt: "x" })
      return qianfan.limits.imagesPerCall(vendorModel, input)
    })
    assert.deepEqual(counts, [1, 1, 4, 1])
    assert.ok(!("n" in bodyFor("qwen-image", { n: 4 })))
  })

  it("is not asked for bytes, which only another of its models is known to send", () => {
    for (const model of models) assert.ok(!("response_format" in bodyFor(model, {})))
  })
})
