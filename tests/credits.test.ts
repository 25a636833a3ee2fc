// Money and limits through the whole server: what is delivered is charged, once, and nothing else is.
import assert from "node:assert/strict"
import { after, before, describe, it } from "node:test"
import { createKey } from "../server/accounts/keys.ts"
import { createProject } from "../server/accounts/projects.ts"
import { grantCredits, verifyLedger } from "../server/credits/balance.ts"
import { call, generate } from "./calls.ts"
import type { Failure, Generation } from "./calls.ts"
import { atelierWith, composeServer } from "./harness.ts"
import type { InProcess } from "./harness.ts"
import { plansFile } from "./shops.ts"

type Balance = { mode: string; plan: string; available: number; reserved: number }
type Target = { url: string; testKey: string }

// The server gives what a plan has monthly whenever it likes; the command that makes a project gives it at once.
const plans = plansFile({
  free: { title: "Free", requests_per_hour: 10 },
  starter: { title: "Starter", requests_per_hour: 100, monthly_credits: 500 },
})

let server: InProcess
before(async () => {
  server = await composeServer({ ATELIER_PLANS: plans })
})
after(async () => {
  const { faults } = await verifyLedger(server.atelier.app.database.query)
  await server.end()
  assert.deepEqual(faults, [])
})

let count = 0

/** A project of its own, with so many test credits. */
async function projectWith(
  credits: number,
  {
    plan = "metered",
    ...wishes
  }: {
    plan?: string
    models?: string[]
    scopes?: string[]
    capMicros?: number
  } = {},
) {
  const { app } = server.atelier
  const id = `shop-${++count}`
  await createProject(app, { id, plan })
  if (credits > 0) await grantCredits(app, { projectId: id, mode: "test" }, credits * 1_000_000, "for the test")
  const target = { url: server.url, testKey: await createKey(app, id, "test", wishes), id }
  return target
}

const atelier = (...args: string[]) =>
  atelierWith({ dataFolder: server.dataFolder, environment: { ATELIER_PLANS: plans } }, ...args)

const balance = async (target: Target) => (await call<Balance>(target, "/v1/credits")).body

// 4 credits a picture.
const model = "bfl/flux-kontext-pro"

describe("what is charged", () => {
  it("is what was delivered, picture by picture", async () => {
    const shop = await projectWith(20)
    const { body } = await generate(shop, "a till", { model, n: 3 })
    assert.equal(body.status, "succeeded")
    assert.deepEqual(await balance(shop), { mode: "test", plan: "metered", available: 8, reserved: 0 })
  })

  it("is nothing where it failed", async () => {
    const shop = await projectWith(20)
    for (const word of ["sandbox:moderation", "sandbox:html", "sandbox:task-error"])
      assert.equal((await generate(shop, `${word} till`, { model })).body.status, "failed")
    assert.equal((await balance(shop)).available, 20)
  })

  it("is nothing where it was called off, and what was set aside is free at once", async () => {
    const shop = await projectWith(20)
    const { body } = await generate(shop, "sandbox:timeout till", {
      model: "openai/gpt-image-2",
      wait: 0,
      quality: "low",
    })
    assert.ok((await balance(shop)).reserved > 0)
    await call(shop, `/v1/generations/${body.id}/cancel`, { method: "POST" })
    assert.deepEqual(await balance(shop), { mode: "test", plan: "metered", available: 20, reserved: 0 })
  })

  it("is the quote, where the vendor says nothing else", async () => {
    const shop = await projectWith(100)
    const input = { prompt: "a till", n: 2, rendering_speed: "TURBO" }
    const quoted = await call<{ credits: number }>(shop, "/v1/quotes", { json: { model: "ideogram/V3", input } })
    await generate(shop, "a till", { model: "ideogram/V3", ...input })
    assert.equal((await balance(shop)).available, 100 - quoted.body.credits)
  })

  it("is only asked of whom it is: test keys' balance is their own", async () => {
    const shop = await projectWith(20)
    const { app } = server.atelier
    const live = { url: server.url, testKey: await createKey(app, shop.id, "live") }
    assert.equal((await balance(live)).available, 0)
    assert.equal((await balance(shop)).available, 20)
  })
})

