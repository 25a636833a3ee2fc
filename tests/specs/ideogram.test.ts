// What goes to Ideogram and what the sandbox answers in its name, held against Ideogram's own description.
import assert from "node:assert/strict"
import { readFileSync } from "node:fs"
import { after, before, describe, it } from "node:test"
import { plainPng } from "../calls.ts"
import { serveSandbox } from "../clients/sandbox.ts"
import type { ServedSandbox } from "../clients/sandbox.ts"
import { createExcuses, describeApi, needsSpecs, readSpec } from "./openapi.ts"
import type { Description, OpenApi } from "./openapi.ts"

type Recorded = {
  name: string
  path: string
  form: { fields: Record<string, string>; files: [name: string, about: string][] }
}

const recordings = new URL("../../server/providers/recordings/ideogram.json", import.meta.url)
const { requests } = JSON.parse(readFileSync(recordings, "utf8")) as { requests: Recorded[] }

const excuses = createExcuses([
  { fault: /^color_palette must be object$/, reason: "a form has text only: an object is a part that holds JSON" },
])

describe("Ideogram's description of its API", needsSpecs, () => {
  let api: Description
  let sandbox: ServedSandbox
  before(async () => {
    api = describeApi(readSpec("ideogram.openapi.yml") as OpenApi)
    sandbox = await serveSandbox()
  })
  after(() => sandbox.end())

  for (const { name, path, form } of requests)
    it(`has every field that is sent: ${name}`, () => {
      const parts = { fields: form.fields, files: form.files.map(([part]) => part) }
      assert.deepEqual(excuses.apply(api.form(`POST ${path}`, parts)), [])
    })

  it("knows a wrong request", () => {
    const wrong = { fields: { prompt: "x", aspect_ratio: "7x3", colour: "red" }, files: [] }
    assert.ok(api.form("POST /v1/ideogram-v3/generate", wrong).length >= 2)
  })

  const asked: [name: string, path: string, prompt: string, files: string[]][] = [
    ["pictures", "generate", "a tin robot", []],
    ["a picture that its filter held back", "generate", "sandbox:moderation-output", []],
    ["a picture after a picture", "remix", "a tin robot", ["image"]],
    ["another background", "replace-background", "a tin robot", ["image"]],
    ["a refused prompt", "generate", "sandbox:moderation", []],
    ["too many requests", "generate", "sandbox:rate-limit", []],
  ]
  for (const [name, path, prompt, files] of asked)
    it(`has every field that the sandbox answers: ${name}`, async () => {
      const form = new FormData()
      form.append("prompt", prompt)
      for (const file of files)
        form.append(
          file,
          new Blob([new Uint8Array(await plainPng({ width: 256, height: 256 }))], { type: "image/png" }),
          "a.png",
        )
      const address = `/v1/ideogram-v3/${path}`
      const response = await fetch(`${sandbox.url}/ideogram${address}`, {
        method: "POST",
        headers: { "api-key": "any" },
        body: form,
      })
      const body = await response.json()
      assert.deepEqual(excuses.apply(api.answer(`POST ${address}`, response.status, body)), [])
    })

  it("needs no excuse that no longer holds", () => {
    assert.deepEqual(excuses.unused(), [])
  })
})
