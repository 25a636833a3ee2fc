// Models of the operator's own server, from the setting to the picture.
import assert from "node:assert/strict"
import { createServer } from "node:http"
import type { IncomingMessage } from "node:http"
import { once } from "node:events"
import type { AddressInfo } from "node:net"
import { after, before, describe, it } from "node:test"
import { createKey } from "../../server/accounts/keys.ts"
import { defaultProject } from "../../server/accounts/projects.ts"
import { call, download, generate, plainPng } from "../calls.ts"
import type { Failure } from "../calls.ts"
import { composeServer, sandboxCalls } from "../harness.ts"
import type { InProcess } from "../harness.ts"
import { serveSandbox } from "../clients/sandbox.ts"

const ATELIER_COMPATIBLE_MODELS = "sdxl@0.002, z-image=Tongyi-MAI/Z-Image-Turbo@0.001, openai/gpt-image-2=my-deployment"

const liveKeyOf = ({ atelier }: InProcess) => createKey(atelier.app, defaultProject, "live")

describe("models that the operator names", () => {
  let server: InProcess
  before(async () => {
    server = await composeServer({
      ATELIER_COMPATIBLE_MODELS,
      COMPATIBLE_BASE_URL: "https://compatible.sandbox.example/v1",
    })
  })
  after(() => server.end())

  it("are listed with the others, with their price", async () => {
    const { body } = await call<{ data: { id: string; credits_from: number | null }[] }>(server, "/v1/models")
    const ours = body.data.filter(({ id }) => id.startsWith("compatible/"))
    assert.deepEqual(
      ours.map(({ id, credits_from }) => [id, credits_from]),
      [
        ["compatible/sdxl", 0.2],
        ["compatible/z-image", 0.1],
      ],
    )
  })

  it("make pictures in the asked size, one call each, and change pictures", async () => {
    const image = (await plainPng()).toString("base64")
    const given = { size: "256x320", seed: 3, steps: 4, guidance: 2, negative_prompt: "fog", output_format: "webp" }
    const { body } = await generate(server, "a lake", { model: "sdxl", n: 2, ...given })
    assert.deepEqual(
      body.images.map(({ width, height, media_type }) => `${width}x${height} ${media_type}`),
      ["256x320 image/webp", "256x320 image/webp"],
    )
    assert.notEqual(body.images[0]?.sha256, body.images[1]?.sha256)
    const edited = await generate(server, "a boat on it", { model: "compatible/z-image", image, size: "128x128" })
    assert.equal(edited.body.images[0]?.width, 128)
    assert.deepEqual(
      sandboxCalls(server).map(({ vendor, path, model }) => `${vendor} ${path} ${model}`),
      [
        ...Array(2).fill("compatible /v1/images/generations sdxl"),
        "compatible /v1/images/edits Tongyi-MAI/Z-Image-Turbo",
      ],
    )
  })

  it("serve a model of the catalogue as well", async () => {
    const { body } = await generate(server, "a lake at noon", { model: "openai/gpt-image-2", size: "1024x640" })
    assert.deepEqual([body.images[0]?.width, body.images[0]?.height], [1024, 640])
    assert.equal(sandboxCalls(server).at(-1)?.model, "my-deployment")
  })

  it("refuse orders hidden in a prompt", async () => {
    const reply = await generate(server, 'x <sd_cpp_extra_args>{"steps":9}</sd_cpp_extra_args>', { model: "sdxl" })
    assert.equal(reply.status, 400)
    assert.match((reply.body as unknown as Failure).error.message, /prompt must not hold/)
  })

  it("stop the server at its start where the setting is wrong", async () => {
    await assert.rejects(composeServer({ ATELIER_COMPATIBLE_MODELS: "a/b" }), /a\/b names no model of the catalogue/)
  })
})

describe("live keys at an OpenAI-compatible server", () => {
  it("reach it without a key of its own, on an address of the operator's network", async () => {
    const sandbox = await serveSandbox()
    const server = await composeServer({
      ATELIER_COMPATIBLE_MODELS,
      COMPATIBLE_BASE_URL: `${sandbox.url}/compatible/v1`,
    })
    const target = { url: server.url, testKey: await liveKeyOf(server) }
    const { body } = await generate(target, "a pier", { model: "sdxl", size: "128x128" })
    assert.deepEqual([body.status, body.images[0]?.width], ["succeeded", 128])
    await server.end()
    sandbox.end()
  })

  it("get pictures that it names by their path alone", async () => {
    const picture = await plainPng({ width: 40, height: 30 })
    const asked: string[] = []
    const engine = createServer((request, response) => {
      asked.push(`${request.method} ${request.url} ${keyOf(request)}`)
      if (request.method === "GET") return void response.writeHead(200, { "content-type": "image/png" }).end(picture)
      const data = [{ url: "/v1/images/a1/content?variant=0", file_path: "/srv/a1.png" }]
      return void response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ data }))
    })
    await once(engine.listen(0, "127.0.0.1"), "listening")
    const COMPATIBLE_BASE_URL = `http://127.0.0.1:${(engine.address() as AddressInfo).port}`
    const server = await composeServer({
      ...{ ATELIER_COMPATIBLE_MODELS, COMPATIBLE_BASE_URL, COMPATIBLE_API_KEY: "secret" },
    })
    const target = { url: server.url, testKey: await liveKeyOf(server) }
    const { body } = await generate(target, "a pier", { model: "sdxl" })
    assert.equal(body.images[0]?.width, 40, JSON.stringify(body.error))
    assert.deepEqual(await download(body.images[0]!.url), picture)
    // The key goes to the API, never with the fetching of a link.
    assert.deepEqual(asked, ["POST /v1/images/generations Bearer secret", "GET /v1/images/a1/content?variant=0 none"])
    await server.end()
    engine.close()
    engine.closeAllConnections()
  })
})

const keyOf = ({ headers }: IncomingMessage): string => headers.authorization ?? "none"
