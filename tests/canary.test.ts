// Nothing secret gets out: every kind of secret is a word that is searched for wherever this server writes or answers,
// after it was driven through every dialect and every failure that a vendor, a receiver or a fault of its own can cause.
import assert from "node:assert/strict"
import { randomBytes } from "node:crypto"
import { renameSync } from "node:fs"
import { join } from "node:path"
import { after, before, describe, it } from "node:test"
import { setTimeout as sleep } from "node:timers/promises"
import sharp from "sharp"
import { baseUrlNameOf, keyNameOf } from "../server/config.ts"
import { allProviders } from "../server/providers/all.ts"
import { call, generate } from "./calls.ts"
import type { Generation, Reply } from "./calls.ts"
import { findCanaries, newCanary } from "./canaries.ts"
import type { Canaries } from "./canaries.ts"
import { openAgain, placesOf, watchedWays } from "./canaryPlaces.ts"
import { internalHost, linkInside, mannerNames, startEcho, taskEndings } from "./echoVendor.ts"
import type { EchoVendor } from "./echoVendor.ts"
import { atelierWith, createLiveKey, startServer, temporaryFolder } from "./harness.ts"
import type { Server } from "./harness.ts"
import { databaseOf } from "./postgres.ts"
import { startReceiver } from "./webhookReceiver.ts"
import type { Receiver, WithSecret } from "./webhookReceiver.ts"

const dataFolder = temporaryFolder()
// Only letters: the hardest to tell from a vendor's code.
const prompt = "Zwirbelkanarie"
const canaries: Canaries = new Map([["prompt", prompt]])
const plant = (name: string, secret = newCanary(name.replaceAll(" ", ""))) => {
  canaries.set(name, secret)
  return secret
}

let vendor: EchoVendor
let receiver: Receiver
let server: Server
let environment: Record<string, string>
/** Live keys of the default project, and of one with a vendor key of its own. */
let live: { url: string; testKey: string }
let own: { url: string; testKey: string }
let picture: Buffer
/** Every answer that tells of a failure. */
const refusals: string[] = []

before(async () => {
  picture = await sharp({
    create: {
      ...{ width: 64, height: 64, channels: 3 },
      background: "white",
      noise: { type: "gaussian", mean: 99, sigma: 60 },
    },
  })
    .png()
    .toBuffer()
  plant("upload in base64", picture.toString("base64").slice(200, 264))
  plant("upload in base64url", picture.toString("base64url").slice(400, 464))
  plant("link inside", linkInside.split("sig=")[1])
  plant("internal host", internalHost)
  for (const { id } of allProviders) plant(`key of ${id}`)
  vendor = await startEcho(picture)
  receiver = await startReceiver()
  environment = await settings()
  server = await startServer(environment, dataFolder)
  await makeKeys()
})
after(async () => {
  await server.kill("SIGKILL")
  vendor.end()
  receiver.end()
})

async function settings(): Promise<Record<string, string>> {
  const master = randomBytes(32)
  plant("master key in hex", master.toString("hex"))
  plant("master key in base64", master.toString("base64url").slice(0, 40))
  const url = (await databaseOf(dataFolder))["ATELIER_DATABASE_URL"]
  // The cluster of the tests asks for none.
  const password =
    url === undefined ? {} : { ATELIER_DATABASE_URL: url.replace("@", `:${plant("database password")}@`) }
  const vendors = allProviders.flatMap(({ id, baseUrl }) => [
    [keyNameOf(id), canaries.get(`key of ${id}`)!],
    [baseUrlNameOf(id), vendor.url + new URL(baseUrl).pathname.replace(/\/$/, "")],
  ])
  const more = { ATELIER_MASTER_KEY: master.toString("hex"), ...(await watchedWays()) }
  return { ...Object.fromEntries(vendors), ...password, ...more }
}

async function makeKeys() {
  await command(["projects", "create", "Own", "--id", "own"])
  const ownKey = await command(["keys", "create", "--mode", "live", "--project", "own"])
  live = { url: server.url, testKey: await createLiveKey({ dataFolder, environment }) }
  own = { url: server.url, testKey: ownKey }
  for (const [name, key] of Object.entries({ live: live.testKey, own: ownKey, test: server.testKey }))
    plant(`API key, ${name}`, key.split("_")[3]!.slice(0, 40))
  await command(["vendor-keys", "set", "openai", "--project", "own", "--key-stdin"], plant("project's vendor key"))
  const json = { key: plant("project's second vendor key") }
  await call(own, "/v1/vendor-keys/bfl", { method: "PUT", json })
}

const command = (words: string[], input?: string) =>
  atelierWith({ dataFolder, environment, ...(input === undefined ? {} : { input }) }, ...words)

const cookie = () => ({ cookie: `session=${canaries.get("cookie") ?? plant("cookie")}` })

