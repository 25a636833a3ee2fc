import assert from "node:assert/strict"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, it } from "node:test"
import { resold } from "../catalogue/aihubmix.ts"
import { allModels } from "../catalogue/catalogue.ts"
import { lastDayOf } from "../catalogue/lifecycle.ts"
import type { Rule } from "../catalogue/model.ts"
import { aihubmix } from "./aihubmix.ts"
import { describeProvider, inputFor, requestFor } from "./provider.contract.ts"
import type { Recordings } from "./provider.contract.ts"

const recordings = JSON.parse(readFileSync(join(import.meta.dirname, "recordings/aihubmix.json"), "utf8")) as Recordings

// It serves every model there is; what is recorded is one of each family that its documents show.
const families = new Set(recordings.requests.map(({ model }) => model))

describeProvider(
  aihubmix,
  recordings,
  allModels.filter(({ id }) => families.has(id)),
)

describe("AIHubMix", () => {
  const leastOf = (imagesMin: number) =>
    imagesMin === 0 ? {} : { image: Array.from({ length: imagesMin }, () => "boat.png") }

  it("is the last way to every model, at the path that is its name, and ends with the others", () => {
    for (const { id, routes, retires } of allModels) {
      const last = routes.at(-1)!
      assert.deepEqual([last.provider, last.model], ["aihubmix", id])
      assert.equal(routes.filter(({ provider }) => provider === "aihubmix").length, 1)
      assert.equal(
        last.retires,
        lastDayOf({ routes: routes.slice(0, -1), ...(retires === undefined ? {} : { retires }) }),
      )
    }
  })

  it("is asked for any model as it is documented: at its path, in one object, with nothing automatic in it", () => {
    for (const { id, imagesMin } of allModels) {
      const { path, json } = requestFor(aihubmix, id, { prompt: "a boat", ...leastOf(imagesMin) })
      assert.equal(path, `/models/${id}/predictions`)
      const { input, ...rest } = json as { input: Record<string, unknown> }
      assert.deepEqual(rest, {})
      assert.equal(input["prompt"], "a boat")
      for (const name of ["size", "quality", "background"]) assert.notEqual(input[name], "auto", `${id} ${name}`)
      for (const name of ["images", "partial_images", "stream"]) assert.ok(!(name in input), `${id} ${name}`)
    }
  })

  it("makes several pictures a call only where that is documented", () => {
    const perCall = (name: string) => {
      const { vendorModel, input } = inputFor(aihubmix, name, { prompt: "a boat" })
      return aihubmix.limits.imagesPerCall(vendorModel, input)
    }
    const names = ["gpt-image-2", "dall-e-3", "flux-2-pro", "imagen-4.0-generate-001", "doubao-seedream-4-5", "V3"]
    assert.deepEqual(names.map(perCall), [10, 1, 1, 4, 1, 1])
  })

  it("gives no early states, so that they are asked for elsewhere", () => {
    const { routes } = allModels.find(({ id }) => id === "openai/gpt-image-2")!
    const asking = (partial_images: number) => ({ input: { n: 1, partial_images }, images: 0, mask: false })
    assert.equal(routes.at(-1)?.cannot?.(asking(0)), undefined)
    assert.equal(routes.at(-1)?.cannot?.(asking(1))?.param, "partial_images")
  })

  it("is not asked for what none of the vendors behind it can do", () => {
    const [model] = allModels
    const never = () => ({ param: "n", message: "n is too many" })
    const ownRoutes = (...rules: (Rule | undefined)[]) =>
      rules.map((cannot) => ({ provider: "openai", model: "x", ...(cannot ? { cannot } : {}) }))
    const answer = (...rules: (Rule | undefined)[]) =>
      resold({ ...model!, routes: ownRoutes(...rules) })
        .routes.at(-1)
        ?.cannot?.({
          ...{ input: { n: 1 }, images: 0, mask: false },
        })
    assert.equal(answer(never)?.message, "n is too many")
    assert.equal(answer(never, undefined), undefined)
    assert.equal(
      answer(never, () => undefined),
      undefined,
    )
  })
})