describe("a balance that is too low", () => {
  it("refuses with 402 and says what is needed, in every dialect, and makes nothing", async () => {
    const shop = await projectWith(3)
    const refusals = [
      await call<Failure>(shop, "/v1/generations", { json: { model, input: { prompt: "x" } } }),
      await call<Failure>(shop, `/v1/models/${model}/predictions`, { json: { input: { prompt: "x" } } }),
      await call<Failure>(shop, "/v1/images/generations", { json: { model, prompt: "x" } }),
    ]
    for (const { status, body } of refusals) {
      assert.deepEqual([status, body.error.code], [402, "insufficient_credits"])
      assert.match(body.error.message, /4 credits, and there are 3/)
    }
    const { body } = await call<{ data: Generation[] }>(shop, "/v1/generations")
    assert.deepEqual(body.data, [])
    assert.equal((await balance(shop)).available, 3)
  })

  it("lets through as many of 64 at once as there is for", async () => {
    const shop = await projectWith(22)
    const told = await Promise.all(
      Array.from({ length: 64 }, (_, index) => generate(shop, `till ${index}`, { model, wait: 60 })),
    )
    const statuses = Map.groupBy(told, ({ status }) => status)
    assert.deepEqual([statuses.get(200)?.length, statuses.get(402)?.length], [5, 59])
    assert.deepEqual(await balance(shop), { mode: "test", plan: "metered", available: 2, reserved: 0 })
  })

  it("may be a key's own cap", async () => {
    const shop = await projectWith(100, { capMicros: 5_000_000 })
    assert.equal((await generate(shop, "a till", { model })).status, 200)
    const { status, body } = await call<Failure>(shop, "/v1/generations", { json: { model, input: { prompt: "x" } } })
    assert.equal(status, 402)
    assert.match(body.error.message, /This key may not spend as much/)
  })
})

describe("what a key may do", () => {
  it("is what its scopes say, and all without any", async () => {
    const shop = await projectWith(100, { scopes: ["read"] })
    assert.equal((await call(shop, "/v1/models")).status, 200)
    assert.equal((await call(shop, "/v1/quotes", { json: { model, input: { prompt: "x" } } })).status, 200)
    const refused: [string, string, unknown][] = [
      ["POST", "/v1/generations", { model, input: { prompt: "x" } }],
      ["POST", "/v1/webhooks", { url: "https://example.com", events: ["images.completed"] }],
      ["POST", "/v1/generations/gen_x/cancel", undefined],
    ]
    for (const [method, path, json] of refused) {
      const { status, body } = await call<Failure>(shop, path, { method, ...(json === undefined ? {} : { json }) })
      assert.deepEqual([status, body.error.code], [403, "missing_scope"])
    }
  })
})

describe("what a key or a plan does not include", () => {
  it("is refused with 403 by name", async () => {
    const shop = await projectWith(100, { models: ["openai/*", "bfl/flux-2-pro"] })
    const ask = (name: string) =>
      call<Failure>(shop, "/v1/generations", { json: { model: name, input: { prompt: "x" } } })
    assert.equal((await ask("flux-2-pro")).status, 202)
    const { status, body } = await ask("bfl/flux-2-max")
    assert.deepEqual([status, body.error.code], [403, "model_not_allowed"])
  })
})