/** Keeps what it says of a failure. */
function note(reply: Reply<unknown>): Reply<unknown> {
  const { error, data } = (reply.body ?? {}) as { error?: unknown; data?: { error?: unknown } }
  if (reply.status >= 400) refusals.push(reply.text)
  else if (error || data?.error) refusals.push(JSON.stringify([error, data]))
  for (const [, signature] of reply.text.matchAll(/signature=([\w-]{43})/g))
    plant(`link ${signature!.slice(0, 6)}`, signature!)
  return reply
}

type Target = { url: string; testKey: string }
type Ask = (target: Target, text: string) => Promise<Reply<unknown>>

const post =
  (path: string, write: (text: string) => unknown, method = "POST"): Ask =>
  (target, text) =>
    call(target, path, { method, json: write(text), headers: cookie() })

const native = (model: string) =>
  post("/v1/generations", (text) => ({
    model,
    input: { prompt: text },
    wait: 60,
    webhook: `${receiver.url}/once?token=${canaries.get("hook")}`,
  }))

const openai = (stream: boolean) =>
  post("/v1/images/generations", (text) => ({ prompt: text, model: "gpt-image-2", stream }))

const edit: Ask = (target, text) => {
  const body = new FormData()
  body.append("prompt", text)
  body.append("model", "gpt-image-2")
  body.append("image", new Blob([new Uint8Array(picture)], { type: "image/png" }), "a.png")
  return call(target, "/v1/images/edits", { body, headers: cookie() })
}

const inlineData = () => ({ mimeType: "image/png", data: picture.toString("base64") })
let names = 0

/** A way into each dialect, and to each vendor's adapter through ours. */
const ways: Record<string, Ask> = {
  ...Object.fromEntries(
    ["openai/gpt-image-2", "bfl/flux-2-pro", "ideogram/V3", "google/gemini-3-pro-image", "qianfan/qwen-image"]
      .concat("stability/stable-image-core", "doubao/doubao-seedream-4-5", "google/imagen-4.0-generate-001")
      .map((model) => [model, native(model)]),
  ),
  openai: openai(false),
  // What fails after the stream has begun breaks it off.
  streamed: (target, text) =>
    openai(true)(target, text).catch(() => ({ status: 0, headers: new Headers(), body: {}, text: "" })),
  edit,
  aihubmix: post("/v1/models/openai/gpt-image-2/predictions", (text) => ({ input: { prompt: text } })),
  gemini: post("/gemini/v1beta/models/gemini-3.1-flash-image:generateContent", (text) => ({
    contents: [{ role: "user", parts: [{ text }, { inlineData: inlineData() }] }],
  })),
  ideogram: post("/ideogram/v1/ideogram-v3/generate", (text) => ({ prompt: text, resolution: "1024x1024" })),
  genimix: (target, text) => {
    const path = `/v1/${target === own ? "own" : "default"}/generate/picture-${++names}`
    return post(path, (prompt) => ({ provider: "openai", modelId: "gpt-image-2", prompt }), "PUT")(target, text)
  },
  gempix2: post("/api/generate-image", (text) => ({ generationType: "text_to_image", prompt: text })),
}

async function waitForAll(target: Target) {
  for (const end = Date.now() + 60_000; Date.now() < end; await sleep(200)) {
    const { body } = await call<{ data: Generation[] }>(target, "/v1/generations?limit=100")
    if (body.data.every(({ status }) => !["queued", "running"].includes(status))) return
  }
}

