import assert from "node:assert/strict"
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http"
import { buffer, text } from "node:stream/consumers"
import { test, type TestContext } from "node:test"
import { serve as serveOnLoopback } from "./loopback.ts"
import { createNetworkSend, type NetworkOptions } from "./network.ts"
import type { OutgoingBody, OutgoingRequest } from "./send.ts"

const serve = async (t: TestContext, listener: RequestListener): Promise<URL> =>
  new URL(`http://127.0.0.1:${await serveOnLoopback(t, listener)}/`)

function open(t: TestContext, options?: NetworkOptions) {
  const send = createNetworkSend(options)
  t.after(() => send.close())
  return send
}

const ask = (url: URL, more: Partial<OutgoingRequest> = {}): OutgoingRequest => ({
  method: "GET",
  url,
  headers: {},
  signal: new AbortController().signal,
  ...more,
})

const bodyOf = (...pieces: string[]): OutgoingBody => ({
  type: "text/plain",
  chunks: async function* () {
    for (const piece of pieces) yield Buffer.from(piece)
  },
})

test("what was asked arrives, and the answer comes back whole", async (t) => {
  let seen: IncomingMessage | undefined
  let sent = ""
  const url = await serve(t, async (request, response) => {
    seen = request
    sent = await text(request)
    response.writeHead(201, { "X-One": "1", "set-cookie": ["a=1", "b=2"] }).end(Buffer.alloc(300_000, 7))
  })
  const answer = await open(t)(
    ask(new URL("/a/b?c=d%20e", url), {
      method: "POST",
      headers: { authorization: "Bearer k" },
      body: { ...bodyOf("one ", "two"), length: 7 },
    }),
  )
  const bytes = await buffer(answer.body)
  assert.equal(answer.status, 201)
  assert.equal(answer.headers["x-one"], "1")
  assert.equal(answer.headers["set-cookie"], "a=1, b=2")
  assert.deepEqual(bytes, Buffer.alloc(300_000, 7))
  assert.equal(sent, "one two")
  assert.equal(seen?.method, "POST")
  assert.equal(seen?.url, "/a/b?c=d%20e")
  assert.equal(seen?.headers.authorization, "Bearer k")
  assert.equal(seen?.headers["content-type"], "text/plain")
  assert.equal(seen?.headers["content-length"], "7")
  assert.equal(seen?.headers["accept-encoding"], "identity")
})

test("a body of unknown length goes out chunked", async (t) => {
  const url = await serve(t, async (request, response) => {
    const body = await text(request)
    response.end(`${request.headers["transfer-encoding"]} ${request.headers["content-length"]} ${body}`)
  })
  const answer = await open(t)(ask(url, { method: "POST", body: bodyOf("a", "b") }))
  assert.equal(await text(answer.body), "chunked undefined ab")
})

test("a redirect is an answer like any other", async (t) => {
  const url = await serve(t, (_, response) => response.writeHead(302, { location: "/elsewhere" }).end())
  const answer = await open(t)(ask(url))
  assert.equal(answer.status, 302)
  assert.equal(answer.headers["location"], "/elsewhere")
  answer.body.destroy()
})

test("a connection is used again", async (t) => {
  const ports = new Set<number | undefined>()
  const url = await serve(t, (request, response) => {
    ports.add(request.socket.remotePort)
    response.end("ok")
  })
  const send = open(t, { connectionsMax: 1 })
  for (let call = 0; call < 5; call++) await text((await send(ask(url))).body)
  assert.equal(ports.size, 1)
})

test("a body that fails while it is written rejects the call with its own error", async (t) => {
  const url = await serve(t, (request) => request.on("error", () => {}).resume())
  const broken: OutgoingBody = {
    type: "text/plain",
    chunks: async function* () {
      yield Buffer.from("first")
      throw new Error("storage went away")
    },
  }
  await assert.rejects(open(t)(ask(url, { method: "POST", body: broken })), /storage went away/)
})

test("no server: the call rejects", async (t) => {
  const url = await serve(t, () => {})
  url.port = "1"
  await assert.rejects(open(t)(ask(url)), { code: "ECONNREFUSED" })
})

test("no head in time: the call rejects", async (t) => {
  const url = await serve(t, () => {})
  await assert.rejects(open(t, { headersTimeoutMs: 20 })(ask(url)), { code: "UND_ERR_HEADERS_TIMEOUT" })
})

test("a body that stalls fails in the reader's hands", async (t) => {
  const url = await serve(t, (_, response) => response.write("start"))
  const answer = await open(t, { bodyTimeoutMs: 20 })(ask(url))
  await assert.rejects(text(answer.body), { code: "UND_ERR_BODY_TIMEOUT" })
})

test("an answer cut short fails in the reader's hands", async (t) => {
  const url = await serve(t, (_, response) => {
    response.writeHead(200, { "content-length": "100" }).write("start", () => response.destroy())
  })
  const answer = await open(t)(ask(url))
  await assert.rejects(text(answer.body), { code: "UND_ERR_SOCKET" })
})

test("an aborted call rejects with the reason, before and while it runs", async (t) => {
  const stop = new AbortController()
  const url = await serve(t, () => stop.abort(new Error("hung up")))
  const send = open(t)
  await assert.rejects(send(ask(url, { signal: stop.signal })), /hung up/)
  await assert.rejects(send(ask(url, { signal: stop.signal })), /hung up/)
})

test("an aborted call that still waits for a connection rejects at once and is never sent", async (t) => {
  const seen: (string | undefined)[] = []
  const held = Promise.withResolvers<ServerResponse>()
  const url = await serve(t, (request, response) => {
    seen.push(request.url)
    if (seen.length === 1) held.resolve(response)
    else response.end("later")
  })
  const send = open(t, { connectionsMax: 1 })
  const first = send(ask(new URL("/first", url)))
  const response = await held.promise
  const stop = new AbortController()
  const second = send(ask(new URL("/second", url), { signal: stop.signal }))
  stop.abort(new Error("hung up"))
  await assert.rejects(second, /hung up/)
  response.end("first")
  assert.equal(await text((await first).body), "first")
  assert.equal(await text((await send(ask(new URL("/third", url)))).body), "later")
  assert.deepEqual(seen, ["/first", "/third"])
})

test("a body nobody wants can be destroyed without harm", async (t) => {
  const closed = Promise.withResolvers<void>()
  const url = await serve(t, (_, response) => {
    response.on("close", () => closed.resolve())
    response.write(Buffer.alloc(100_000))
  })
  const answer = await open(t)(ask(url))
  answer.body.destroy()
  await closed.promise
})

test("closing lets a running call finish and rejects later ones", async (t) => {
  const send = createNetworkSend()
  const url = await serve(t, (_, response) => setImmediate(() => response.end("done")))
  const running = send(ask(url)).then(({ body }) => text(body))
  await send.close()
  assert.equal(await running, "done")
  await assert.rejects(send(ask(url)))
  await assert.rejects(send(ask(new URL("http://127.0.0.1:1/"))), /closed/)
})
