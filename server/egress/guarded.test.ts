import assert from "node:assert/strict"
import { isIP, createServer as createTcpServer } from "node:net"
import { text } from "node:stream/consumers"
import { test } from "node:test"
import { createServer as createTlsServer } from "node:tls"
import { gzipSync } from "node:zlib"
import { readPolicy } from "./address.ts"
import { createGuardedFetch } from "./guarded.ts"
import { answers, failsWith, listen, loopback, never, record, serve, wanted } from "./loopback.ts"
import { lookups, mustAllow, mustRefuse } from "./vectors.ts"

test("every forbidden URL is refused before any look-up or connection", async () => {
  const { download } = createGuardedFetch({ policy: readPolicy(), resolve: never, connect: never })
  for (const url of mustRefuse) await failsWith(download(url, wanted()), "url_not_allowed")
})

test("every allowed URL is fetched from the address that was checked", async (t) => {
  const port = await serve(t, (request, response) => response.end(request.headers.host))
  const resolved: string[] = []
  const { connected, connect } = record(port)
  const resolve = async (name: string) => {
    resolved.push(name)
    return answers("93.184.216.34", "2606:2800:220:1::248")
  }
  const { download } = createGuardedFetch({ policy: readPolicy(), resolve, connect })
  for (const given of mustAllow) {
    const url = new URL(given)
    const literal = isIP(url.hostname.replace(/[[\]]/g, "")) !== 0
    const { body, status } = await download(given, wanted())
    assert.equal(status, 200)
    assert.equal(await text(body), url.host)
    assert.deepEqual(resolved.splice(0), literal ? [] : [`${url.hostname}.`])
    const expected = literal ? [url.hostname.replace(/[[\]]/g, "")] : ["93.184.216.34", "2606:2800:220:1::248"]
    assert.deepEqual(connected.splice(0), expected)
  }
})

for (const { name, answers: ips, outcome } of lookups) {
  test(`a name: ${name}`, async (t) => {
    const port = await serve(t, (_, response) => response.end("picture"))
    const { connected, connect } = record(port)
    const resolve = async () => answers(...ips)
    const { download } = createGuardedFetch({ policy: readPolicy(), resolve, connect })
    const work = download("https://example.com/a.png", wanted())
    if (outcome === "allowed") assert.equal(await text((await work).body), "picture")
    else await failsWith(work, outcome)
    assert.deepEqual(connected, outcome === "allowed" ? ips : [])
  })
}

test("a name that changes its address is asked for once, and the first answer is where we go", async (t) => {
  const port = await serve(t, (request, response) => response.end(request.headers.host))
  let asked = 0
  const resolve = async () => answers(++asked === 1 ? "127.0.0.1" : "10.0.0.5")
  const { body, url } = await loopback([port], { resolve }).download(`http://pictures.example.com:${port}/a`, wanted())
  assert.equal(await text(body), `pictures.example.com:${port}`)
  assert.equal(url.href, `http://pictures.example.com:${port}/a`)
  assert.equal(asked, 1)
})

test("where one checked address does not answer, the next is tried", async (t) => {
  const port = await serve(t, (_, response) => response.end("picture"))
  const resolve = async () => answers("127.0.0.3", "127.0.0.1")
  const { body } = await loopback([port], { resolve }).download(`http://example.com:${port}/`, wanted())
  assert.equal(await text(body), "picture")
})

test("TLS asks for the name, at the address that was checked", async (t) => {
  const asked: string[] = []
  const server = createTlsServer({
    SNICallback: (name, answer) => {
      asked.push(name)
      answer(new Error("no certificate here"))
    },
  })
  server.on("tlsClientError", () => {})
  const port = await listen(t, server)
  await failsWith(loopback([port]).download(`https://pictures.example.com:${port}/`, wanted()), "url_fetch_failed")
  assert.deepEqual(asked, ["pictures.example.com"])
})

test("a resolver that fails or never answers", async (t) => {
  const port = await serve(t, () => {})
  const url = `http://example.com:${port}/`
  const failing = { resolve: () => Promise.reject(new Error("ENOTFOUND example.com")) }
  await failsWith(loopback([port], failing).download(url, wanted()), "url_fetch_failed", /ENOTFOUND/)
  const silent = { resolve: () => new Promise<never>(() => {}), limits: { headMaxMs: 10 } }
  await failsWith(loopback([port], silent).download(url, wanted()), "url_fetch_failed", /TimeoutError/)
})

test("what is asked of the server, and what it answers", async (t) => {
  const port = await serve(t, (request, response) => response.end(JSON.stringify([request.url, request.headers])))
  const { body, headers } = await loopback([port]).download(`http://127.0.0.1:${port}/a%20b?c=d#e`, wanted())
  const [path, asked] = JSON.parse(await text(body))
  assert.equal(path, "/a%20b?c=d")
  assert.equal(asked["accept-encoding"], "identity")
  assert.equal(asked["connection"], "close")
  assert.deepEqual([asked["authorization"], asked["cookie"], asked["referer"]], [undefined, undefined, undefined])
  assert.equal(typeof headers["date"], "string")
})

