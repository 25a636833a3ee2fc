// Where a picture comes from, as its project is told: by whom, with what, and the marks in the file.
import assert from "node:assert/strict"
import { after, before, describe, it } from "node:test"
import sharp from "sharp"
import { createKey } from "../server/accounts/keys.ts"
import { createProject, defaultProject } from "../server/accounts/projects.ts"
import { call, generate, plainPng, uploadPicture } from "./calls.ts"
import type { Failure, Generation } from "./calls.ts"
import { composeServer } from "./harness.ts"
import type { InProcess } from "./harness.ts"

type Provenance = {
  id: string
  source: string
  generation_id: string | null
  mode: string | null
  model: string | null
  vendor: { id: string; title: string; model: string } | null
  watermark: boolean | null
  sha256: string
  created_at: string
  digital_source_type: string | null
  marks_found: string[]
  input_marks: string[]
  marks_added: string[]
  c2pa: unknown
}

let server: InProcess
before(async () => {
  server = await composeServer()
})
after(() => server.end())

const read = (id: string, key?: string) =>
  call<Provenance & Failure>(server, `/v1/images/${id}/provenance`, key === undefined ? {} : { key })

const iptc = (name: string) => `http://cv.iptc.org/newscodes/digitalsourcetype/${name}`

const upload = async (bytes: Buffer) => (await uploadPicture(server, bytes)).id

describe("provenance of a picture that was made", () => {
  it("names the model, the vendor and his own name of it, the time and the hash", async () => {
    const { body } = await generate(server, "a secret prompt", { model: "qwen-image", watermark: false, n: 2 })
    for (const picture of body.images) {
      const { status, body: told, text } = await read(picture.id)
      assert.equal(status, 200)
      const { created_at, vendor, ...rest } = told
      assert.ok(Math.abs(Date.parse(created_at) - Date.now()) < 60_000)
      assert.ok(vendor && vendor.title !== "" && vendor.model.startsWith("qwen-image"), JSON.stringify(vendor))
      assert.deepEqual(rest, {
        ...{ id: picture.id, source: "generated", generation_id: body.id, mode: "test", model: body.model },
        ...{ watermark: false, sha256: picture.sha256, bytes: picture.bytes, media_type: picture.media_type },
        ...{ width: picture.width, height: picture.height },
        ...{ digital_source_type: iptc("trainedAlgorithmicMedia"), marks_found: [], input_marks: [], c2pa: null },
        marks_added: ["xmp:trainedAlgorithmicMedia"],
      })
      assert.ok(!text.includes("secret prompt"))
    }
  })

  it("says that it is a composite where it was made from a picture", async () => {
    const image = (await plainPng()).toString("base64")
    const { body } = await generate(server, "with a hat", { model: "openai/gpt-image-2", image })
    const { body: told } = await read(body.images[0]!.id)
    assert.equal(told.digital_source_type, iptc("compositeWithTrainedAlgorithmicMedia"))
    assert.deepEqual([told.watermark, told.vendor?.id, told.vendor?.title], [null, "openai", "OpenAI"])
  })

  it("is told to its own project alone", async () => {
    const { body } = await generate(server, "a wall")
    const { app } = server.atelier
    await createProject(app, { id: "others" })
    const stranger = await read(body.images[0]!.id, await createKey(app, "others", "test"))
    assert.deepEqual([stranger.status, stranger.body.error.code], [404, "not_found"])
    assert.equal((await read("img_none")).status, 404)
    assert.equal((await call(server, `/v1/images/${body.images[0]!.id}/provenance`, { key: null })).status, 401)
  })
})

describe("provenance of an upload", () => {
  it("claims nothing of one that says nothing", async () => {
    const { body } = await read(await upload(await plainPng()))
    const { source, generation_id, mode, model, vendor, watermark, digital_source_type, marks_found } = body
    assert.equal(source, "uploaded")
    for (const one of [generation_id, mode, model, vendor, watermark, digital_source_type]) assert.equal(one, null)
    assert.deepEqual([marks_found, body.marks_added], [[], []])
  })

  it("says what its file said", async () => {
    const xmp =
      '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">' +
      '<rdf:Description rdf:about="" xmlns:e="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" ' +
      `e:DigitalSourceType="${iptc("compositeWithTrainedAlgorithmicMedia")}"/></rdf:RDF></x:xmpmeta>`
    const { body } = await read(
      await upload(
        await sharp(await plainPng())
          .withXmp(xmp)
          .webp()
          .toBuffer(),
      ),
    )
    // The file that is kept is clean; what it came with is noted, and is told by whatever is drawn from it.
    assert.deepEqual(body.marks_found, [])
    for (const marks of [body.input_marks, body.marks_added])
      assert.deepEqual(marks, ["xmp:compositeWithTrainedAlgorithmicMedia"])
    assert.equal(body.digital_source_type, iptc("compositeWithTrainedAlgorithmicMedia"))
  })
})

describe("watermark false", () => {
  const asked = { model: "qianfan/qwen-image", input: { prompt: "a boat", watermark: false } }

  it("is refused by name where the operator does not allow it, in requests and quotes", async () => {
    const strict = await composeServer({ ATELIER_UNMARKED: "refuse" })
    try {
      const key = await createKey(strict.atelier.app, defaultProject, "test")
      for (const path of ["/v1/generations", "/v1/quotes"]) {
        const { status, body } = await call<Failure>(strict, path, { json: asked, key })
        assert.deepEqual([status, body.error.code, body.error.param], [400, "invalid_request", "input.watermark"])
        assert.match(body.error.message, /ATELIER_UNMARKED/)
      }
      const json = { input: asked.input }
      const borrowed = await call<Failure>(strict, "/v1/models/qianfan/qwen-image/predictions", { json, key })
      assert.deepEqual([borrowed.status, borrowed.body.error.param], [400, "input.watermark"])
      const marked = { ...asked, input: { ...asked.input, watermark: true }, wait: 30 }
      const { body } = await call<Generation>(strict, "/v1/generations", { json: marked, key })
      assert.equal(body.status, "succeeded")
    } finally {
      await strict.end()
    }
  })
})
