// The doors as a server has them: what his own network is asked, what callers learn of it, and what the log says.
import assert from "node:assert/strict"
import { once } from "node:events"
import { readdirSync } from "node:fs"
import { createServer } from "node:http"
import type { Server as HttpServer } from "node:http"
import { createServer as createHttpsServer } from "node:https"
import type { AddressInfo, Server } from "node:net"
import { join } from "node:path"
import { pipeline, Readable, Writable } from "node:stream"
import { after, before, beforeEach, describe, it } from "node:test"
import { pino } from "pino"
import { createKey } from "../server/accounts/keys.ts"
import { defaultProject } from "../server/accounts/projects.ts"
import { selfSigned } from "../server/egress/selfSigned.ts"
import { call, generate, plainPng } from "./calls.ts"
import type { Failure, Generation } from "./calls.ts"
import { composeServer } from "./harness.ts"
import { scriptVendor } from "./scriptedVendor.ts"
import type { ScriptedVendor } from "./scriptedVendor.ts"
import { until } from "./webhookReceiver.ts"
import type { Delivery, WithSecret } from "./webhookReceiver.ts"

const canary = "canary-4711"

let png: Buffer
let inner: HttpServer
let asked: string[]
let vendor: ScriptedVendor

async function listening<Some extends Server>(server: Some): Promise<Some> {
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  return server
}

const portOf = (server: Server): number => (server.address() as AddressInfo).port

function* endless() {
  for (;;) yield Buffer.alloc(65_536)
}

before(async () => {
  png = await plainPng()
  asked = []
  inner = await listening(
    createServer((request, response) => {
      asked.push(`${request.method} ${request.url}`)
      const [, status] = /^\/(\d{3})/.exec(request.url ?? "") ?? []
      if (request.url?.startsWith("/away")) response.writeHead(302, { location: `http://10.0.0.5/?${canary}` }).end()
      else if (request.url?.startsWith("/silence")) request.socket.destroy()
      else if (request.url?.startsWith("/large")) response.end(Buffer.alloc(1_000_001))
      else if (request.url?.startsWith("/endless")) pipeline(Readable.from(endless()), response, () => {})
      else if (request.url?.startsWith("/packed")) response.writeHead(200, { "content-encoding": "br" }).end(canary)
      else if (status === undefined) response.end(png)
      else response.writeHead(Number(status), { "x-secret": canary }).end(canary)
    }),
  )
  vendor = await scriptVendor()
})
beforeEach(() => {
  asked.length = 0
})
after(() => {
  inner.close().closeAllConnections()
  vendor.end()
})

/** A server, its live key, and what it logs. */
async function start(environment: Record<string, string>) {
  const server = await composeServer({ IDEOGRAM_API_KEY: "any", IDEOGRAM_BASE_URL: vendor.url, ...environment })
  const { app } = server.atelier
  const lines: string[] = []
  const write = (chunk: Buffer, _: string, done: () => void) => (lines.push(chunk.toString()), done())
  app.log = pino({ level: "info" }, new Writable({ write }))
  return { ...server, lines, live: { ...server, testKey: await createKey(app, defaultProject, "live") } }
}

const link = (url: string) => ({
  status: 200,
  json: {
    created: "2026-10-02T09:15:04Z",
    data: [{ url, prompt: "a mill", resolution: "1024x1024", is_image_safe: true }],
  },
})

