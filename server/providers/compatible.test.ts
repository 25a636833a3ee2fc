import assert from "node:assert/strict"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, it } from "node:test"
import { allModels, createCatalogue } from "../catalogue/catalogue.ts"
import { withCompatible } from "../catalogue/compatible.ts"
import { readInput } from "../catalogue/read.ts"
import { compatible } from "./compatible.ts"
import { describeProvider, inputFor } from "./provider.contract.ts"
import type { Recordings } from "./provider.contract.ts"

const recordings = JSON.parse(
  readFileSync(join(import.meta.dirname, "recordings/compatible.json"), "utf8"),
) as Recordings

// As an operator would name his models in the settings.
const models = withCompatible(allModels, [
  { name: "sdxl", model: "sdxl", price: 0.002 },
  { name: "z-image", model: "Tongyi-MAI/Z-Image-Turbo" },
  { name: "gpt-image-2", model: "my-deployment" },
  { name: "bfl/flux-2-pro", model: "flux-2" },
])

describeProvider(compatible, recordings, models)

describe("an OpenAI-compatible server", () => {
  it("gets no key where the operator has none", () => {
    assert.deepEqual(compatible.authorize(""), {})
  })

  it("makes one picture a call, since some make one whatever the number", () => {
    for (const { model, given } of recordings.requests) {
      const { vendorModel, input } = inputFor(compatible, model, { ...given, n: 10 }, createCatalogue(models))
      assert.equal(compatible.limits.imagesPerCall(vendorModel, input), 1)
    }
  })

  it("is told everything that its route lets through, and asked in pixels alone", () => {
    for (const model of models) {
      const route = model.routes.find(({ provider }) => provider === "compatible")
      if (!route) continue
      const values = { seed: 5, steps: 9, quality: "high", aspect_ratio: "2:1", size: "1K", output_format: "webp" }
      for (const [name, value] of Object.entries(values)) {
        if (!(name in model.parameters.shape) || (name === "size" && model.id.startsWith("compatible/"))) continue
        const { input, images } = readInput(model, { prompt: "a boat", [name]: value })
        assert.equal(route.cannot?.({ input, images: images.length, mask: false }), undefined)
        const { json } = compatible.writeRequest(route.model, { ...input, images: [] }) as { json: object }
        const pixels = { aspect_ratio: "size", size: "size", steps: "num_inference_steps" }[name]
        assert.ok((pixels ?? name) in json, `${model.id} ${name}`)
        for (const [field, said] of Object.entries(json)) if (field === "size") assert.match(String(said), /^\d+x\d+$/)
      }
    }
  })
})
