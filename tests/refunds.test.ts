// What comes after a charge, through the whole server: refunds, the list of entries, and what was used.
import assert from "node:assert/strict"
import { after, before, describe, it } from "node:test"
import { createKey } from "../server/accounts/keys.ts"
import { verifyLedger } from "../server/credits/balance.ts"
import { refundGeneration } from "../server/credits/refund.ts"
import { call, generate, plainPng } from "./calls.ts"
import type { Failure } from "./calls.ts"
import { atelierCommand, composeServer } from "./harness.ts"
import type { InProcess } from "./harness.ts"
import { scriptVendor } from "./scriptedVendor.ts"
import type { ScriptedVendor } from "./scriptedVendor.ts"
import { balance, entriesOf, houseHas, openShop, plansFile } from "./shops.ts"
import type { Entry, Shop } from "./shops.ts"

let vendor: ScriptedVendor
let server: InProcess

before(async () => {
  vendor = await scriptVendor()
  const picture = { b64_json: (await plainPng()).toString("base64") }
  vendor.answer = () => ({ status: 200, json: { created: 1, data: [picture] } })
  server = await composeServer({
    ATELIER_PLANS: plansFile(),
    ...{ ATELIER_COMPATIBLE_MODELS: "paintings=sdxl@0.02", COMPATIBLE_BASE_URL: `${vendor.url}/own` },
  })
})
after(async () => {
  const { faults } = await verifyLedger(server.atelier.app.database.query)
  await server.end()
  vendor.end()
  assert.deepEqual(faults, [])
})

const atelier = (...args: string[]) => atelierCommand(server.dataFolder, ...args)

describe("a refund", () => {
  // 4 credits a picture.
  const model = "bfl/flux-kontext-pro"

  const spentBy = async ({ id }: Shop) => {
    const keys = server.atelier.app.database.query.selectFrom("api_keys").select("spent_micros")
    return (await keys.where("project_id", "=", id).executeTakeFirstOrThrow()).spent_micros
  }

  it("gives back what was charged, with its reason, once", async () => {
    const shop = await openShop(server, "test")
    const { body } = await generate(shop, "a till", { model, n: 2 })
    assert.deepEqual([(await balance(shop)).available, await spentBy(shop)], [92, 8_000_000])
    const refund = ["credits", "refund", "--generation", body.id, "--reason", "the picture was blurred"]
    assert.equal(await atelier(...refund), `${shop.id} got 8 test credits back.`)
    assert.deepEqual([(await balance(shop)).available, await spentBy(shop)], [100, 0])
    const [entry] = (await entriesOf(shop)).data
    assert.deepEqual(
      [entry?.kind, entry?.amount, entry?.available, entry?.generation_id, entry?.reason],
      [...["refund", 8, 8, body.id, "the picture was blurred"]],
    )
    await assert.rejects(atelier(...refund), /was given 8 credits back on .*: the picture was blurred/)
    assert.equal((await balance(shop)).available, 100)
  })

  it("is given once however many give it at once, and may be a part", async () => {
    const shop = await openShop(server, "test")
    const { body } = await generate(shop, "a till", { model })
    const { app } = server.atelier
    const give = () => refundGeneration(app, { generationId: body.id, micros: 1_500_000, reason: "half of it" })
    const told = await Promise.allSettled(Array.from({ length: 8 }, give))
    assert.equal(told.filter(({ status }) => status === "fulfilled").length, 1)
    for (const one of told)
      if (one.status === "rejected") assert.match(String(one.reason), /was given 1\.5 credits back/)
    assert.deepEqual([(await balance(shop)).available, await spentBy(shop)], [97.5, 2_500_000])
  })

  it("is never more than was charged, and never of what was not", async () => {
    const shop = await openShop(server, "test")
    const { body } = await generate(shop, "a till", { model })
    const free = await generate(shop, "sandbox:moderation till", { model })
    const refuse = (generationId: string, micros: number | undefined, message: RegExp) =>
      assert.rejects(refundGeneration(server.atelier.app, { generationId, micros, reason: "so" }), message)
    await refuse(body.id, 4_000_001, /was charged 4 credits: a refund is more than nothing/)
    await refuse(body.id, 0, /more than nothing and at most that/)
    await refuse(body.id, -1, /more than nothing and at most that/)
    await refuse(free.body.id, undefined, /was charged 0 credits/)
    await refuse("gen_none", undefined, /There is no generation gen_none/)
    await assert.rejects(atelier("credits", "refund", "--generation", body.id), /needs --reason/)
    assert.equal((await balance(shop)).available, 96)
  })

  it("goes to the house where the plan paid", async () => {
    const shop = await openShop(server, "live", "community")
    const before = [await houseHas(server, "live", "granted"), await houseHas(server, "live", "revenue")]
    const { body } = await generate(shop, "a till", { model: "compatible/paintings" })
    await refundGeneration(server.atelier.app, { generationId: body.id, reason: "so" })
    assert.deepEqual([await houseHas(server, "live", "granted"), await houseHas(server, "live", "revenue")], before)
    assert.equal((await balance(shop)).available, 100)
  })
})

