// Genimix' API: pictures under ids of the caller's own, made or sent, replaced and deleted.
import assert from "node:assert/strict"
import { readdirSync } from "node:fs"
import { request } from "node:http"
import { join } from "node:path"
import { after, before, describe, it } from "node:test"
import sharp from "sharp"
import { createKey } from "../server/accounts/keys.ts"
import { createProject, defaultProject, faultInProjectId } from "../server/accounts/projects.ts"
import { reservedProjectIds } from "../server/routes.ts"
import { call, generate, kindOf, plainPng } from "./calls.ts"
import type { Problem } from "./calls.ts"
import { composeServer } from "./harness.ts"
import type { InProcess } from "./harness.ts"

type Body = {
  success: boolean
  message: string
  imageUrl: string
  deleted: string
  code: string
  request_id: string
  successor?: string
  problems?: Problem[]
}

let server: InProcess
let stranger: string
before(async () => {
  server = await composeServer({ ATELIER_UPLOAD_MAX_MB: "1" })
  await createProject(server.atelier.app, { id: "another" })
  stranger = await createKey(server.atelier.app, "another", "test")
})
after(async () => {
  await server.end()
  assert.deepEqual(readdirSync(join(server.dataFolder, "pictures/drafts")), [], "nothing is left behind")
})

type Sending = { key?: string; headers?: Record<string, string> }

const make = (id: string, json: unknown, { key = server.testKey, headers = {} }: Sending = {}) =>
  call<Body>(server, `/v1/${defaultProject}/generate/${id}`, { method: "PUT", json, key, headers })

const city = { provider: "google", modelId: "imagen-3.0-generate-002", prompt: "A futuristic city skyline at sunset" }

const pathOf = (id: string) => `/v1/${defaultProject}/image/${id}`

function upload(id: string, bytes: Buffer, type = "image/png") {
  const body = new Uint8Array(bytes)
  return call<Body>(server, pathOf(id), { method: "PUT", body, headers: { "content-type": type } })
}

const remove = (id: string, key = server.testKey) => call<Body>(server, pathOf(id), { method: "DELETE", key })

async function read(id: string, headers: Record<string, string> = {}) {
  const response = await fetch(server.url + pathOf(id), { headers: { "x-api-key": server.testKey, ...headers } })
  return { status: response.status, headers: response.headers, bytes: Buffer.from(await response.arrayBuffer()) }
}

const refusal = ({ status, body }: { status: number; body: Body }) => [status, body.success, body.code]

describe("Genimix: the document's examples", () => {
  it("make a picture and answer where it is", async () => {
    const { status, body, headers } = await make("generated-id", city)
    const imageUrl = `${server.url}/v1/default/image/generated-id`
    assert.deepEqual([status, body], [200, { success: true, message: "Image generated successfully", imageUrl }])
    assert.match(headers.get("content-type")!, /^application\/json/)
    assert.match(headers.get("atelier-generation")!, /^gen_/)
    const response = await fetch(body.imageUrl, { headers: { "x-api-key": server.testKey } })
    assert.equal(response.headers.get("content-type"), "image/png")
    assert.equal(kindOf(new Uint8Array(await response.arrayBuffer())), "png")
    assert.equal((await fetch(body.imageUrl)).status, 401)
  })

  it("keep a picture that is sent, byte for byte, and delete it", async () => {
    const png = await plainPng()
    const imageUrl = `${server.url}/v1/default/image/abc123`
    const { status, body } = await upload("abc123", png)
    assert.deepEqual([status, body], [200, { success: true, message: "Image uploaded successfully", imageUrl }])
    assert.deepEqual((await read("abc123")).bytes, png)
    const gone = await remove("abc123")
    assert.deepEqual([gone.status, gone.body], [200, { success: true, deleted: "abc123" }])
    assert.equal((await read("abc123")).status, 404)
    assert.deepEqual(refusal(await remove("abc123")), [404, false, "not_found"])
  })
})

