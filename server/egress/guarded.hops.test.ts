// Redirects of every kind: each hop is checked as the first URL was, and whatever leads nowhere is a failure.
import assert from "node:assert/strict"
import { once } from "node:events"
import type { ServerResponse } from "node:http"
import { text } from "node:stream/consumers"
import { describe, it, type TestContext } from "node:test"
import { hostOf, readPolicy } from "./address.ts"
import { createGuardedFetch } from "./guarded.ts"
import { answers, failsWith, loopback, record, serve, serveBytes, wanted } from "./loopback.ts"
import { mustAllow, mustRefuse } from "./vectors.ts"

const statuses = [301, 302, 303, 307, 308]
const origin = "93.184.216.34"
const others = "93.184.216.99"

/** A public network with one origin on it, "pictures.example.com"; `port` of loopback answers for all of it. */
function publicNetwork(port: number) {
  const { connected, connect } = record(port)
  const resolve = async (name: string) => answers(name === "pictures.example.com." ? origin : others)
  return { connected, ...createGuardedFetch({ policy: readPolicy(), resolve, connect }) }
}

describe("an allowed origin that redirects to what is forbidden", () => {
  for (const from of ["http://pictures.example.com/", "https://pictures.example.com/"])
    it(`is not followed from ${new URL(from).protocol} to any vector, whatever the status`, async (t) => {
      let location = ""
      let status = 0
      const port = await serveBytes(t, (socket) => {
        socket.end(`HTTP/1.1 ${status} Moved\r\nlocation: ${location}\r\ncontent-length: 0\r\n\r\n`)
      })
      const { connected, download } = publicNetwork(port)
      for (const [index, url] of mustRefuse.entries()) {
        location = url
        status = statuses[index % statuses.length]!
        await failsWith(download(from, wanted()), "url_not_allowed")
        // From http the text "http:127.0.0.1/" is a path of the same origin, and so leads round in a circle.
        const relative = url === "http:127.0.0.1/" && from.startsWith("http:")
        assert.deepEqual(connected.splice(0), relative ? Array(4).fill(origin) : [origin], url)
      }
    })
})

describe("an allowed origin that redirects to what is allowed", () => {
  it("is followed to every vector, at the address that was checked", async (t) => {
    let location = ""
    const port = await serveBytes(t, (socket, path) => {
      const answer = path === "/from" ? `302 Found\r\nlocation: ${location}` : "200 OK"
      socket.end(`HTTP/1.1 ${answer}\r\ncontent-length: 0\r\n\r\n`)
    })
    const { connected, download } = publicNetwork(port)
    for (location of mustAllow) {
      const { url } = await download("http://pictures.example.com/from", wanted())
      const literal = /^[\d.]+$|:/.test(hostOf(new URL(location)))
      assert.deepEqual(connected.splice(0), [origin, literal ? hostOf(new URL(location)) : others], location)
      assert.equal(url.protocol, new URL(location).protocol)
    }
  })

  it("is followed by each status, with a GET, and nothing of the first answer goes along", async (t) => {
    const seen: unknown[] = []
    const port = await serve(t, (request, response) => {
      const { cookie, referer, authorization } = request.headers
      if (request.url === "/next?a=b") seen.push([request.method, cookie, referer, authorization])
      if (request.url === "/next?a=b") response.end("picture")
      else {
        const headers = { location: "/next?a=b#part", "set-cookie": "a=b", "www-authenticate": "Basic" }
        response.writeHead(Number(request.url?.slice(1)), headers).end("moved")
      }
    })
    for (const status of statuses) {
      const { body, url } = await loopback([port]).download(`http://127.0.0.1:${port}/${status}`, wanted())
      assert.equal(await text(body), "picture")
      assert.equal(url.href, `http://127.0.0.1:${port}/next?a=b#part`)
    }
    assert.deepEqual(
      seen,
      statuses.map(() => ["GET", undefined, undefined, undefined]),
    )
  })

  const relatives: [string, string][] = [
    ["next", "/a/next"],
    ["/next", "/next"],
    ["../next", "/next"],
    ["../../../next", "/next"],
    ["./x/../next", "/a/next"],
    ["?next", "/a/b?next"],
    ["\t/ne\tx\tt", "/next"],
    ["/ne xt", "/ne%20xt"],
    ["\\next", "/next"],
    ["/next\\..\\other", "/other"],
    [`/${"n".repeat(10_000)}`, `/${"n".repeat(10_000)}`],
  ]
  for (const [location, path] of relatives)
    it(`may name a place relative to itself: ${JSON.stringify(location).slice(0, 40)}`, async (t) => {
      const port = await serveBytes(t, (socket, asked) => {
        const answer = asked === "/a/b" ? `302 Found\r\nlocation: ${location}` : "200 OK"
        socket.end(`HTTP/1.1 ${answer}\r\ncontent-length: ${asked.length}\r\n\r\n${asked}`)
      })
      const { body } = await loopback([port]).download(`http://127.0.0.1:${port}/a/b`, wanted({ maxBytes: 20_000 }))
      assert.equal(await text(body), path)
    })
})

