import assert from "node:assert/strict"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, it } from "node:test"
import { bfl } from "./bfl.ts"
import { pixelsOf } from "./pixels.ts"
import { describeProvider, inputFor, requestFor } from "./provider.contract.ts"
import type { Recordings } from "./provider.contract.ts"

const recordings = JSON.parse(readFileSync(join(import.meta.dirname, "recordings/bfl.json"), "utf8")) as Recordings

describeProvider(bfl, recordings)

type Body = {
  width?: number
  height?: number
  aspect_ratio?: string
  disable_pup?: boolean
  prompt_upsampling?: boolean
  raw?: boolean
}

const bodyFor = (model: string, given: object) => requestFor(bfl, model, { prompt: "a kite", ...given }).json as Body

const upTo21 = Array.from({ length: 21 }, (_, index) => index + 1)
const ratios = upTo21
  .flatMap((across) => upTo21.map((down) => [across, down] as const))
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
    for (const [across, down] of ratios) {
      for (const size of [null, "1K", "2K", "auto"]) {
        const { width = 0, height = 0, ...rest } = bodyFor("flux-2-pro", { aspect_ratio: `${across}:${down}`, size })
        const most = (size === "2K" ? 4 : 1) * 1024 * 1024
        const found = `${width}x${height} for ${across}:${down}`
        assert.ok(width % 16 === 0 && height % 16 === 0 && width >= 64 && height >= 64, found)
        assert.ok(width * height <= most && width * height > most * 0.75, found)
        assert.ok(Math.abs((width / height / across) * down - 1) < 0.03, found)
        assert.ok(!("aspect_ratio" in rest))
      }
    }
  })

  it("gives the oldest models sides that they draw, near every legal ratio", () => {
    for (const [across, down] of ratios) {
      for (const model of ["flux-pro-1.1", "flux-dev"]) {
        const { width = 0, height = 0, ...rest } = bodyFor(model, { aspect_ratio: `${across}:${down}` })
        const found = `${width}x${height} for ${across}:${down}`
        assert.ok(
          [width, height].every((side) => side % 32 === 0 && side >= 256 && side <= 1440),
          found,
        )
        assert.ok(width * height <= 1024 * 1024 && width * height > 1024 * 1024 * 0.6, found)
        assert.ok(Math.abs((width / height / across) * down - 1) < 0.03, found)
        assert.ok(!("aspect_ratio" in rest))
      }
    }
  })

  it("switches the enriching of prompts as each model has it", () => {
    for (const model of ["flux-2-pro", "flux-2-max"]) {
      assert.equal(bodyFor(model, {}).disable_pup, false)
      assert.equal(bodyFor(model, { prompt_upsampling: false }).disable_pup, true)
      assert.ok(!("prompt_upsampling" in bodyFor(model, { prompt_upsampling: true })))
    }
    for (const model of ["flux-2-flex", "flux-kontext-pro", "flux-pro-1.1", "flux-pro-1.1-ultra", "flux-dev"]) {
      for (const prompt_upsampling of [true, false]) {
        const body = bodyFor(model, { prompt_upsampling })
        assert.equal(body.prompt_upsampling, prompt_upsampling)
        assert.ok(!("disable_pup" in body))
      }
    }
    const klein = bodyFor("flux-2-klein", { prompt_upsampling: false })
    assert.ok(!("prompt_upsampling" in klein) && !("disable_pup" in klein))
  })

  it("asks ultra alone for its raw mode", () => {
    assert.equal(bodyFor("flux-pro-1.1-ultra", { raw: true }).raw, true)
    for (const model of ["flux-2-pro", "flux-2-klein", "flux-kontext-max", "flux-pro-1.1", "flux-dev"])
      assert.ok(!("raw" in bodyFor(model, { raw: false })), model)
  })

  it("gives Kontext and ultra the very ratio, and never pixels", () => {
    for (const [across, down] of ratios) {
      for (const model of ["flux-kontext-pro", "flux-kontext-max", "flux-pro-1.1-ultra"]) {
        const body = bodyFor(model, { aspect_ratio: `${across}:${down}` })
        assert.equal(body.aspect_ratio, `${across}:${down}`)
        assert.ok(!("width" in body) && !("height" in body))
      }
    }
  })

  it("makes one picture a call", () => {
    for (const { model, given } of recordings.requests) {
      const { vendorModel, input } = inputFor(bfl, model, given)
      assert.equal(bfl.limits.imagesPerCall(vendorModel, input), 1)
    }
  })

  it("asks for no webhook, after which the vendor would not say where the task is", () => {
    for (const { model, given } of recordings.requests)
      assert.doesNotMatch(Object.keys(bodyFor(model, given) as object).join(), /webhook/)
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
