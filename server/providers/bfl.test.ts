import assert from "node:assert/strict"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, it } from "node:test"
import fc from "fast-check"
import { bfl } from "./bfl.ts"
import { pixelsOf } from "./pixels.ts"
import { describeProvider, inputFor, requestFor } from "./provider.contract.ts"
import type { Recordings } from "./provider.contract.ts"

const recordings = JSON.parse(readFileSync(join(import.meta.dirname, "recordings/bfl.json"), "utf8")) as Recordings

describeProvider(bfl, recordings)

type Body = { width?: number; height?: number; aspect_ratio?: string }

const bodyFor = (model: string, given: object) => requestFor(bfl, model, { prompt: "a kite", ...given }).json as Body

const ratios = fc
  .tuple(fc.integer({ min: 1, max: 21 }), fc.integer({ min: 1, max: 21 }))
  .filter(([across, down]) => across * 9 <= down * 21 && down * 9 <= across * 21)

describe("Black Forest Labs", () => {
  it("knows every status of the vendor's description, and ends at none but the last ones", () => {
    const ends = ["Ready", "Request Moderated", "Content Moderated", "Task not found", "Error", "Failed"]
    const goes = ["Pending", "Reasoning", "Generating", "Queued", "", "ready"]
    for (const status of [...ends, ...goes]) {
      const { state } = bfl.readResponse({ id: "1", status, result: { sample: "https://x.example/a.png" } })
      assert.equal(state !== "pending", ends.includes(status), status)
    }
  })

  it("gives FLUX.2 legal pixels near every legal ratio, and never a ratio", () => {
    const property = fc.property(ratios, fc.constantFrom(undefined, "1K", "2K", "auto"), ([across, down], size) => {
      const given = { aspect_ratio: `${across}:${down}`, ...(size === undefined ? {} : { size }) }
      const { width = 0, height = 0, ...rest } = bodyFor("flux-2-pro", given)
      const most = (size === "2K" ? 4 : 1) * 1024 * 1024
      assert.ok(width % 16 === 0 && height % 16 === 0 && width >= 64 && height >= 64)
      assert.ok(width * height <= most && width * height > most * 0.75, `${width}x${height}`)
      assert.ok(Math.abs((width / height / across) * down - 1) < 0.03, `${width}x${height} for ${across}:${down}`)
      assert.ok(!("aspect_ratio" in rest))
    })
    fc.assert(property)
  })

  it("gives Kontext the very ratio, and never pixels", () => {
    const property = fc.property(ratios, fc.boolean(), ([across, down], pro) => {
      const body = bodyFor(pro ? "flux-kontext-pro" : "flux-kontext-max", { aspect_ratio: `${across}:${down}` })
      assert.equal(body.aspect_ratio, `${across}:${down}`)
      assert.ok(!("width" in body) && !("height" in body))
    })
    fc.assert(property)
  })

  it("makes one picture a call", () => {
    for (const { model, given } of recordings.requests) {
      const { vendorModel, input } = inputFor(bfl, model, given)
      assert.equal(bfl.limits.imagesPerCall(vendorModel, input), 1)
    }
  })

  it("asks for no webhook, after which the vendor would not say where the task is", () => {
    for (const { model, given } of recordings.requests)
      assert.doesNotMatch(JSON.stringify(bodyFor(model, given)), /webhook/)
  })
})

describe("pixelsOf", () => {
  it("finds the sizes that people know", () => {
    const megapixel = 1024 * 1024
    assert.deepEqual(pixelsOf("1:1", megapixel, 16), { width: 1024, height: 1024 })
    assert.deepEqual(pixelsOf("16:9", megapixel, 16), { width: 1280, height: 720 })
    assert.deepEqual(pixelsOf("9:16", megapixel, 16), { width: 720, height: 1280 })
    assert.deepEqual(pixelsOf("1:1", 4 * megapixel, 16), { width: 2048, height: 2048 })
  })
})
