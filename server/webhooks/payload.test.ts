import assert from "node:assert/strict"
import { describe, it } from "node:test"
import { readConfig } from "../config.ts"
import type { GenerationRow } from "../database/tables/generations.ts"
import type { Image } from "../images/images.ts"
import { writePayload } from "./payload.ts"

const now = Date.parse("2026-11-21T09:00:00.123Z")
const appWith = (ATELIER_PUBLIC_URL: string) => ({
  config: readConfig({ ATELIER_PUBLIC_URL }, []),
  clock: { now: () => now },
  linkSecret: "secret",
})
const image: Image = {
  ...{ id: "img_Vbb0oCuzberuyJvMH5Y3Occe", sha256: "", bytes: 1, mediaType: "image/png" },
  ...{ width: 1024, height: 1024, notes: {}, inputMarks: [], createdAt: now, generationId: null, position: 0 },
}
const rowOf = (facts: Partial<GenerationRow>) =>
  ({ id: "gen_1", model: "m", status: "succeeded", failure_json: null, ...facts }) as GenerationRow

describe("a payload", () => {
  it("begins with the four fields of the document, in their order", () => {
    const origin = "https://here.example"
    const text = writePayload(appWith(""), {
      ...{ row: rowOf({}), images: [image], event: "images.completed", origin, now },
    })
    const start = `{"event":"images.completed","uuid":"gen_1","imageUrl":"https://here.example/v1/images/img_`
    assert.ok(text.startsWith(start), text)
    assert.match(text, /","timestamp":"2026-11-21T09:00:00Z","generation_id":"gen_1",/)
  })

  it("has links below the public address, where the operator has set one", () => {
    const said = { row: rowOf({}), images: [image], event: "images.completed" as const, origin: "http://10.0.0.1", now }
    assert.match(writePayload(appWith("https://pictures.example/"), said), /"https:\/\/pictures\.example\/v1/)
  })

  it("is no larger than 20 kB, whatever the vendor said", () => {
    const failure_json = JSON.stringify({ code: "content_refused", detail: "ä".repeat(100_000) })
    const row = rowOf({ status: "failed", failure_json, model: "m".repeat(128) })
    const origin = `https://${"o".repeat(253)}`
    for (const event of ["images.completed", "images.failed"] as const) {
      const text = writePayload(appWith(""), {
        row,
        images: Array.from({ length: 10 }, () => image),
        event,
        origin,
        now,
      })
      assert.ok(Buffer.byteLength(text) <= 20_000, `${Buffer.byteLength(text)} bytes`)
    }
  })
})