test("an encoded answer, a status without success and a redirect to nowhere are failures", async (t) => {
  const port = await serve(t, (request, response) => {
    if (request.url === "/gzip") response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync("picture"))
    else response.writeHead(Number(request.url?.slice(1))).end("no")
  })
  const { download } = loopback([port])
  await failsWith(download(`http://127.0.0.1:${port}/gzip`, wanted()), "url_fetch_failed", /gzip/)
  for (const status of [302, 304, 403, 404, 500]) {
    await failsWith(download(`http://127.0.0.1:${port}/${status}`, wanted()), "url_fetch_failed", RegExp(`${status}`))
  }
})

test("a body as long as the limit passes, one byte more does not", async (t) => {
  const port = await serve(
    t,
    (request, response) => response.write("x".repeat(1_000)) && response.end(request.url?.slice(1)),
  )
  const { download } = loopback([port])
  assert.equal((await text((await download(`http://127.0.0.1:${port}/`, wanted())).body)).length, 1_000)
  const { body } = await download(`http://127.0.0.1:${port}/y`, wanted())
  await failsWith(text(body), "url_fetch_failed", /more than 1000/)
})

test("an endless body is cut off at the limit, and its connection with it", async (t) => {
  const closed = Promise.withResolvers<void>()
  const port = await serve(t, (_, response) => {
    const more = () => void (response.destroyed || (response.write(Buffer.alloc(65_536)), setImmediate(more)))
    response.on("close", () => closed.resolve())
    more()
  })
  const { body } = await loopback([port]).download(`http://127.0.0.1:${port}/`, wanted({ maxBytes: 1_000_000 }))
  await failsWith(text(body), "url_fetch_failed", /more than 1000000/)
  await closed.promise
})

test("a Content-Length that lies gains nothing", async (t) => {
  const raw = (head: string) =>
    createTcpServer((socket) => {
      socket.on("error", () => {})
      socket.end(`HTTP/1.1 200 OK\r\n${head}\r\n\r\n${"x".repeat(5_000)}`)
    })
  const small = await listen(t, raw("content-length: 5"))
  const large = await listen(t, raw("content-length: 9000"))
  const short = await listen(t, raw("content-length: 6000"))
  const { download } = loopback([small, large, short])
  const { body } = await download(`http://127.0.0.1:${small}/`, wanted())
  assert.equal(await text(body), "xxxxx")
  await failsWith(download(`http://127.0.0.1:${large}/`, wanted()), "url_fetch_failed", /announced/)
  const cut = await download(`http://127.0.0.1:${short}/`, wanted({ maxBytes: 7_000 }))
  await failsWith(text(cut.body), "url_fetch_failed")
})

test("no head in time, no end in time, no server", async (t) => {
  const port = await serve(t, (request, response) => request.url === "/body" && response.write("start"))
  const slow = loopback([port], { limits: { headMaxMs: 10 } })
  await failsWith(slow.download(`http://127.0.0.1:${port}/`, wanted()), "url_fetch_failed", /TimeoutError/)
  const long = loopback([port], { limits: { wholeMaxMs: 200 } })
  const read = long.download(`http://127.0.0.1:${port}/body`, wanted()).then(({ body }) => text(body))
  await failsWith(read, "url_fetch_failed", /TimeoutError/)
  await failsWith(loopback([1]).download("http://127.0.0.1:1/", wanted()), "url_fetch_failed", /ECONNREFUSED/)
})

test("a connection that does not come to stand", async (t) => {
  // Accepts, and never answers the TLS handshake.
  const port = await listen(
    t,
    createTcpServer((socket) => void socket.on("error", () => {})),
  )
  const slow = loopback([port], { limits: { connectMaxMs: 20 } })
  await failsWith(slow.download(`https://example.com:${port}/`, wanted()), "url_fetch_failed", /Connect Timeout/)
})

test("an aborted download rejects with the reason, before, while it waits and while it is read", async (t) => {
  let stop = new AbortController()
  const port = await serve(t, (request, response) => {
    if (request.url === "/body") response.write("start")
    else stop.abort(new Error("hung up"))
  })
  const { download } = loopback([port])
  await assert.rejects(download(`http://127.0.0.1:${port}/`, wanted({ signal: stop.signal })), /hung up/)
  await assert.rejects(download(`http://127.0.0.1:${port}/`, wanted({ signal: stop.signal })), /hung up/)
  stop = new AbortController()
  const { body } = await download(`http://127.0.0.1:${port}/body`, wanted({ signal: stop.signal }))
  stop.abort(new Error("hung up"))
  await assert.rejects(text(body), /hung up/)
})

test("a body nobody wants can be destroyed without harm, and ends its connection", async (t) => {
  const closed = Promise.withResolvers<void>()
  const port = await serve(t, (_, response) => {
    response.on("close", () => closed.resolve())
    response.write("start")
  })
  const { body } = await loopback([port]).download(`http://127.0.0.1:${port}/`, wanted())
  body.destroy()
  await closed.promise
})
