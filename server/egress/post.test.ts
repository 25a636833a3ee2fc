import assert from "node:assert/strict"
import { text } from "node:stream/consumers"
import { test } from "node:test"
import { readPolicy } from "./address.ts"
import { answers, failsWith, serve, toPort } from "./loopback.ts"
import { createGuardedPost } from "./post.ts"
import { lookups, mustRefuse } from "./vectors.ts"

const never = () => assert.fail("not to be called")
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

test("redirects are not followed, and a long answer is not read", async (t) => {
  let asked = 0
  const port = await serve(t, (request, response) => {
    asked++
    if (request.url === "/long") response.writeHead(200).end(Buffer.alloc(10_000_000))
    else response.writeHead(307, { location: "/elsewhere" }).end()
  })
  const { post } = createGuardedPost({ policy: own })
  assert.equal((await post(`http://127.0.0.1:${port}/`, what)).status, 307)
  assert.equal((await post(`http://127.0.0.1:${port}/long`, what)).status, 200)
  assert.equal(asked, 2)
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