describe("Genimix: models", () => {
  for (const [provider, modelId] of [
    ["gemini", "gemini-nano-banana-2.1"],
    ["google", "gemini-3-pro-image-preview"],
    ["openai", "dall-e-3"],
    ["OpenAI", "gpt-image-2"],
    ["stability", "stable-image-ultra"],
    ["stability", "stable-image-core"],
    ["stability", "sd3"],
    ["bfl", "flux-2-pro"],
    ["ideogram", "V3"],
    ["doubao", "doubao-seedream-4-5"],
    ["qianfan", "qwen-image"],
  ] as const)
    it(`takes ${provider} ${modelId}`, async () => {
      const id = `${provider}-${modelId}`
      const { status, text } = await make(id, { provider, modelId, prompt: "a harbour" })
      assert.equal(status, 200, text)
      assert.ok(kindOf((await read(id)).bytes))
    })

  it("takes further parameters of the model, and a picture to start from", async () => {
    const image = (await plainPng()).toString("base64")
    const more = { quality: "low", size: "1536x1024", image: `data:image/png;base64,${image}` }
    const { status, text } = await make("wide", { provider: "openai", modelId: "gpt-image-1", prompt: "x", ...more })
    assert.equal(status, 200, text)
    const { width, height } = await sharp((await read("wide")).bytes).metadata()
    assert.deepEqual([width, height], [1536, 1024])
  })

  it("refuses by name what the model does not take, and several pictures for one id", async () => {
    const wrong = await make("no", { ...city, sise: "1K", aspect_ratio: "7:1" })
    assert.deepEqual(refusal(wrong), [400, false, "invalid_request"])
    assert.deepEqual(wrong.body.problems?.map(({ param }) => param).sort(), ["aspect_ratio", "sise"])
    assert.equal(wrong.body.request_id, wrong.headers.get("x-request-id"))
    for (const many of [{ n: 2 }, { numberOfImages: 2 }]) {
      const { status, body } = await make("no", { ...city, ...many })
      assert.deepEqual([status, body.problems?.[0]?.param], [400, "n"])
      assert.match(body.message, /one picture/)
    }
    const missing = await make("no", { prompt: "x" })
    assert.deepEqual(missing.body.problems?.map(({ param }) => param).sort(), ["modelId", "provider"])
    assert.equal((await read("no")).status, 404)
  })

  it("names the provider, the model and the nearest where there is none", async () => {
    const unknown = await make("no", { ...city, modelId: "imagen-4.0-generate-01" })
    assert.deepEqual(refusal(unknown), [404, false, "unknown_model"])
    assert.match(unknown.body.message, /"imagen-4\.0-generate-01" of provider "google".*"imagen-4\.0-generate-001"/)
    const elsewhere = await make("no", { ...city, provider: "openai", modelId: "flux-2-pro" })
    assert.match(elsewhere.body.message, /provider "bfl" with modelId "flux-2-pro"/)
    const nobody = await make("no", { ...city, provider: "stabilty", modelId: "zzzzzzzzzzzzzzzz" })
    assert.deepEqual(refusal(nobody), [404, false, "unknown_model"])
    assert.match(nobody.body.message, /no provider "stabilty"; did you mean stability\?/)
  })

  it("takes those alone that the key and the plan allow", async () => {
    const key = await createKey(server.atelier.app, defaultProject, "test", { models: ["openai/*"] })
    assert.deepEqual(refusal(await make("no", city, { key })), [403, false, "model_not_allowed"])
    const allowed = { ...city, provider: "openai", modelId: "gpt-image-1" }
    assert.equal((await make("allowed", allowed, { key })).status, 200)
  })

  it("says why what Genimix lists is gone, and what to use", async () => {
    const older = { ...city, modelId: "gemini-2.0-flash-preview-image-generation" }
    const dalle = { ...city, provider: "openai", modelId: "dall-e-2" }
    for (const [json, successor] of [
      [older, "google/gemini-nano-banana-2.1"],
      [dalle, "openai/gpt-image-2"],
    ] as const) {
      const reply = await make("no", json)
      assert.deepEqual([...refusal(reply), reply.body.successor], [410, false, "model_retired", successor])
      assert.match(reply.body.message, /shut it down/)
    }
  })
})

