// What work costs and who bears it, through the whole server: tokens that are counted, and calls that nobody answered.
import assert from "node:assert/strict"
import { after, before, describe, it } from "node:test"
import { setTimeout as sleep } from "node:timers/promises"
import { verifyLedger } from "../server/credits/balance.ts"
import { listLosses } from "../server/credits/losses.ts"
import type { Mode } from "../server/egress/send.ts"
import { call, generate, plainPng } from "./calls.ts"
import { atelierCommand, composeServer } from "./harness.ts"
import type { InProcess } from "./harness.ts"
import { scriptVendor } from "./scriptedVendor.ts"
import type { Scripted, ScriptedVendor } from "./scriptedVendor.ts"
import { balance, entriesOf, houseHas, openShop, plansFile } from "./shops.ts"
import type { Shop } from "./shops.ts"

let vendor: ScriptedVendor
let server: InProcess
let picture: { b64_json: string }

before(async () => {
  vendor = await scriptVendor()
  server = await composeServer({
    ATELIER_PLANS: plansFile(),
    ...{ OPENAI_API_KEY: "any", OPENAI_BASE_URL: `${vendor.url}/v1` },
    ...{ ATELIER_COMPATIBLE_MODELS: "paintings=sdxl@0.02", COMPATIBLE_BASE_URL: `${vendor.url}/own` },
  })
  picture = { b64_json: (await plainPng()).toString("base64") }
})
after(async () => {
  const { faults } = await verifyLedger(server.atelier.app.database.query)
  await server.end()
  vendor.end()
  assert.deepEqual(faults, [])
})

const atelier = (...args: string[]) => atelierCommand(server.dataFolder, ...args)

async function lossesOf({ id }: Shop) {
  const rows = await listLosses(server.atelier.app, { projectId: id, limit: 100 })
  return rows.map((row) => ({ generation: row.generation_id, micros: row.amount_micros, reason: row.reason }))
}

const usageOf = (text: number, made: number) => ({
  ...{ input_tokens: text, input_tokens_details: { text_tokens: text, image_tokens: 0 } },
  ...{ output_tokens: made, total_tokens: text + made },
})

const draws = (usage: unknown): Scripted => ({ status: 200, json: { created: 1, data: [picture], usage } })

