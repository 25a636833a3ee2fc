// With the real connector: what was checked is what is connected to, and TLS speaks to the name that was asked for.
import assert from "node:assert/strict"
import dns from "node:dns/promises"
import { createServer as createHttpsServer } from "node:https"
import { syncBuiltinESMExports } from "node:module"
import { text } from "node:stream/consumers"
import { after, describe, it, type TestContext } from "node:test"
import { getCACertificates, setDefaultCACertificates } from "node:tls"
import { readPolicy } from "./address.ts"
import { createGuardedFetch, type GuardedOptions } from "./guarded.ts"
import { answers, failsWith, listen, never, serve, wanted } from "./loopback.ts"
import { createGuardedPost } from "./post.ts"
import { selfSigned } from "./selfSigned.ts"

// Only Linux has all of 127/8 without being told to.
const skip = process.platform !== "linux"

/** Servers at the same port of two addresses, of which the operator allows the first; each says its address. */
async function twoAddresses(t: TestContext) {
  const asked = { "127.0.0.2": 0, "127.0.0.3": 0 }
  const say = (host: keyof typeof asked, port?: number) =>
    serve(t, (_, response) => void (asked[host]++, response.end(host)), {
      host,
      ...(port === undefined ? {} : { port }),
    })
  const port = await say("127.0.0.2")
  await say("127.0.0.3", port)
  const policy = readPolicy({ allow: ["127.0.0.2/32"], ports: [port] })
  return { port, asked, policy }
}

describe("the address that was checked", { skip }, () => {
  it("is connected to where the URL is the address itself, however it is written", async (t) => {
    const { port, asked, policy } = await twoAddresses(t)
    const { download } = createGuardedFetch({ policy, resolve: never })
    for (const host of ["127.0.0.2", "127.2", "0x7f000002", "2130706434", "0177.0.0.02", "127.0.0.2."]) {
      const { body } = await download(`http://${host}:${port}/`, wanted())
      assert.equal(await text(body), "127.0.0.2", host)
    }
    for (const host of ["127.0.0.3", "127.3", "0x7f000003", "2130706435", "[::ffff:127.0.0.3]", "[::ffff:7f00:3]"])
      await failsWith(download(`http://${host}:${port}/`, wanted()), "url_not_allowed")
    assert.deepEqual(asked, { "127.0.0.2": 6, "127.0.0.3": 0 })
  })

  it("is connected to where a name stands for it, without asking for the name again", async (t) => {
    const { port, asked, policy } = await twoAddresses(t)
    const resolved: string[] = []
    const resolve = async (name: string) => answers(resolved.push(name) === 1 ? "127.0.0.2" : "127.0.0.3")
    const { download } = createGuardedFetch({ policy, resolve })
    const { body } = await download(`http://pictures.example.com:${port}/`, wanted())
    assert.equal(await text(body), "127.0.0.2")
    assert.deepEqual(resolved, ["pictures.example.com."])
    await failsWith(download(`http://pictures.example.com:${port}/b`, wanted()), "url_not_allowed", /127\.0\.0\.3/)
    assert.deepEqual(asked, { "127.0.0.2": 1, "127.0.0.3": 0 })
  })

  it("is where a webhook goes, by address and by name", async (t) => {
    const { port, asked, policy } = await twoAddresses(t)
    const what = { headers: {}, body: "{}" }
    const { post } = createGuardedPost({ policy, resolve: async () => answers("127.0.0.3") })
    assert.equal((await post(`http://127.2:${port}/`, what)).status, 200)
    await failsWith(post(`http://127.3:${port}/`, what), "url_not_allowed")
    await failsWith(post(`https://hooks.example.com:${port}/`, what), "url_not_allowed")
    assert.deepEqual(asked, { "127.0.0.2": 1, "127.0.0.3": 0 })
  })

  it("is not left for one that was not checked, where nobody answers there", async (t) => {
    const { port, asked } = await twoAddresses(t)
    const policy = readPolicy({ allow: ["127.0.0.4/32"], ports: [port] })
    const { download } = createGuardedFetch({ policy, resolve: async () => answers("127.0.0.4") })
    await failsWith(download(`http://pictures.example.com:${port}/`, wanted()), "url_fetch_failed", /ECONNREFUSED/)
    await failsWith(download(`http://127.0.0.4:${port}/`, wanted()), "url_fetch_failed", /ECONNREFUSED/)
    assert.deepEqual(asked, { "127.0.0.2": 0, "127.0.0.3": 0 })
  })
})