describe("a server whose operator has said nothing", () => {
  let server: Awaited<ReturnType<typeof start>>
  before(async () => {
    server = await start({})
  })
  after(() => server.end())

  it("asks nothing of its own network, by whatever door", async () => {
    const target = `http://127.0.0.1:${portOf(inner)}/`
    const { body: pictured } = await generate(server, "a mill", { image: target })
    assert.deepEqual([pictured.status, pictured.error?.code], ["failed", "url_not_allowed"])
    const redirect = { status: 302, headers: { location: target }, body: "" }
    for (const answer of [link(target), link(`${vendor.url}/moved`)]) {
      vendor.answer = (path) => (path === "/moved" ? redirect : answer)
      const { body } = await generate(server.live, "a mill", { model: "ideogram/V3" })
      assert.match(body.error?.message ?? "", /link that may not be followed/)
    }
    const json = { url: target, events: ["images.completed"] }
    assert.equal((await call<Failure>(server, "/v1/webhooks", { json })).body.error.code, "url_not_allowed")
    assert.deepEqual(asked, [])
  })

  it("reaches a vendor whose address the operator put into that network, and takes pictures from there", async () => {
    vendor.calls.length = 0
    vendor.answer = (path) => (path === "/a.png" ? { status: 200, body: png } : link(`${vendor.url}/a.png`))
    const { body } = await generate(server.live, "a mill", { model: "ideogram/V3" })
    assert.equal(body.status, "succeeded")
    assert.equal(vendor.calls.at(-1), "GET /a.png")
  })
})

describe("a server whose operator allows an address and a port", () => {
  let server: Awaited<ReturnType<typeof start>>
  before(async () => {
    const port = String(portOf(inner))
    server = await start({ ATELIER_EGRESS_ALLOW: "127.0.0.1/32", ATELIER_EGRESS_PORTS: `443, ${port}` })
  })
  after(() => server.end())

  it("takes pictures from there, and from nowhere beside it", async () => {
    const port = portOf(inner)
    const { body } = await generate(server, "a mill", { image: `http://127.0.0.1:${port}/a.png` })
    assert.equal(body.status, "succeeded")
    assert.deepEqual(asked.splice(0), ["GET /a.png"])
    for (const host of [`127.0.0.2:${port}`, `localhost:${port}`, "127.0.0.1:80", "10.0.0.5", "[::1]"]) {
      const { body } = await generate(server, "a mill", { image: `http://${host}/a.png` })
      assert.equal(body.error?.code, "url_not_allowed", host)
    }
    assert.deepEqual(asked, [])
  })

  it("sends webhooks there in plain http, and nowhere beside it", async () => {
    const events = ["images.completed"]
    const add = (url: string) => call<WithSecret & Failure>(server, "/v1/webhooks", { json: { url, events } })
    for (const url of ["http://127.0.0.2/", "http://example.com/", "http://localhost/"])
      assert.equal((await add(url)).body.error.code, "url_not_allowed")
    const { body } = await add(`http://127.0.0.1:${portOf(inner)}/hook`)
    await generate(server, "a mill")
    await until("the webhook", async () => {
      const { data } = (await call<{ data: Delivery[] }>(server, `/v1/webhooks/${body.id}/deliveries`)).body
      return data.find(({ status }) => status === "succeeded")
    })
    assert.deepEqual(asked, ["POST /hook"])
  })
})