describe("the list of entries", () => {
  it("comes in pages, the newest first, of one's own project and kind alone", async () => {
    const [shop, other] = [await openShop(server, "test"), await openShop(server, "test")]
    const { body } = await generate(shop, "a till", { model: "bfl/flux-kontext-pro" })
    const found: Entry[] = []
    let pages = 0
    for (let query: string | null = "?limit=1"; query !== null; pages++) {
      const page: Awaited<ReturnType<typeof entriesOf>> = await entriesOf(shop, query)
      found.push(...page.data)
      query = page.next_cursor === null ? null : `?limit=1&cursor=${encodeURIComponent(page.next_cursor)}`
    }
    assert.equal(pages, 3)
    assert.deepEqual(
      found.map(({ kind, amount, available }) => [kind, amount, available]),
      [
        ["settle", 4, 0],
        ["reserve", 4, -4],
        ["grant", 100, 100],
      ],
    )
    assert.deepEqual(
      found.map(({ generation_id }) => generation_id),
      [body.id, body.id, null],
    )
    assert.equal(found.at(-1)?.reason, "to begin with")
    assert.equal((await entriesOf(other)).data.length, 1)
    const live = { ...shop, testKey: await createKey(server.atelier.app, shop.id, "live") }
    assert.deepEqual((await entriesOf(live)).data, [])
    const wrong = await call<Failure>(shop, "/v1/credits/entries?cursor=abc")
    assert.deepEqual([wrong.status, wrong.body.error.param], [400, "cursor"])
  })
})

describe("what was used", () => {
  const ask = (shop: Shop, query: string) =>
    call<{ data: { day: string; images: number; credits: number; generations: number }[] } & Failure>(
      shop,
      `/v1/usage${query}`,
    )

  it("is counted by days of UTC, both included", async () => {
    const shop = await openShop(server, "test")
    const { query } = server.atelier.app.database
    for (const time of ["2024-02-28T23:59:59.999Z", "2024-02-29T00:00:00.000Z", "2024-02-29T23:59:59.999Z"]) {
      const { body } = await generate(shop, `till ${time}`, { model: "bfl/flux-kontext-pro", n: 2 })
      const created_at = Date.parse(time)
      await query.updateTable("generations").set({ created_at }).where("id", "=", body.id).execute()
    }
    const { data } = (await ask(shop, "?from=2024-02-28&to=2024-02-29")).body
    assert.deepEqual(
      data.map(({ day, generations, images, credits }) => [day, generations, images, credits]),
      [
        ["2024-02-29", 2, 4, 16],
        ["2024-02-28", 1, 2, 8],
      ],
    )
    assert.deepEqual((await ask(shop, "?from=2024-02-28&to=2024-02-28")).body.data.length, 1)
    assert.deepEqual((await ask(shop, "?to=2024-02-29")).body.data.length, 2, "30 days before the last")
    assert.deepEqual((await ask(shop, "")).body.data, [])
  })

  it("is refused for days that are none, in the wrong order, or too many, by name", async () => {
    const shop = await openShop(server, "test")
    const cases: [query: string, param: string, message: RegExp][] = [
      ["?from=2026-02-02&to=2026-02-01", "from", /from must not be after to, which is 2026-02-01/],
      ["?from=2999-01-01", "from", /from must not be after to/],
      ["?from=2026-02-30", "from", /from must be a day such as/],
      ["?to=2026-13-01", "to", /to must be a day such as/],
      ["?from=2025-01-01&to=2026-01-02", "from", /at most 365 days before to/],
    ]
    for (const [query, param, message] of cases) {
      const { status, body } = await ask(shop, query)
      assert.deepEqual([status, body.error?.param], [400, param], query)
      assert.match(body.error.message, message)
    }
    assert.equal((await ask(shop, "?from=2025-01-01&to=2026-01-01")).status, 200)
  })
})