describe("tokens that a vendor counts", () => {
  const wish = { model: "openai/gpt-image-1", quality: "low", size: "1024x1024" }

  it("are what is charged, below the quote, and stand in the ledger and in the answer", async () => {
    const shop = await openShop(server, "test")
    const { model, ...input } = wish
    const json = { model, input: { prompt: "a till", ...input } }
    const quoted = (await call<{ credits: number }>(shop, "/v1/quotes", { json })).body.credits
    const { body } = await generate(shop, "a till", wish)
    const { usage } = body as unknown as { usage: ReturnType<typeof usageOf> }
    assert.equal(usage.output_tokens, 272)
    // 40 dollars for a million tokens of pictures, 5 for text.
    const charged = (usage.output_tokens * 40 + usage.input_tokens * 5) / 10_000
    assert.ok(charged < quoted && charged > 1, `${charged} of ${quoted}`)
    assert.deepEqual(await balance(shop), { available: 100 - charged, reserved: 0 })
    const [settled, reserved] = (await entriesOf(shop)).data
    assert.deepEqual([reserved?.kind, reserved?.amount, reserved?.available], ["reserve", quoted, -quoted])
    const left = Math.round((quoted - charged) * 1e6) / 1e6
    assert.deepEqual([settled?.kind, settled?.amount, settled?.available], ["settle", charged, left])
    assert.equal(settled?.generation_id, body.id)
  })

  it("are charged of Gemini as well, thoughts and pictures each at their own price", async () => {
    const shop = await openShop(server, "test")
    const { body } = await generate(shop, "a till", { model: "google/gemini-3.1-flash-image", n: 2 })
    const { usage } = body as unknown as { usage: { input_tokens: number; output_tokens: number } }
    const pictures = 2 * 1_120
    const dollars = (usage.input_tokens * 0.5 + pictures * 60 + (usage.output_tokens - pictures) * 3) / 1_000_000
    const { available } = await balance(shop)
    assert.equal(available, Math.round((100 - dollars * 100) * 1e6) / 1e6)
  })

  const answers: [name: string, usage: unknown, charged: number | "the quote"][] = [
    ["the price list, where the tokens come to less", usageOf(50, 196), (50 * 5 + 196 * 30) / 10_000],
    ["the quote, where they would come to more", usageOf(50, 1_000_000), "the quote"],
    ["the quote, where none are counted", usageOf(0, 0), "the quote"],
    ["the quote, where nothing is said of them", undefined, "the quote"],
    ["the quote, where what is said makes no sense", { input_tokens: "many" }, "the quote"],
    ["nothing less than nothing", usageOf(-1_000_000_000, 1), 30 / 10_000],
  ]
  for (const [name, usage, expected] of answers)
    it(`come to ${name}`, async () => {
      const shop = await openShop(server, "live")
      vendor.answer = () => draws(usage)
      const input = { model: "openai/gpt-image-2", quality: "low", size: "1024x1024" }
      const { body } = await generate(shop, "a till", input)
      assert.equal(body.status, "succeeded")
      const [settled, reserved] = (await entriesOf(shop)).data
      assert.equal(settled?.kind, "settle")
      assert.equal(settled?.amount, expected === "the quote" ? reserved?.amount : expected)
    })

  it("cost nothing where no picture came of them", async () => {
    const shop = await openShop(server, "test")
    const { body } = await generate(shop, "sandbox:moderation-output till", { model: "google/gemini-3-pro-image" })
    assert.equal(body.status, "failed")
    assert.equal((await balance(shop)).available, 100)
    assert.deepEqual(
      (await entriesOf(shop)).data.map(({ kind }) => kind),
      ["release", "reserve", "grant"],
    )
  })
})