describe("Genimix: uploads", () => {
  it("take PNG, JPEG and WebP by their bytes, whatever they are said to be", async () => {
    const png = await plainPng()
    for (const [kind, bytes] of [
      ["png", png],
      ["jpeg", await sharp(png).jpeg().toBuffer()],
      ["webp", await sharp(png).webp().toBuffer()],
    ] as const)
      for (const said of ["image/png", "image/webp", "application/octet-stream", "IMAGE/JPEG; q=1"]) {
        assert.equal((await upload("kinds", bytes, said)).status, 200)
        const { headers, bytes: back } = await read("kinds")
        assert.deepEqual([headers.get("content-type"), back], [`image/${kind}`, bytes])
      }
  })

  it("refuse other bytes, other types and what is too large, and leave the id as it was", async () => {
    const png = await plainPng()
    await upload("kept", png)
    for (const bytes of [Buffer.from("GIF89a,,,,"), Buffer.from("<svg/>"), Buffer.alloc(0), png.subarray(0, 7)])
      assert.deepEqual(refusal(await upload("kept", bytes)), [415, false, "image_type_not_allowed"])
    for (const length of [8, 12, 50, png.length - 1])
      assert.deepEqual(refusal(await upload("kept", png.subarray(0, length))), [422, false, "image_invalid"])
    for (const type of ["image/gif", "application/json", "multipart/form-data; boundary=x", "text/plain"])
      assert.deepEqual(refusal(await upload("kept", png, type)), [415, false, "media_type_not_allowed"])
    const large = Buffer.concat([png, Buffer.alloc(1_000_001 - png.length)])
    assert.deepEqual(refusal(await upload("kept", large)), [413, false, "too_large"])
    assert.equal(await sendWithoutLength(pathOf("kept"), large), 413)
    assert.equal((await upload("full", large.subarray(0, 1_000_000))).status, 200)
    assert.deepEqual((await read("kept")).bytes, png)
  })

  it("can be asked for in part, and whether they have changed", async () => {
    const png = await plainPng()
    await upload("part", png)
    const { headers } = await read("part")
    assert.equal(headers.get("cache-control"), "private, no-cache")
    assert.equal(headers.get("x-content-type-options"), "nosniff")
    const part = await read("part", { range: "bytes=4-9" })
    assert.deepEqual([part.status, part.bytes], [206, png.subarray(4, 10)])
    assert.equal((await read("part", { range: `bytes=${png.length}-` })).status, 416)
    const known = { "if-none-match": headers.get("etag")! }
    assert.equal((await read("part", known)).status, 304)
    await upload("part", await plainPng({ width: 9 }))
    assert.equal((await read("part", known)).status, 200)
  })

  it("leave the id as it was where the caller hangs up half-way", async () => {
    const headers = { "x-api-key": server.testKey, "content-type": "image/png", "content-length": 9_000 }
    const sending = request(server.url + pathOf("cut"), { method: "PUT", headers }).on("error", () => undefined)
    sending.write(await plainPng(), () => setTimeout(() => sending.destroy(), 50))
    await new Promise((resolve) => sending.on("close", resolve))
    assert.equal((await read("cut")).status, 404)
  })

  it("are found by the house's own id, and can be started from", async () => {
    await upload("source", await plainPng({ width: 77 }))
    const rows = server.atelier.app.database.query.selectFrom("images").selectAll().where("width", "=", 77)
    const { id } = await rows.executeTakeFirstOrThrow()
    assert.equal((await call(server, `/v1/images/${id}`)).status, 200)
    const { body } = await generate(server, "in the style of this", { image: id })
    assert.equal(body.status, "succeeded", JSON.stringify(body.error))
  })
})