describe("a picture that cannot be fetched", () => {
  let server: Awaited<ReturnType<typeof start>>
  let tls: Server
  before(async () => {
    const answer = (_: unknown, response: { end: (body: string) => void }) => response.end(canary)
    tls = await listening(createHttpsServer(selfSigned("pictures.example.com"), answer))
    const ports = [443, 1, portOf(inner), portOf(tls)].join()
    const limits = { ATELIER_UPLOAD_MAX_MB: "1", ATELIER_PICTURE_MAX_MB: "1" }
    server = await start({ ATELIER_EGRESS_ALLOW: "127.0.0.1/32", ATELIER_EGRESS_PORTS: ports, ...limits })
  })
  after(async () => {
    tls.close()
    await server.end()
    assert.deepEqual(readdirSync(join(server.dataFolder, "pictures/drafts")), [], "nothing is left behind")
  })

  /** What a caller sees of it, by every way to see it, without what differs between any two generations. */
  async function seen(image: string): Promise<string> {
    const wanted = { model: "openai/gpt-image-1", input: { prompt: "a mill", image }, wait: 30 }
    const { body, headers } = await call<Generation>(server, "/v1/generations", { json: wanted })
    assert.equal(body.status, "failed")
    const events = await call(server, `/v1/generations/${body.id}/events`)
    const read = await call<Generation>(server, `/v1/generations/${body.id}`)
    const edited = await call<Failure>(server, "/v1/images/edits", {
      json: { model: "gpt-image-1", prompt: "a mill", image },
    })
    const names = [...headers.keys()].filter((name) => name !== "date").join()
    return [names, JSON.stringify(body), events.text, read.text, edited.status, edited.text]
      .join("\n")
      .replaceAll(/\b(?:gen|req|att)_\w+|\d{4}-\d\d-\d\dT[\d:.]+Z|"estimated_seconds":\d+/g, "*")
      .replaceAll(/[\da-f]{8}-[\da-f-]{27}/g, "*")
      .replaceAll(image, "*")
  }

  const targets = () => {
    const [http, https] = [`http://127.0.0.1:${portOf(inner)}`, `https://127.0.0.1:${portOf(tls)}`]
    return {
      "that is not there": `${http}/404?${canary}`,
      "that its server failed to give": `${http}/500?${canary}`,
      "that it keeps to itself": `${http}/401?${canary}`,
      "that has not changed": `${http}/304?${canary}`,
      "that is too large": `${http}/large?${canary}`,
      "that has no end": `${http}/endless?${canary}`,
      "that comes compressed": `${http}/packed?${canary}`,
      "whose server hangs up": `${http}/silence?${canary}`,
      "whose server is not believed": `${https}/?${canary}`,
      "whose server speaks no TLS": `https://127.0.0.1:${portOf(inner)}/?${canary}`,
      "at a port where nobody is": `http://127.0.0.1:1/?${canary}`,
    }
  }

  it("is the same to a caller whatever the reason", async () => {
    const first = await seen(`http://127.0.0.1:${portOf(inner)}/404?${canary}`)
    assert.match(first, /"code":"url_fetch_failed","message":"This URL could not be fetched\."/)
    for (const [name, target] of Object.entries(targets())) assert.equal(await seen(target), first, name)
  })

  it("is the same to a caller whatever the rule, where it may not be fetched", async () => {
    const port = portOf(inner)
    const first = await seen(`http://10.0.0.5/?${canary}`)
    assert.match(first, /"code":"url_not_allowed","message":"This URL may not be fetched\."/)
    for (const target of [
      `http://127.0.0.2:${port}/?${canary}`,
      `http://localhost:${port}/?${canary}`,
      `http://127.0.0.1:22/?${canary}`,
      `http://${canary}@127.0.0.1:${port}/`,
      `http://127.0.0.1:${port}/away?${canary}`,
    ])
      assert.equal(await seen(target), first, target)
  })

  it("is in the log with its reason, and without its query or what came of it", async () => {
    server.lines.length = 0
    const failing = Object.values(targets())
    for (const image of [...failing, `http://10.0.0.5/?${canary}`, `http://127.0.0.1:${portOf(inner)}/away?${canary}`])
      await generate(server, "a mill", { image })
    for (const url of [`${vendor.url}/404?${canary}`, `http://10.0.0.5/?${canary}`, `http://127.0.0.1:1/?${canary}`]) {
      vendor.answer = (path) => (path === "/404" ? { status: 404, body: canary } : link(url))
      await generate(server.live, "a mill", { model: "ideogram/V3" })
    }
    const log = server.lines.join("")
    for (const reason of ["answered 404", "answered 500", "ECONNREFUSED", "self-signed", "a vendor's picture"])
      assert.ok(log.includes(reason), reason)
    assert.deepEqual(
      server.lines.filter((line) => line.includes(canary)),
      [],
    )
    assert.doesNotMatch(log, /https?:\/\/[^"\s]*\?/)
  })
})
