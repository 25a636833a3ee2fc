// What is wrong with a request, for every route there is: always JSON in the one shape, always with the request's id,
// and never a generation, a call to a vendor or a file left behind.
import assert from "node:assert/strict"
import { existsSync, readdirSync } from "node:fs"
import { join } from "node:path"
import { after, before, describe, it } from "node:test"
import { createKey } from "../server/accounts/keys.ts"
import { defaultProject } from "../server/accounts/projects.ts"
import { allRoutes } from "../server/routes.ts"
import { call, plainPng } from "./calls.ts"
import type { Failure, Problem, Reply } from "./calls.ts"
import { composeServer } from "./harness.ts"
import type { InProcess } from "./harness.ts"

let server: InProcess
let limited = false
before(async () => {
  server = await composeServer({ ATELIER_BODY_MAX_MB: "1", ATELIER_UPLOAD_MAX_MB: "1" })
  // More wrong keys come from here than any address may send; tests/credits.test.ts has that limit.
  const { limiter } = server.atelier.app
  limiter.take = (...asked) => {
    limited = true
    return limiter.look(...asked)
  }
})
after(async () => {
  assert.ok(limited, "the limit of wrong keys was taken away")
  const rows = await server.atelier.app.database.query.selectFrom("generations").select("id").execute()
  await server.end()
  assert.deepEqual(rows, [], "nothing was accepted")
  assert.deepEqual(readdirSync(join(server.dataFolder, "pictures/drafts")), [], "nothing is left behind")
  assert.ok(!existsSync(join(server.dataFolder, "sandbox/calls.jsonl")), "no vendor was called")
})

/** The path as a caller might write it. */
const addressOf = (path: string): string =>
  path
    .replaceAll("{provider}", "openai")
    .replaceAll("{version}", "v1beta")
    .replaceAll("{model}", "gpt-image-1")
    .replaceAll(/\{\w+\}/g, "x_1")

/** How each route that makes pictures takes the model and its parameters. */
const makers = [
  { path: "/v1/generations", at: "input.", wrap: (model: string, input: object): unknown => ({ model, input }) },
  { path: "/v1/images/generations", at: "", wrap: (model: string, input: object): unknown => ({ model, ...input }) },
  { path: "/v1/models/{model}/predictions", at: "input.", wrap: (_model: string, input: object) => ({ input }) },
]

const send = (maker: (typeof makers)[number], model: string, input: object) =>
  call<Failure>(server, maker.path.replace("{model}", model), { json: maker.wrap(model, input) })

/** Google's clients read google.rpc.Status, which has our code and the request's id among its details. */
type Status = { code: number; message: string; status: string; details: Record<string, unknown>[] }

function checkStatus({ status, headers, body }: Reply<{ error: Status }>, code: string) {
  const { error } = body
  // Google has no other status for what is wrong with a request.
  const expected = code === "invalid_key" ? [401, 401, "UNAUTHENTICATED"] : [400, 400, "INVALID_ARGUMENT"]
  assert.deepEqual([status, error.code, error.status], expected)
  const [info] = error.details
  assert.equal(info?.["reason"], code)
  assert.deepEqual(info["metadata"], { request_id: headers.get("x-request-id") })
  assert.ok(error.message !== "")
}

type Envelope = { code: number; msg: string; data: { error: string; request_id: string; problems?: Problem[] } }

/** Genimix' answers have the failure beside `success`, those of Gempix2 in an envelope with a code of its own. */
function errorOf(body: Failure | (Failure["error"] & { success: false }) | Envelope): Failure["error"] {
  if ("msg" in body) {
    const { error: code, problems = [], request_id } = body.data
    assert.ok([1000, 1001, 1002, 1003, 5000].includes(body.code))
    return { message: body.msg, type: code, code, param: problems[0]?.param ?? null, request_id, problems }
  }
  return "success" in body ? { ...body, type: body.code, param: body.problems?.[0]?.param ?? null } : body.error
}

