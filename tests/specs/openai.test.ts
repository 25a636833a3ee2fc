// Our requests to OpenAI, and what the sandbox answers in its name, against OpenAI's own description of its Images API.
import assert from "node:assert/strict"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { text } from "node:stream/consumers"
import { before, describe, it } from "node:test"
import { formBody, jsonBody } from "../../server/bodies/write.ts"
import type { FormPart } from "../../server/bodies/write.ts"
import type { Recordings } from "../../server/providers/provider.contract.ts"
import { createSandbox } from "../../server/sandbox/sandbox.ts"
import { plainPng } from "../calls.ts"
import { root } from "../harness.ts"
import { createExcuses, describeApi, needsSpecs, readSpec } from "./openapi.ts"
import type { Description, Exception, OpenApi } from "./openapi.ts"

const recorded = readFileSync(join(root, "server/providers/recordings/openai.json"), "utf8")
const { requests } = JSON.parse(recorded) as Recordings

// The description is of 2026-08-21.
const exceptions: Exception[] = [
  { fault: /^quality must be .*, not "(xhigh|max)"$/, reason: "GPT Image 2.5 of 2026-09-08 has two more." },
  { fault: /not described: complexity$/, reason: "GPT Image 2.6 of 2026-11-04 has it." },
  {
    fault: /^size must be one of \["1024x1024","1024x1536","1536x1024"\], not "\d+x\d+"$/,
    reason: "GPT Image 2 draws any size, as its own words on requests say; the list of what comes back is older.",
  },
]

// OpenAI described transparency for 2.5 and refused it, and so does the sandbox.
const isServed = ({ given, model }: Recordings["requests"][number]) =>
  !(given["background"] === "transparent" && model.includes("2.5"))

const sandbox = createSandbox({ pace: "none" })

async function send(method: string, path: string, body?: ReturnType<typeof jsonBody | typeof formBody>) {
  const {
    status,
    headers,
    body: answered,
  } = await sandbox({
    ...{ method, url: new URL(`https://api.openai.com/v1${path}`), signal: new AbortController().signal },
    headers: { authorization: "Bearer sk-any" },
    ...(body ? { body } : {}),
  })
  const type = (headers["content-type"] ?? "").split(";")[0]!
  return { status, type, text: await text(answered) }
}

describe("OpenAI, as it describes itself", needsSpecs, () => {
  const excuses = createExcuses(exceptions)
  let api: Description
  let picture: Buffer
  let mask: Buffer
  before(async () => {
    api = describeApi(readSpec("openai-images.openapi.json") as OpenApi)
    picture = await plainPng()
    mask = await plainPng({ alpha: 0 })
  })

  for (const { name, path, json, form } of requests)
    it(`takes what is asked: ${name}`, () => {
      const faults = form
        ? api.form(`POST ${path}`, { fields: form.fields, files: form.files.map(([part]) => part) })
        : api.request(`POST ${path}`, json)
      assert.deepEqual(excuses.apply(faults), [])
    })

  /** Our recordings have names in place of pictures. */
  function bodyOf({ json, form }: Pick<Recordings["requests"][number], "json" | "form">) {
    if (!form) return jsonBody(json)
    const values = Object.entries(form.fields).map(([name, value]): FormPart => ({ name, value }))
    const files = form.files.map(([name]): FormPart => {
      const bytes = name === "mask" ? mask : picture
      const read = async function* () {
        yield bytes
      }
      return { name, fileName: `${name}.png`, type: "image/png", file: { bytes: bytes.length, read } }
    })
    return formBody([...values, ...files])
  }

  for (const request of requests.filter(isServed))
    it(`answers as the sandbox does: ${request.name}`, async () => {
      const { path } = request
      const { status, type, text } = await send("POST", path, bodyOf(request))
      assert.equal(status, 200)
      const answers = type === "text/event-stream" ? eventsIn(text) : [JSON.parse(text) as unknown]
      assert.ok(answers.length > 0)
      for (const answer of answers) assert.deepEqual(excuses.apply(api.answer(`POST ${path}`, 200, answer, type)), [])
    })

  it("lists models as the sandbox does", async () => {
    const list = await send("GET", "/models")
    assert.deepEqual(api.answer("GET /models", 200, JSON.parse(list.text)), [])
    const one = await send("GET", "/models/gpt-image-2")
    assert.deepEqual(api.answer("GET /models/gpt-image-2", 200, JSON.parse(one.text)), [])
  })

  it("is behind its API in nothing but what is listed", () => {
    assert.deepEqual(excuses.unused(), [])
  })
})

const eventsIn = (stream: string): unknown[] =>
  [...stream.matchAll(/^data: (.*)$/gm)].map(([, data]) => JSON.parse(data!) as unknown)
