import assert from "node:assert/strict"
import { connect as connectTo, isIP, type Socket } from "node:net"
import { text } from "node:stream/consumers"
import { test } from "node:test"
import { hostOf, readPolicy } from "./address.ts"
import type { Connect } from "./guarded.ts"
import { answers, failsWith, never, record, serve, toPort } from "./loopback.ts"
import { createGuardedPost } from "./post.ts"
import { lookups, mustAllow, mustRefuse } from "./vectors.ts"

const what = { headers: { "content-type": "application/json", "webhook-id": "msg_1" }, body: `{"p":"ação"}` }
const own = readPolicy({ allow: ["127.0.0.0/8"] })

test("nothing is sent to a forbidden URL, which is also refused when it is checked", async () => {
  const { check, post } = createGuardedPost({ policy: readPolicy(), resolve: never, connect: never })
  for (const url of [...mustRefuse, "http://example.com/hook", "http://1.1.1.1/"]) {
    await failsWith(check(url), "url_not_allowed")
    await failsWith(post(url, what), "url_not_allowed")
  }
})

for (const { name, answers: ips, outcome } of lookups)
  test(`a name is looked up when it is checked and when it is posted to: ${name}`, async (t) => {
    const port = await serve(t, (_, response) => response.end())
    const resolve = async () => answers(...ips)
    // The server on loopback speaks no TLS; that the connection was opened is what counts.
    let connected = false
    const { check, post } = createGuardedPost({
      ...{ policy: readPolicy(), resolve },
      connect: (addresses, maxMs) => {
        connected = true
        return toPort(port)(addresses, maxMs)
      },
    })
    const work = post("https://example.com/hook", what)
    if (outcome === "allowed") assert.equal((await work).status, 200)
    else await failsWith(work, outcome)
    assert.equal(connected, outcome === "allowed")
    if (outcome === "url_not_allowed") await failsWith(check("https://example.com/hook"), outcome)
    else await check("https://example.com/hook")
  })

test("what is sent arrives, at any port of the operator's own ranges", async (t) => {
  const got: unknown[] = []
  const port = await serve(t, async (request, response) => {
    got.push([request.method, request.url, request.headers["webhook-id"], await text(request)])
    response.writeHead(201, { "retry-after": "5" }).end("thanks")
  })
  const { check, post } = createGuardedPost({ policy: own })
  const url = `http://127.0.0.1:${port}/a?b=c`
  await check(url)
  const { status, headers } = await post(url, what)
  assert.deepEqual([status, headers["retry-after"]], [201, "5"])
  assert.deepEqual(got, [["POST", "/a?b=c", "msg_1", what.body]])
})

test("every allowed vector over https is sent to, at the address that was checked; plain http is not", async (t) => {
  const port = await serve(t, (_, response) => response.end())
  const { connected, connect } = record(port)
  const resolve = async () => answers("93.184.216.34")
  const { check, post } = createGuardedPost({ policy: readPolicy(), resolve, connect })
  for (const url of mustAllow) {
    const host = hostOf(new URL(url))
    if (url.startsWith("http:")) {
      await failsWith(check(url), "url_not_allowed")
      await failsWith(post(url, what), "url_not_allowed")
    } else {
      await check(url)
      assert.deepEqual(connected, [])
      assert.equal((await post(url, what)).status, 200)
    }
    const expected = url.startsWith("http:") ? [] : [isIP(host) === 0 ? "93.184.216.34" : host]
    assert.deepEqual(connected.splice(0), expected, url)
  }
})

test("plain http and other ports are for addresses in the operator's own ranges, and for nothing beside them", async () => {
  const { check } = createGuardedPost({ policy: own, resolve: async () => answers("127.0.0.1") })
  for (const url of ["http://127.0.0.1/", "http://127.1:25/", "https://127.0.0.1:9000/", "https://hooks.example.com/"])
    await check(url)
  for (const url of [
    "http://hooks.example.com/",
    "https://hooks.example.com:9000/",
    "http://user@127.0.0.1/",
    "ftp://127.0.0.1/",
    "http://10.0.0.5/",
    "http://8.8.8.8/",
    "http://[::1]/",
  ])
    await failsWith(check(url), "url_not_allowed")
})

test("redirects are not followed", async (t) => {
  const seen: unknown[] = []
  const port = await serve(t, (request, response) => {
    seen.push(request.url)
    response.writeHead(Number(request.url?.slice(1)), { location: "/elsewhere" }).end()
  })
  const { post } = createGuardedPost({ policy: own })
  const statuses = [300, 301, 302, 303, 307, 308]
  for (const status of statuses) assert.equal((await post(`http://127.0.0.1:${port}/${status}`, what)).status, status)
  assert.deepEqual(
    seen,
    statuses.map((status) => `/${status}`),
  )
})

test("of an answer no more is read than 16 KB and what was on its way", { timeout: 10_000 }, async (t) => {
  const closed = Promise.withResolvers<void>()
  const port = await serve(t, (_, response) => {
    const more = () => void (response.destroyed || (response.write(Buffer.alloc(65_536)), setImmediate(more)))
    response.on("close", () => closed.resolve())
    more()
  })
  let socket: Socket | undefined
  const connect: Connect = () => (_, callback) => {
    socket = connectTo(port, "127.0.0.1", () => callback(null, socket!))
  }
  const { post } = createGuardedPost({ policy: own, connect })
  assert.equal((await post(`http://127.0.0.1:${port}/`, what)).status, 200)
  await closed.promise
  assert.ok(socket!.bytesRead > 16_384 && socket!.bytesRead < 500_000, String(socket!.bytesRead))
})

test("a receiver that never answers, or that nobody is at, is a failed fetch", async (t) => {
  const port = await serve(t, () => {})
  const { post } = createGuardedPost({ policy: own, limits: { wholeMaxMs: 50 } })
  await failsWith(post(`http://127.0.0.1:${port}/`, what), "url_fetch_failed")
  await failsWith(post("http://127.0.0.1:1/", what), "url_fetch_failed")
})

test("an answer whose body never ends counts by its head", async (t) => {
  const port = await serve(t, (_, response) => void response.writeHead(200).write("a"))
  const { post } = createGuardedPost({ policy: own, limits: { wholeMaxMs: 50 } })
  assert.equal((await post(`http://127.0.0.1:${port}/`, what)).status, 200)
})