/** Downloads from an origin that answers these bytes at its root, and "picture" elsewhere. */
async function after(t: TestContext, head: string) {
  const port = await serveBytes(t, (socket, path) => {
    socket.end(path === "/" ? `HTTP/1.1 ${head}\r\n\r\n` : "HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\npicture")
  })
  const { connected, download } = publicNetwork(port)
  return { connected, work: download("http://pictures.example.com/", wanted()) }
}

describe("a redirect that leads nowhere", () => {
  for (const head of [
    ...statuses.map((status) => `${status} Moved\r\ncontent-length: 0`),
    ...[300, 304, 305, 306].map((status) => `${status} Other\r\nlocation: /next\r\ncontent-length: 0`),
    `302 Found\r\nlocation: /${"n".repeat(100_000)}\r\ncontent-length: 0`,
    "302 Found\r\nlocation: /ne\0xt\r\ncontent-length: 0",
    "302 Found\r\nlocation: \x01http://127.0.0.1/\r\ncontent-length: 0",
  ])
    it(`is a failed fetch: ${JSON.stringify(head).slice(0, 50)}`, async (t) => {
      const { work, connected } = await after(t, head)
      await failsWith(work, "url_fetch_failed")
      assert.deepEqual(connected, [origin])
    })

  it("is not followed for ever: an empty one means the same place again", async (t) => {
    const { work, connected } = await after(t, "302 Found\r\nlocation:\r\ncontent-length: 0")
    await failsWith(work, "url_not_allowed", /too many redirects/)
    assert.deepEqual(connected, Array(4).fill(origin))
  })
})

describe("a redirect written to mislead", () => {
  for (const location of [
    "ht\ttp://127.0.0.1/",
    "http:\t//127.0.0.1/",
    "//127.0.0.1:8080",
    "\\\\127.0.0.1\\",
    "/\\127.0.0.1/",
    "//pictures.example.com@127.0.0.1/",
    "//127.0.0.1#@pictures.example.com/",
    "//127.0.0.1\\@pictures.example.com/",
    "//pictures.example.com:22/",
    "http://pictures.example.com%2f@127.0.0.1/",
    "http://127.0.0.1%00.example.com/",
    "//[::ffff:127.0.0.1]/",
    "//localhost./",
    "JaVaScRiPt:alert(1)",
    "view-source:http://127.0.0.1/",
  ])
    it(`is refused: ${JSON.stringify(location)}`, async (t) => {
      const { work, connected } = await after(t, `302 Found\r\nlocation: ${location}\r\ncontent-length: 0`)
      await failsWith(work, "url_not_allowed")
      assert.deepEqual(connected, [origin])
    })

  it("with two places leads to neither of them unchecked", async (t) => {
    const both = "location: /one\r\nlocation: http://127.0.0.1/"
    const { work, connected } = await after(t, `302 Found\r\n${both}\r\ncontent-length: 0`)
    // Read as one, it is a strange path of the same origin.
    assert.equal((await work).url.hostname, "pictures.example.com")
    assert.deepEqual(connected, [origin, origin])
  })

  it("with an answer that is no redirect leads nowhere", async (t) => {
    const { work, connected } = await after(
      t,
      "200 OK\r\nlocation: http://127.0.0.1/\r\nrefresh: 0;/x\r\ncontent-length: 0",
    )
    assert.equal((await work).url.href, "http://pictures.example.com/")
    assert.deepEqual(connected, [origin])
  })
})

it("the body of a redirect is not waited for, and its connection is closed", { timeout: 10_000 }, async (t) => {
  const closed = Promise.withResolvers<unknown>()
  const endless = (response: ServerResponse) => {
    const more = () => void (response.destroyed || (response.write(Buffer.alloc(65_536)), setImmediate(more)))
    more()
  }
  const port = await serve(t, (request, response) => {
    if (request.url === "/next") return response.end("picture")
    closed.resolve(once(response, "close"))
    response.writeHead(302, { location: "/next" })
    endless(response)
  })
  const { body } = await loopback([port]).download(`http://127.0.0.1:${port}/`, wanted())
  assert.equal(await text(body), "picture")
  await closed.promise
})