describe("what this server is made to do", () => {
  it("succeeds in every dialect", async () => {
    const events = ["images.completed", "images.failed"]
    const json = { url: `${receiver.url}/hook?token=${plant("hook")}`, events }
    for (const target of [live, own, server]) {
      const hook = await call<WithSecret>(target, "/v1/webhooks", { json })
      plant(`webhook secret of ${hook.body.id}`, hook.body.secret)
      const given = await call<{ key: string }>(target, "/v1/webhooks/default/secret")
      plant(`secret for requests of ${hook.body.id}`, given.body.key)
    }
    const tried = Object.entries(ways).map(async ([name, ask]) => {
      const { status, text } = note(await ask(server, `${prompt} with ${name}`))
      assert.ok(status < 300, `${name}: ${status} ${text}`)
    })
    await Promise.all(tried)
    for (const target of [live, own])
      for (const way of ["openai/gpt-image-2", "openai", "edit"])
        assert.equal(note(await ways[way]!(target, prompt)).status, 200, way)
  })

  it("meets every failure of a vendor in every dialect", { timeout: 280_000 }, async () => {
    const tasks = taskEndings.map((_, number) => `task${number}`)
    for (const target of [live, own]) {
      const asked = [...mannerNames, ...tasks].flatMap((manner) =>
        Object.entries(ways)
          .filter(
            ([name]) =>
              name.startsWith("bfl") || (!manner.startsWith("task") && (target === live || name === "openai")),
          )
          .map(async ([, ask]) => note(await ask(target, `${prompt} manner:${manner}`))),
      )
      await Promise.all(asked)
      await waitForAll(target)
      const { body } = await call<{ data: Generation[] }>(target, "/v1/generations?limit=100")
      for (const { error } of body.data) if (error) refusals.push(JSON.stringify(error))
    }
    assert.ok(vendor.calls > 300, `${vendor.calls} calls`)
    assert.ok(refusals.length > 200, `${refusals.length} refusals`)
  })

  it("refuses what is wrong with a request, and with who asks", async () => {
    const wrong = plant("wrong key", `atl_live_${randomBytes(24).toString("hex")}`)
    const bodies = ["{", `{"prompt": "${prompt}`, `{"prompt": ${prompt}}`, `{"${prompt}": 1}`.padEnd(9), "[]", "null"]
    for (const path of ["/v1/generations", "/v1/images/generations", "/api/generate-image", "/v1/default/generate/x"]) {
      const method = path.endsWith("/x") ? "PUT" : "POST"
      for (const body of bodies.toSpliced(3, 1))
        note(await call(live, path, { method, body, headers: { ...cookie(), "content-type": "application/json" } }))
      note(await call(live, path, { method, key: wrong, json: {}, headers: cookie() }))
    }
    const url = `${receiver.url}/picture.png?token=${plant("reference")}`
    const withUrl = { model: "openai/gpt-image-2", input: { prompt, image: [url] }, wait: 30 }
    for (const status of [404, 200, 302, 500]) {
      receiver.answer = { status, headers: { location: linkInside } }
      note(await call(live, "/v1/generations", { json: withUrl }))
    }
    receiver.answer = { status: 500 }
    for (const inside of [linkInside, `http://u:${plant("password in a URL")}@127.0.0.1/x`])
      note(await call(live, "/v1/generations", { json: { ...withUrl, input: { prompt, image: [inside] } } }))
    note(
      await call(live, "/v1/vendor-keys/azure", { method: "PUT", json: { key: `${plant("refused vendor key")} x` } }),
    )
    const { body } = await generate(server, prompt)
    note(await call(server, body.images[0]!.url.replace(/signature=\w/, "signature=_"), { key: null }))
  })

  it("fails by a fault of its own", async () => {
    const drafts = join(dataFolder, "pictures", "drafts")
    renameSync(drafts, `${drafts}.away`)
    for (const way of ["openai", "edit", "gemini", "openai/gpt-image-2"]) note(await ways[way]!(live, prompt))
    renameSync(`${drafts}.away`, drafts)
    const { body } = await generate(server, prompt)
    note(await call(server, `/v1/generations/${body.id}`))
    const objects = join(dataFolder, "pictures", "objects")
    renameSync(objects, `${objects}.away`)
    assert.ok(note(await call(server, body.images[0]!.url, { key: null })).status >= 400)
    renameSync(`${objects}.away`, objects)
    const data = await openAgain({ server, environment })
    const { schema } = data.database.query
    await schema.alterTable("events").renameTo("events_away").execute()
    for (const [name, ask] of Object.entries(ways)) {
      const { status } = note(await ask(live, `${prompt} with ${name}`))
      assert.equal(status, 500, name)
    }
    await schema.alterTable("events_away").renameTo("events").execute()
    await data.database.close()
    assert.match(server.log(), /a request failed/)
  })
})

describe("what it wrote and answered", () => {
  const look = () => {
    const webhooks = receiver.received.map(({ body }) => body)
    return placesOf({ server, environment, own, refusals, webhooks })
  }

  it("is all looked at, and the search finds each word in each place", async () => {
    const looked = await look()
    const names = looked.map(({ name }) => name)
    for (const name of [
      "standard error",
      "errors",
      "webhooks",
      "attempts.failure_json",
      "doctor",
      "sandbox/calls.jsonl",
    ])
      assert.ok(names.includes(name), `${name} is not in ${names.join()}`)
    for (const { name, text, mayHold = [] } of looked)
      for (const [canary, secret] of canaries)
        if (!mayHold.some((start) => canary.startsWith(start)))
          assert.ok(findCanaries(canaries, `${String(text.slice(0, 99))}"${secret}"`, mayHold).includes(canary), name)
    assert.ok(canaries.size > 30, `${canaries.size}`)
  })

  it("holds no secret, no prompt, no picture, and nothing of a vendor's own words", async () => {
    const leaks = (await look()).flatMap(({ name, text, mayHold }) => {
      const found = findCanaries(canaries, text, mayHold)
      if (found.length === 0) return []
      const at = Math.max(0, text.indexOf(canaries.get(found[0]!)!) - 160)
      return [`${found.join(", ")} in ${name}: ${String(text.slice(at, at + 240))}`]
    })
    assert.deepEqual(leaks, [])
  })
})