/** In chunks, so that nothing tells its size beforehand. */
function sendWithoutLength(path: string, bytes: Buffer): Promise<number> {
  const headers = { "x-api-key": server.testKey, "content-type": "image/png", "transfer-encoding": "chunked" }
  return new Promise((resolve) => {
    const sending = request(server.url + path, { method: "PUT", headers }, (answer) => resolve(answer.statusCode!))
    // The server hangs up on what it does not read.
    sending.on("error", () => undefined)
    sending.end(bytes)
  })
}

describe("Genimix: ids and projects", () => {
  it("takes letters, digits, dots, underscores and dashes, up to 128", async () => {
    for (const id of ["a", "A.b_c-9", "..a", "-", "x".repeat(128)])
      assert.equal((await upload(id, await plainPng())).status, 200, id)
    for (const id of ["x".repeat(129), "a%20b", "a%2Fb", "%C3%A9", "a:b", "a%00", "%F0%9F%A6%8A"])
      for (const reply of [await upload(id, await plainPng()), await make(id, city), await remove(id)])
        assert.deepEqual(
          [...refusal(reply), reply.body.problems?.[0]?.param],
          [400, false, "invalid_request", "imageId"],
        )
    // Clients resolve folders before they send, but not all of them.
    assert.equal(await sendRaw("/v1/default/image/.."), 400)
    assert.equal(await sendRaw("/v1/default/image/..."), 400)
  })

  it("knows a picture of another project as little as one that is not there", async () => {
    await upload("mine", await plainPng())
    const said = async (project: string, id: string, key: string, method: string) => {
      const type = { "content-type": "image/png" }
      const body = method === "PUT" ? new Uint8Array(await plainPng()) : null
      const reply = await call<Body>(server, `/v1/${project}/image/${id}`, { method, key, body, headers: type })
      const { request_id: _, ...rest } = reply.body
      return JSON.stringify([reply.status, rest])
    }
    const nothing = await said("another", "nothing", stranger, "GET")
    assert.match(nothing, /^\[404,/)
    for (const method of ["GET", "DELETE"])
      for (const project of ["default", "another", "nowhere"])
        assert.equal(await said(project, "mine", stranger, method), nothing)
    for (const project of ["default", "nowhere"]) assert.equal(await said(project, "x", stranger, "PUT"), nothing)
    for (const project of ["default", "nowhere"]) {
      const path = `/v1/${project}/generate/mine`
      const { status, body } = await call<Body>(server, path, { method: "PUT", json: city, key: stranger })
      assert.deepEqual([status, body.code], [404, "not_found"])
    }
    assert.equal((await read("mine")).status, 200)
  })

  it("leaves other routes' addresses to them", async () => {
    type Other = { error: { code: string } }
    assert.equal((await call(server, "/v1/models/openai/gpt-image-2")).status, 200)
    assert.equal((await call<Other>(server, "/v1/models/image/x")).body.error.code, "unknown_model")
    assert.equal((await call<Other>(server, "/v1/images/x")).body.error.code, "not_found")
    assert.equal((await call<Other>(server, "/v1/generations/image")).body.error.code, "not_found")
    assert.equal((await call(server, "/v1/images/generations", { json: {} })).status, 400)
    const { status, headers } = await call(server, "/v1/default/generate/x")
    assert.deepEqual([status, headers.get("allow")], [405, "PUT"])
    for (const id of reservedProjectIds) assert.ok(faultInProjectId(id), `a project could be called ${id}`)
    for (const word of ["models", "images", "generations", "tasks"]) assert.ok(reservedProjectIds.includes(word))
  })
})

function sendRaw(path: string): Promise<number> {
  const { port, hostname } = new URL(server.url)
  return new Promise((resolve, reject) => {
    const headers = { "x-api-key": server.testKey }
    const sending = request({ host: hostname, port, path, headers }, (answer) => resolve(answer.statusCode!))
    sending.on("error", reject).end()
  })
}
