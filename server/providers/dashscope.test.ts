import assert from "node:assert/strict"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, it } from "node:test"
import { createCatalogue, allModels } from "../catalogue/catalogue.ts"
import { readInput } from "../catalogue/read.ts"
import { dashscope } from "./dashscope.ts"
import { describeProvider } from "./provider.contract.ts"
import type { Recordings } from "./provider.contract.ts"

const recordings = JSON.parse(
  readFileSync(join(import.meta.dirname, "recordings/dashscope.json"), "utf8"),
) as Recordings

describeProvider(dashscope, recordings)

const catalogue = createCatalogue(allModels)

describe("Alibaba DashScope", () => {
  it("is asked for nothing that its way cannot do", () => {
    for (const { model: name, given } of recordings.requests) {
      const model = catalogue.find(name)!
      const { input, images } = readInput(model, given)
      const { cannot } = model.routes.find(({ provider }) => provider === "dashscope")!
      assert.equal(cannot?.({ input, images: images.length, mask: false }), undefined, JSON.stringify(given))
    }
  })
})