describe("the system's resolver", () => {
  it("is asked for all addresses of the fully qualified name", async (t) => {
    const asked: unknown[][] = []
    let ips = ["127.0.0.1"]
    t.mock.method(dns, "lookup", async (...args: unknown[]) => (asked.push(args), answers(...ips)))
    syncBuiltinESMExports()
    t.after(syncBuiltinESMExports)
    const port = await serve(t, (_, response) => response.end("picture"))
    const { download } = createGuardedFetch({ policy: readPolicy({ allow: ["127.0.0.1/32"], ports: [port] }) })
    const { body } = await download(`http://pictures.example.com:${port}/`, wanted())
    assert.equal(await text(body), "picture")
    ips = ["127.0.0.1", "10.0.0.5"]
    await failsWith(download(`http://PICTURES.example.com.:${port}/`, wanted()), "url_not_allowed", /10\.0\.0\.5/)
    const question = ["pictures.example.com.", { all: true }]
    assert.deepEqual(asked, [question, question])
  })
})

describe("a server with TLS", () => {
  const trusted = getCACertificates("default")
  after(() => setDefaultCACertificates(trusted))

  /** A server with this certificate, at "pictures.example.com" and at its own address. */
  async function serveTls(t: TestContext, certificate: { key: string; cert: string }) {
    const names: unknown[] = []
    const server = createHttpsServer(certificate, (request, response) => {
      names.push([(request.socket as { servername?: unknown }).servername, request.headers.host])
      response.end("picture")
    })
    t.after(() => server.closeAllConnections())
    const port = await listen(t, server)
    const options: GuardedOptions = {
      policy: readPolicy({ allow: ["127.0.0.1/32"], ports: [port] }),
      resolve: async () => answers("127.0.0.1"),
    }
    return { port, names, ...createGuardedFetch(options), ...createGuardedPost(options) }
  }

  it("that only it vouches for is not believed", async (t) => {
    const { port, names, download, post } = await serveTls(t, selfSigned("pictures.example.com"))
    const url = `https://pictures.example.com:${port}/`
    await failsWith(download(url, wanted()), "url_fetch_failed", /self-signed/)
    await failsWith(post(url, { headers: {}, body: "{}" }), "url_fetch_failed", /self-signed/)
    assert.deepEqual(names, [])
  })

  it("is believed under the name in its certificate, which it is asked for by", async (t) => {
    const certificate = selfSigned("pictures.example.com")
    setDefaultCACertificates([certificate.cert])
    const { port, names, download, post } = await serveTls(t, certificate)
    const url = `https://pictures.example.com:${port}/`
    assert.equal(await text((await download(url, wanted())).body), "picture")
    assert.equal((await post(url, { headers: {}, body: "{}" })).status, 200)
    const name = ["pictures.example.com", `pictures.example.com:${port}`]
    assert.deepEqual(names, [name, name])
    for (const host of ["other.example.com", "127.0.0.1"])
      await failsWith(download(`https://${host}:${port}/`, wanted()), "url_fetch_failed", /altnames/)
    assert.equal(names.length, 2)
  })

  it("is not believed after its certificate's time", async (t) => {
    const certificate = selfSigned("pictures.example.com", { expired: true })
    setDefaultCACertificates([certificate.cert])
    const { port, names, download } = await serveTls(t, certificate)
    const work = download(`https://pictures.example.com:${port}/`, wanted())
    await failsWith(work, "url_fetch_failed", /expired/)
    assert.deepEqual(names, [])
  })

  it("that speaks none is a failure", async (t) => {
    const port = await serve(t, (_, response) => response.end("picture"))
    const policy = readPolicy({ allow: ["127.0.0.1/32"], ports: [port] })
    await failsWith(createGuardedFetch({ policy }).download(`https://127.0.0.1:${port}/`, wanted()), "url_fetch_failed")
  })
})