describe("the limit of requests", () => {
  const headersOf = (headers: Headers) =>
    ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"].map((name) => headers.get(name))

  it("lets ten an hour through on the free plan, of 64 at once, and tells the others when", async () => {
    const shop = await projectWith(1_000, { plan: "free" })
    const told = await Promise.all(
      Array.from({ length: 64 }, (_, index) => generate(shop, `till ${index}`, { model, wait: 0 })),
    )
    const refused = told.filter(({ status }) => status === 429)
    assert.equal(told.filter(({ status }) => status === 202).length, 10)
    assert.equal(refused.length, 54)
    for (const { headers, body } of refused) {
      assert.equal((body as unknown as Failure).error.code, "rate_limited")
      assert.ok(Number(headers.get("retry-after")) > 0 && Number(headers.get("retry-after")) <= 360)
      assert.deepEqual(headersOf(headers).slice(0, 2), ["10", "0"])
    }
    const read = await call(shop, "/v1/generations")
    assert.equal(read.status, 200, "reading is free")
  })

  it("stands in the headers of every answer: errors, pictures and pages as well", async () => {
    const shop = await projectWith(100)
    const { body } = await generate(shop, "a till", { model })
    const answers = [
      await call(shop, "/v1/models"),
      await call(shop, "/v1/nothing"),
      await call(shop, "/v1/generations", { json: { model: "nobody/none", input: {} } }),
      await call(shop, "/v1/models", { key: "wrong" }),
      await call(shop, "/healthz", { key: null }),
      await call(shop, "/docs", { key: null }),
      await call(shop, body.images[0]!.url, { key: null }),
      await call(shop, `/v1/images/${body.images[0]!.id}`),
      await call(shop, "/v1/images/generations", { json: { model, prompt: "x" } }),
    ]
    for (const { headers } of answers) {
      for (const value of headersOf(headers)) assert.match(value ?? "", /^\d+$/)
      assert.match(headers.get("ratelimit-policy") ?? "", /^"default";q=\d+;w=\d+$/)
      assert.match(headers.get("ratelimit") ?? "", /^"default";r=\d+;t=\d+$/)
    }
  })

  it("stops an address that guesses keys, and not the right key from there", async () => {
    const shop = await projectWith(0)
    const statuses = []
    for (let tries = 0; tries < 30; tries++)
      statuses.push((await call(shop, "/v1/models", { key: `wrong ${tries}` })).status)
    assert.ok(statuses.includes(401) && statuses.at(-1) === 429)
    assert.equal((await call(shop, "/v1/models")).status, 200)
  })
})

describe("what was used", () => {
  it("is told by day, model and key, as JSON and as CSV", async () => {
    const shop = await projectWith(100)
    await generate(shop, "a till", { model, n: 2 })
    await generate(shop, "sandbox:html till", { model })
    const { body } = await call<{ data: Record<string, unknown>[] }>(shop, "/v1/usage")
    const day = new Date().toISOString().slice(0, 10)
    const [, , key_id] = shop.testKey.split("_")
    const facts = { generations: 2, succeeded: 1, failed: 1, images: 2, credits: 8 }
    assert.deepEqual(body.data, [{ day, model, key_id, ...facts }])
    const csv = await call(shop, "/v1/usage?format=csv")
    assert.match(csv.headers.get("content-type") ?? "", /^text\/csv/)
    const [head, row] = csv.text.split("\n")
    assert.equal(head, "day,model,key_id,generations,succeeded,failed,images,credits")
    assert.equal(row, `${day},${model},${key_id},2,1,1,2,8`)
    assert.equal((await call(shop, "/v1/usage?from=yesterday")).status, 400)
  })
})

describe("the shell", () => {
  it("gives, shows and verifies, while the server runs", async () => {
    await atelier("projects", "create", "A shop", "--id", "cli-shop", "--plan", "starter")
    const key = await atelier("keys", "create", "--project", "cli-shop", "--mode", "test", "--cap", "5")
    await atelier(
      "credits",
      "grant",
      "--project",
      "cli-shop",
      "--mode",
      "test",
      "--amount",
      "1.5",
      "--reason",
      "welcome",
    )
    const target = { url: server.url, testKey: key }
    assert.deepEqual(await balance(target), { mode: "test", plan: "starter", available: 501.5, reserved: 0 })
    assert.equal((await generate(target, "a till", { model })).status, 200)
    const shown = JSON.parse(await atelier("credits", "show", "--project", "cli-shop", "--json")) as {
      balances: Balance[]
    }
    assert.equal(shown.balances.find(({ mode }) => mode === "test")?.available, 497.5)
    assert.match(await atelier("credits", "verify"), /come out/)
    const [, , id = ""] = key.split("_")
    await atelier("keys", "revoke", id, "--project", "cli-shop")
    assert.equal((await call(target, "/v1/credits")).status, 401)
  })

  it("rotates a key: the new one works, the old one for another day", async () => {
    const shop = await projectWith(10)
    const [, , id = ""] = shop.testKey.split("_")
    const fresh = await atelier("keys", "rotate", id, "--project", shop.id)
    for (const testKey of [fresh, shop.testKey])
      assert.equal((await call({ url: server.url, testKey }, "/v1/credits")).status, 200)
    const { app } = server.atelier
    const { now } = app.clock
    app.clock.now = () => Date.now() + 25 * 3_600_000
    try {
      assert.equal((await call(shop, "/v1/credits")).status, 401)
      assert.equal((await call({ url: server.url, testKey: fresh }, "/v1/credits")).status, 200)
    } finally {
      app.clock.now = now
    }
  })
})
