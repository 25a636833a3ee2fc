import assert from "node:assert/strict"
import { text } from "node:stream/consumers"
import { test } from "node:test"
import { readPolicy } from "./address.ts"
import { createGuardedFetch } from "./guarded.ts"
import { answers, failsWith, loopback, serve, toPort, wanted } from "./loopback.ts"
import { mustRefuseRedirects } from "./vectors.ts"

for (const location of mustRefuseRedirects) {
  test(`a redirect to ${location} is refused`, async (t) => {
    const port = await serve(t, (_, response) => response.writeHead(302, { location }).end())
    const policy = readPolicy({ allow: ["127.0.0.2/32"], ports: [80, 443, port] })
    const { download } = createGuardedFetch({
      policy,
      resolve: async () => answers("127.0.0.2"),
      connect: toPort(port),
    })
    await failsWith(download(`http://pictures.example.com:${port}/`, wanted()), "url_not_allowed")
  })
}

test("a redirect from https to http is refused", async (t) => {
  const port = await serve(t, (_, response) => response.writeHead(301, { location: "http://example.com/" }).end())
  const { download } = loopback([80, 443], { connect: toPort(port) })
  await failsWith(download("https://example.com/", wanted()), "url_not_allowed", /https to http/)
})

test("three redirects are followed, a fourth and a loop are not", async (t) => {
  const seen: (string | undefined)[] = []
  const port = await serve(t, (request, response) => {
    seen.push(request.url)
    const left = Number(request.url?.slice(1))
    if (left === 0) response.end("picture")
    else response.writeHead(307, { location: request.url === "/loop" ? "/loop" : String(left - 1) }).end("moved")
  })
  const { download } = loopback([port])
  const { body, url } = await download(`http://127.0.0.1:${port}/3`, wanted())
  assert.equal(await text(body), "picture")
  assert.equal(url.pathname, "/0")
  assert.deepEqual(seen.splice(0), ["/3", "/2", "/1", "/0"])
  await failsWith(download(`http://127.0.0.1:${port}/4`, wanted()), "url_not_allowed", /too many redirects/)
  assert.deepEqual(seen.splice(0), ["/4", "/3", "/2", "/1"])
  await failsWith(download(`http://127.0.0.1:${port}/loop`, wanted()), "url_not_allowed", /too many redirects/)
  await failsWith(download(`http://127.0.0.1:${port}/1`, wanted({ maxHops: 0 })), "url_not_allowed")
})

test("each hop is resolved and checked anew", async (t) => {
  const port = await serve(t, (request, response) => {
    const next = request.headers.host?.startsWith("one") ? `http://two.example.com:${port}/` : undefined
    if (next) response.writeHead(302, { location: next }).end()
    else response.end("picture")
  })
  const asked: string[] = []
  const resolve = async (name: string) => {
    asked.push(name)
    return answers(name.startsWith("one") ? "127.0.0.1" : "10.0.0.5")
  }
  const work = loopback([port], { resolve }).download(`http://one.example.com:${port}/`, wanted())
  await failsWith(work, "url_not_allowed", /10\.0\.0\.5/)
  assert.deepEqual(asked, ["one.example.com.", "two.example.com."])
})

test("a redirect to the same name does not keep what the name has earned", async (t) => {
  const port = await serve(t, (_, response) => response.writeHead(302, { location: "/again" }).end())
  let asked = 0
  const resolve = async () => answers(++asked === 1 ? "127.0.0.1" : "10.0.0.5")
  const work = loopback([port], { resolve }).download(`http://pictures.example.com:${port}/`, wanted())
  await failsWith(work, "url_not_allowed", /10\.0\.0\.5/)
})

test("a trusted origin needs no check, for itself and for redirects within it", async (t) => {
  const other = await serve(t, (_, response) => response.end("other"))
  const port = await serve(t, (request, response) => {
    if (request.url === "/within") response.writeHead(302, { location: "/picture" }).end()
    else if (request.url === "/out") response.writeHead(302, { location: `http://127.0.0.1:${other}/` }).end()
    else response.end("picture")
  })
  const { download } = createGuardedFetch({ policy: readPolicy() })
  const trusting = wanted({ trust: [`http://127.0.0.1:${port}/v1`] })
  assert.equal(await text((await download(`http://127.0.0.1:${port}/within`, trusting)).body), "picture")
  await failsWith(download(`http://127.0.0.1:${port}/out`, trusting), "url_not_allowed")
  await failsWith(download(`http://127.0.0.1:${other}/`, trusting), "url_not_allowed")
  await failsWith(download(`http://a@127.0.0.1:${port}/`, trusting), "url_not_allowed")
  await failsWith(download(`http://127.0.0.1:${port}/`, wanted()), "url_not_allowed")
})

test("a trusted origin may have a name of the operator's own, which his search domains complete", async (t) => {
  const port = await serve(t, (_, response) => response.end("picture"))
  const asked: string[] = []
  const resolve = async (name: string) => {
    asked.push(name)
    return answers("127.0.0.1")
  }
  const { download } = createGuardedFetch({ policy: readPolicy(), resolve })
  const { body } = await download(`http://mock:${port}/`, wanted({ trust: [`http://mock:${port}`] }))
  assert.equal(await text(body), "picture")
  assert.deepEqual(asked, ["mock"])
})

test("nobody else can redirect into a trusted origin", async (t) => {
  const inner = await serve(t, (_, response) => response.end("secret"))
  const port = await serve(t, (_, response) =>
    response.writeHead(302, { location: `http://127.0.0.1:${inner}/` }).end(),
  )
  const work = loopback([port]).download(`http://127.0.0.1:${port}/`, wanted({ trust: [`http://127.0.0.1:${inner}`] }))
  await failsWith(work, "url_not_allowed")
})
