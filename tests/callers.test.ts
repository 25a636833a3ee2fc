// Who calls, and from where: keys in the headers that clients use, keys bound to addresses, and proxies in between.
import assert from "node:assert/strict"
import { after, before, describe, it } from "node:test"
import { createKey, revokeKey, rotateKey } from "../server/accounts/keys.ts"
import { defaultProject } from "../server/accounts/projects.ts"
import { allRoutes } from "../server/routes.ts"
import { call } from "./calls.ts"
import type { Failure, Reply } from "./calls.ts"
import { composeServer } from "./harness.ts"
import type { InProcess } from "./harness.ts"

/** The answer without what is each request's own: its id and how often may still be guessed. */
function essence({ status, headers, text }: Reply<unknown>) {
  const own = ["x-request-id", "date", "x-ratelimit-remaining", "x-ratelimit-reset", "ratelimit"]
  const rest = [...headers].filter(([name]) => !own.includes(name))
  return { status, headers: Object.fromEntries(rest), text: text.replaceAll(/req_\w{24}/g, "req") }
}

const wrongKey = `atl_test_000000000000_${"A".repeat(43)}1FYcro`

describe("a key", () => {
  let server: InProcess
  before(async () => {
    server = await composeServer()
  })
  after(() => server.end())

  const ask = (path: string, headers: Record<string, string>) => call<Failure>(server, path, { key: null, headers })

  it("is taken wherever a dialect's clients put it", async () => {
    const { testKey: key } = server
    for (const authorization of [`Bearer ${key}`, `bearer ${key}`, `Key ${key}`, `key  ${key}`])
      assert.equal((await ask("/v1/models", { authorization })).status, 200, authorization)
    assert.equal((await ask("/v1/models", { "x-api-key": key })).status, 200)
    // Past the key: there is no such task, and nothing in the body.
    assert.equal((await ask("/v1/tasks/gen_x", { "x-key": key })).status, 404)
    for (const [path, name] of [
      ["/v1/models/bfl/flux-2-pro/predictions", "x-key"],
      ["/v1/models/flux-2-pro/predictions", "x-key"],
      ["/gemini/v1beta/models/nano:generateContent", "x-goog-api-key"],
      ["/ideogram/v1/ideogram-v3/generate", "api-key"],
    ] as const) {
      const post = { method: "POST", json: {}, key: null }
      const taken = await call(server, path, { ...post, headers: { [name]: key } })
      assert.ok(taken.status === 400 || taken.status === 404, `${path}: ${taken.status} ${taken.text}`)
      assert.equal((await call(server, path, { ...post, headers: { [name]: wrongKey } })).status, 401)
    }
  })

  it("may have a limit of its own, which takes nothing from its project and is told in the headers", async () => {
    const { app } = server.atelier
    const key = await createKey(app, defaultProject, "test", { requestsPerHour: 2 })
    const rotated = await rotateKey(app, defaultProject, key.split("_")[2]!)
    const make = (testKey: string) => {
      const json = { model: "bfl/flux-2-pro", input: { prompt: "x" }, wait: 0 }
      return call<Failure>({ url: server.url, testKey }, "/v1/generations", { json })
    }
    const replies = [await make(key), await make(key), await make(key)]
    assert.deepEqual(
      replies.map(({ status, headers }) => [
        status,
        headers.get("x-ratelimit-limit"),
        headers.get("x-ratelimit-remaining"),
      ]),
      [
        [202, "2", "1"],
        [202, "2", "0"],
        [429, "2", "0"],
      ],
    )
    assert.match(replies[2]!.body.error.message, /This key takes 2 requests an hour/)
    assert.ok(Number(replies[2]!.headers.get("retry-after")) > 0)
    const others = await make(server.testKey)
    assert.deepEqual([others.status, others.headers.get("x-ratelimit-limit")], [202, "100000"])
    assert.equal((await make(rotated!)).headers.get("x-ratelimit-limit"), "2")
  })

  it("is not taken from where it was not meant to be", async () => {
    const { testKey: key } = server
    for (const headers of [
      { "x-key": key },
      { "api-key": key },
      { "x-goog-api-key": key },
      { key },
      { authorization: key },
      { authorization: `Basic ${key}` },
      { authorization: `Keyed ${key}` },
      { cookie: `key=${key}` },
    ])
      assert.equal((await ask("/v1/models", headers as Record<string, string>)).status, 401, JSON.stringify(headers))
    assert.equal((await ask(`/v1/models?key=${key}&api_key=${key}`, {})).status, 401)
  })

  it("is refused beside another one, and taken beside itself", async () => {
    const { testKey: key } = server
    const other = await createKey(server.atelier.app, defaultProject, "test")
    const path = "/v1/tasks/gen_x"
    for (const headers of [
      { authorization: `Key ${key}`, "x-key": other },
      { authorization: `Key ${key}`, "x-api-key": other },
      { "x-api-key": key, "x-key": other },
    ]) {
      const { status, body } = await ask(path, headers)
      assert.equal(status, 401)
      assert.match(body.error.message, /^The headers hold different keys\./)
    }
    assert.equal((await ask(path, { authorization: `Key ${key}`, "x-api-key": key, "x-key": key })).status, 404)
  })

  it("is described with the headers of its route", async () => {
    const { body } = await call<Description>(server, "/openapi.json", { key: null })
    for (const { path, method, access, keyHeader } of allRoutes) {
      const { security } = body.paths[path]![method.toLowerCase()]!
      const names = security.flatMap((one) => Object.keys(one))
      const own = keyHeader === undefined ? [] : [keyHeader]
      assert.deepEqual(names, access === "anyone" ? [] : ["bearer", "key", ...own], `${method} ${path}`)
      for (const name of names) assert.ok(name in body.components.securitySchemes)
    }
  })
})