function check({ status, headers, body }: Reply<Failure>, code: string, statuses: number[]): Failure["error"] {
  assert.match(headers.get("content-type") ?? "", /^application\/json/)
  const error = errorOf(body)
  if ("status" in error) {
    checkStatus({ status, headers, body, text: "" } as unknown as Reply<{ error: Status }>, code)
    return error
  }
  assert.equal(error?.code, code, JSON.stringify(body))
  assert.ok(statuses.includes(status), `${code} is ${status}`)
  assert.ok(typeof error.message === "string" && error.message !== "")
  assert.ok(typeof error.type === "string" && error.type !== "")
  assert.ok(error.param === null || typeof error.param === "string")
  assert.match(error.request_id, /^req_\w{24}$/)
  assert.equal(headers.get("x-request-id"), error.request_id)
  return error
}

describe("bad input: models and parameters", () => {
  for (const maker of makers) {
    it(`${maker.path}: names the nearest models`, async () => {
      const error = check(await send(maker, "flux-2-pr", { prompt: "x" }), "unknown_model", [404])
      assert.match(error.message, /bfl\/flux-2-pro/)
      const none = check(await send(maker, "zzzzzzzzzzzz", { prompt: "x" }), "unknown_model", [404])
      assert.match(none.message, /GET \/v1\/models/)
    })

    it(`${maker.path}: names every wrong parameter at once, with what is allowed`, async () => {
      const wrong = { size: "17x17", quality: "best", n: 0, output_format: "gif", sise: "1K", background: 7 }
      const error = check(await send(maker, "gpt-image-1", { prompt: "x", ...wrong }), "invalid_request", [400])
      const said = Object.fromEntries((error.problems ?? []).map(({ param, message }) => [param, message]))
      const names = Object.keys(wrong).map((name) => maker.at + name)
      assert.deepEqual(Object.keys(said).sort(), names.sort())
      assert.match(said[`${maker.at}size`]!, /"auto", "1024x1024", "1536x1024", "1024x1536"/)
      assert.match(said[`${maker.at}quality`]!, /"low", "medium", "high"/)
      assert.match(said[`${maker.at}n`]!, /at least 1/)
      assert.match(said[`${maker.at}output_format`]!, /"png", "jpeg", "webp"/)
      assert.match(said[`${maker.at}sise`]!, /did you mean size/)
      for (const message of Object.values(said)) assert.ok(error.message.includes(message))
      assert.ok(names.includes(error.param!))
    })

    it(`${maker.path}: misses the prompt`, async () => {
      for (const input of [{}, { prompt: null }]) {
        const error = check(await send(maker, "gpt-image-1", input), "invalid_request", [400])
        assert.equal(error.param, `${maker.at}prompt`)
        assert.match(error.message, /^prompt is missing/)
      }
      const empty = check(await send(maker, "gpt-image-1", { prompt: "" }), "invalid_request", [400])
      assert.match(empty.message, /prompt must be at least 1 characters? long/)
      const long = check(await send(maker, "dall-e-3", { prompt: "x".repeat(4001) }), "invalid_request", [400])
      assert.match(long.message, /prompt must be at most 4000 characters long/)
    })

    it(`${maker.path}: takes no name that every object has for a parameter`, async () => {
      for (const name of ["constructor", "toString", "hasOwnProperty"]) {
        const error = check(await send(maker, "gpt-image-1", { prompt: "x", [name]: 1 }), "invalid_request", [400])
        assert.equal(error.param, maker.at + name)
      }
    })
  }

  it("names wrong fields outside of the input too", async () => {
    const json = { modle: "x", wait: 601, input: "a cat" }
    const error = check(await call<Failure>(server, "/v1/generations", { json }), "invalid_request", [400])
    assert.deepEqual((error.problems ?? []).map(({ param }) => param).sort(), ["input", "model", "modle", "wait"])
    const openai = { prompt: "x", response_format: "png", stream: 3, partial_images: 1 }
    const other = check(
      await call<Failure>(server, "/v1/images/generations", { json: openai }),
      "invalid_request",
      [400],
    )
    for (const name of ["response_format", "stream"]) assert.ok(other.problems?.some(({ param }) => param === name))
  })
})

const withBody = allRoutes.filter(({ body }) => body !== undefined)