describe("a call that nobody answered", () => {
  const model = "compatible/paintings"

  /** Draws some pictures and hangs up on whoever asks for more. */
  function drawsOnly(pictures: number) {
    let left = pictures
    vendor.answer = () => (left-- > 0 ? draws(undefined) : { status: 0 })
  }

  it("is borne by the house and listed, and the caller pays for what was delivered", async () => {
    const shop = await openShop(server, "live")
    const [granted, lost] = [await houseHas(server, "live", "granted"), await houseHas(server, "live", "lost")]
    drawsOnly(2)
    const { body, text } = await generate(shop, "a till", { model, n: 3 })
    assert.deepEqual([body.status, body.images.length], ["succeeded", 2], text)
    assert.deepEqual(await balance(shop), { available: 96, reserved: 0 })
    assert.equal((await houseHas(server, "live", "lost")) - lost, 2_000_000)
    assert.equal((await houseHas(server, "live", "granted")) - granted, -2_000_000)
    const told = JSON.parse(await atelier("credits", "unknown", "--project", shop.id, "--json")) as {
      calls: ({ time: string } & Record<string, unknown>)[]
      credits: Record<Mode, number>
    }
    const [{ time, ...facts } = { time: "" }] = told.calls
    assert.deepEqual([told.calls.length, told.credits], [1, { live: 2, test: 0 }])
    assert.ok(Math.abs(Date.parse(time) - Date.now()) < 600_000)
    assert.deepEqual(facts, {
      ...{ mode: "live", project: shop.id, generation: body.id },
      ...{ vendor: "compatible", model, vendor_model: "sdxl", credits: 2, reason: "the outcome is unknown" },
    })
  })

  it("shows its caller the failure and nothing of the loss", async () => {
    const shop = await openShop(server, "live")
    drawsOnly(0)
    const { body } = await generate(shop, "a till", { model })
    assert.deepEqual([body.status, body.error?.code], ["failed", "outcome_unknown"])
    assert.deepEqual(await balance(shop), { available: 100, reserved: 0 })
    const { data } = await entriesOf(shop)
    assert.deepEqual(
      data.map(({ kind }) => kind),
      ["release", "reserve", "grant"],
    )
    assert.match(await atelier("credits", "show", "--project", shop.id), /live {2}100 credits, 0 set aside, 2 lost/)
    const history = await atelier("credits", "history", "--project", shop.id)
    assert.match(history, /adjust +2 +0 +gen_\w+ +the house bears what a vendor may bill/)
    const all = await atelier("credits", "unknown")
    assert.match(all, new RegExp(`live +${shop.id} +${body.id} +compatible +${model} +2 +the outcome is unknown`))
    assert.match(all, /In all: [\d.]+ live credits/)
  })

  it("is borne where the plan pays, too", async () => {
    const shop = await openShop(server, "live", "community")
    drawsOnly(0)
    const before = await houseHas(server, "live", "granted")
    await generate(shop, "a till", { model })
    assert.equal((await houseHas(server, "live", "granted")) - before, -2_000_000)
    assert.deepEqual(
      (await lossesOf(shop)).map(({ micros }) => micros),
      [2_000_000],
    )
  })

  it("is borne where it was called off under way", async () => {
    const shop = await openShop(server, "test")
    const input = { model: "bfl/flux-kontext-pro", wait: 0 }
    const { body } = await generate(shop, "sandbox:timeout till", input)
    for (const end = Date.now() + 10_000; (await statusOf(shop, body.id)) !== "running"; await sleep(20))
      assert.ok(Date.now() < end)
    await call(shop, `/v1/generations/${body.id}/cancel`, { method: "POST" })
    assert.deepEqual(await balance(shop), { available: 100, reserved: 0 })
    const losses = [{ generation: body.id, micros: 4_000_000, reason: "canceled while the vendor worked" }]
    assert.deepEqual(await lossesOf(shop), losses)
    // Called off twice is called off once.
    await call(shop, `/v1/generations/${body.id}/cancel`, { method: "POST" })
    assert.deepEqual(await lossesOf(shop), losses)
  })

  it("is borne with the pictures that came before it was called off, at what they cost", async () => {
    const shop = await openShop(server, "live")
    const { promise: asked, resolve } = Promise.withResolvers<void>()
    let calls = 0
    vendor.answer = () => (++calls === 1 ? draws(undefined) : (resolve(), { status: -1 }))
    const { body } = await generate(shop, "a till", { model, n: 2, wait: 0 })
    await asked
    const stored = () =>
      server.atelier.app.database.query
        .selectFrom("attempts")
        .select("id")
        .where("generation_id", "=", body.id)
        .where("state", "=", "stored")
        .executeTakeFirst()
    for (const end = Date.now() + 10_000; !(await stored()); await sleep(20)) assert.ok(Date.now() < end)
    await call(shop, `/v1/generations/${body.id}/cancel`, { method: "POST" })
    assert.deepEqual((await lossesOf(shop)).map(({ micros, reason }) => `${micros} ${reason}`).toSorted(), [
      "2000000 canceled when the vendor had delivered",
      "2000000 canceled while the vendor worked",
    ])
    assert.deepEqual(await balance(shop), { available: 100, reserved: 0 })
  })

  it("is not what failed with an answer, or was called off before it was made", async () => {
    const shop = await openShop(server, "test")
    for (const word of ["sandbox:moderation", "sandbox:error", "sandbox:html"])
      assert.equal((await generate(shop, `${word} till`, { model: "bfl/flux-kontext-pro" })).body.status, "failed")
    assert.deepEqual(await lossesOf(shop), [])
  })
})

const statusOf = async (shop: Shop, id: string): Promise<string> =>
  (await call<{ status: string }>(shop, `/v1/generations/${id}`)).body.status