type Description = {
  paths: Record<string, Record<string, { security: Record<string, unknown>[] }>>
  components: { securitySchemes: Record<string, unknown> }
}

describe("a key bound to addresses", () => {
  let server: InProcess
  before(async () => {
    server = await composeServer({ ATELIER_TRUSTED_PROXIES: "127.0.0.1, 10.0.0.0/8" })
  })
  after(() => server.end())

  const bound = (...addresses: string[]) => createKey(server.atelier.app, defaultProject, "test", { addresses })
  const from = (key: string, forwarded: string) =>
    call<Failure>(server, "/v1/models", { key, headers: { "x-forwarded-for": forwarded } })

  it("works from there, through proxies as well", async () => {
    const key = await bound("203.0.113.0/24", "2001:db8::/32")
    for (const forwarded of [
      ...["203.0.113.9", "::ffff:203.0.113.9", "203.0.113.9:50123", "2001:db8::1", "[2001:db8::1]:443"],
      ...["203.0.113.9, 10.1.2.3", "203.0.113.9, 10.1.2.3:80, 127.0.0.1", "192.0.2.1, 203.0.113.9"],
    ])
      assert.equal((await from(key, forwarded)).status, 200, forwarded)
    const next = await rotateKey(server.atelier.app, defaultProject, key.split("_")[2]!)
    assert.equal((await from(next!, "203.0.113.9")).status, 200)
    assert.equal((await from(next!, "203.0.114.9")).status, 401, "the one in its place is bound as well")
    const here = await bound("127.0.0.0/8")
    assert.equal((await call(server, "/v1/models", { key: here })).status, 200)
  })

  it("is like a key that there is not from elsewhere, to the byte", async () => {
    const key = await bound("203.0.113.0/24")
    const revoked = await bound("203.0.113.0/24")
    assert.ok(await revokeKey(server.atelier.app, defaultProject, revoked.split("_")[2]!))
    const unknown = essence(await from(wrongKey, "198.51.100.1"))
    assert.equal(unknown.status, 401)
    for (const forwarded of [
      "198.51.100.1",
      "203.0.113.9, 198.51.100.1",
      "203.0.113.9, 203.0.114.9, 10.0.0.1",
      "unknown",
    ])
      assert.deepEqual(essence(await from(key, forwarded)), unknown, forwarded)
    assert.deepEqual(essence(await call(server, "/v1/models", { key })), unknown, "the proxy itself")
    assert.deepEqual(essence(await from(revoked, "203.0.113.9")), unknown)
    const expired = await createKey(server.atelier.app, defaultProject, "test", { expiresAt: 1 })
    assert.deepEqual(essence(await from(expired, "203.0.113.9")), unknown)
  })

  it("counts wrong ones for the caller, not for the proxy, whatever port or spelling it comes with", async () => {
    const statuses = []
    for (let tries = 0; tries < 22; tries++)
      statuses.push((await from(wrongKey, tries % 2 === 0 ? `192.0.2.7:${50_000 + tries}` : "::ffff:192.0.2.7")).status)
    assert.deepEqual([statuses[19], statuses[20], statuses[21]], [401, 429, 429])
    assert.equal((await from(wrongKey, "192.0.2.8")).status, 401)
    assert.equal((await from(server.testKey, "192.0.2.7")).status, 200, "the right key is let through")
  })
})

describe("what a proxy says", () => {
  it("is believed of trusted ones alone", async () => {
    const said = {
      "x-forwarded-for": "203.0.113.9",
      "x-forwarded-proto": "https",
      "x-forwarded-host": "pictures.example",
    }
    for (const [proxies, expected, start] of [
      ["", 401, "http://127.0.0.1:"],
      ["10.0.0.0/8", 401, "http://127.0.0.1:"],
      ["127.0.0.1/32", 200, "https://pictures.example/"],
    ] as const) {
      const server = await composeServer({ ATELIER_TRUSTED_PROXIES: proxies })
      try {
        const key = await createKey(server.atelier.app, defaultProject, "test", { addresses: ["203.0.113.9"] })
        assert.equal((await call(server, "/v1/models", { key, headers: said })).status, expected, proxies)
        const json = { model: "openai/gpt-image-1", prompt: "a gate", response_format: "url" }
        const made = await call<{ data: { url: string }[] }>(server, "/v1/images/generations", { json, headers: said })
        assert.ok(made.body.data[0]!.url.startsWith(start), made.text)
      } finally {
        await server.end()
      }
    }
  })

  it("makes no other link than one over http or https", async (t) => {
    const server = await composeServer({ ATELIER_TRUSTED_PROXIES: "127.0.0.1" })
    t.after(() => server.end())
    const json = { model: "openai/gpt-image-1", prompt: "a gate", response_format: "url" }
    const headers = { "x-forwarded-proto": "javascript", "x-forwarded-host": "pictures.example" }
    const made = await call<{ data: { url: string }[] }>(server, "/v1/images/generations", { json, headers })
    assert.ok(made.body.data[0]!.url.startsWith("http://pictures.example/"), made.text)
  })
})