describe("bad input: bodies", () => {
  for (const { path, method } of withBody) {
    const address = addressOf(path)
    const post = (body: string, type = "application/json") =>
      call<Failure>(server, address, { method, body, headers: { "content-type": type } })

    it(`${path}: broken JSON`, async () => {
      for (const text of [
        "",
        "{",
        '{"input":{"prompt":"x"',
        '{"a":1}}',
        "{'a':1}",
        '{"a":\u0001}',
        '{"a":"\\x"}',
        "nul",
      ])
        check(await post(text), "invalid_request", [400])
      for (const text of ["[]", "null", '"x"', "7"]) check(await post(text), "invalid_request", [400])
    })

    it(`${path}: nested without end, in lists and objects`, async () => {
      for (const [open, close] of [
        ["[", "]"],
        ['{"a":', "}"],
      ] as const)
        check(await post(`{"input":${open.repeat(50_000)}1${close.repeat(50_000)}}`), "invalid_request", [400])
    })

    it(`${path}: larger than the limit`, async () => {
      check(await post(`{"prompt":"${"x".repeat(2_000_000)}"}`), "too_large", [413])
      check(await post(" ".repeat(2_000_000)), "too_large", [413])
    })

    it(`${path}: of another type`, async () => {
      for (const type of ["text/plain", "application/x-www-form-urlencoded", "application/xml", "", "/", "json"])
        check(await post("{}", type), "media_type_not_allowed", [415])
    })
  }
})

describe("bad input: pictures", () => {
  for (const maker of makers)
    it(`${maker.path}: larger together than the limit, each small enough`, async () => {
      const image = Buffer.concat([await plainPng(), Buffer.alloc(300_000)]).toString("base64")
      const error = check(
        await send(maker, "gpt-image-1", { prompt: "x", image: [image, image, image] }),
        "too_large",
        [413],
      )
      assert.match(error.message, /1000000 bytes/)
    })
})

describe("bad input: who asks", () => {
  for (const { path, method } of allRoutes.filter(({ access }) => access !== "anyone"))
    it(`${method} ${path}: no key, a wrong one, two`, async () => {
      const address = addressOf(path)
      const ask = (key: string | null, headers: Record<string, string> = {}) =>
        call<Failure>(server, address, { method, key, headers, ...(method === "POST" ? { json: {} } : {}) })
      const other = await createKey(server.atelier.app, defaultProject, "test")
      const mistyped = server.testKey.slice(0, -1) + (server.testKey.endsWith("a") ? "b" : "a")
      for (const wrong of [ask(null), ask("sk-1"), ask(mistyped), ask("x".repeat(4000))])
        check(await wrong, "invalid_key", [401])
      check(await ask(null, { authorization: `Basic ${server.testKey}` }), "invalid_key", [401])
      check(await ask(server.testKey, { "x-api-key": other }), "invalid_key", [401])
      check(await ask(server.testKey, { "x-api-key": "sk-1" }), "invalid_key", [401])
    })

  it("takes the same key given twice", async () => {
    const { status } = await call(server, "/v1/models", { headers: { "x-api-key": server.testKey } })
    assert.equal(status, 200)
  })

  it("no longer takes a key that was revoked", async () => {
    const key = await createKey(server.atelier.app, defaultProject, "test")
    const { query } = server.atelier.app.database
    assert.equal((await call(server, "/v1/models", { key })).status, 200)
    await query.updateTable("api_keys").set({ revoked_at: 1 }).where("last4", "=", key.slice(-4)).execute()
    check(await call<Failure>(server, "/v1/models", { key }), "invalid_key", [401])
  })
})

describe("bad input: where", () => {
  for (const path of new Set(allRoutes.map((route) => route.path)))
    it(`${path}: another method`, async () => {
      const address = addressOf(path)
      const taken = allRoutes.filter((route) => matches(route.path, address)).map(({ method }) => method as string)
      for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE"].filter((one) => !taken.includes(one))) {
        const error = check(await call<Failure>(server, address, { method }), "method_not_allowed", [405])
        for (const one of taken) assert.ok(error.message.includes(one), error.message)
      }
    })

  it("knows no other path", async () => {
    for (const path of [
      "/",
      "/v1",
      "/v2/generations",
      "/v1/generations/a/b/c",
      "/v1/../etc/passwd",
      "/v1/%00",
      "/v1/é",
    ])
      check(await call<Failure>(server, path), "not_found", [404])
    for (const path of ["/v1/images/%zz", `/v1/images/${"x".repeat(5_000)}`])
      check(await call<Failure>(server, path), "invalid_request", [400])
  })
})

const matches = (path: string, address: string): boolean =>
  new RegExp(`^${path.replaceAll(".", "\\.").replaceAll(/\{\w+\}/g, "[^/]+")}$`).test(address)
