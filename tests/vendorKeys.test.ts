// Vendor keys that projects bring: which of them a call is made with, from its begin to its end, and who sees them.
import assert from "node:assert/strict"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { after, before, beforeEach, describe, it } from "node:test"
import { createKey } from "../server/accounts/keys.ts"
import { createProject } from "../server/accounts/projects.ts"
import { removeVendorKey, setVendorKey } from "../server/accounts/vendorKeys.ts"
import { call, plainPng } from "./calls.ts"
import type { Failure, Generation } from "./calls.ts"
import { composeServer } from "./harness.ts"
import type { InProcess } from "./harness.ts"
import { scriptVendor } from "./scriptedVendor.ts"
import type { ScriptedVendor } from "./scriptedVendor.ts"
import { until } from "./webhookReceiver.ts"

const ours = "key-of-the-server-0123456789"
const theirs = "key-of-the-project-9876543210"

type Target = { url: string; testKey: string }

type VendorKey = { provider: string; last4: string; created_at: string; updated_at: string }

let vendor: ScriptedVendor
let server: InProcess
/** A live key of a project with vendor keys of its own, and one of a project without. */
let owner: Target
let other: Target
let png: Buffer

before(async () => {
  vendor = await scriptVendor()
  server = await composeServer({
    ...{ BFL_API_KEY: ours, BFL_BASE_URL: `${vendor.url}/v1` },
    ...{ OPENAI_BASE_URL: `${vendor.url}/v1`, IDEOGRAM_BASE_URL: vendor.url },
  })
  const { app } = server.atelier
  for (const id of ["owner", "other"]) await createProject(app, { id })
  owner = { url: server.url, testKey: await createKey(app, "owner", "live") }
  other = { url: server.url, testKey: await createKey(app, "other", "live") }
  png = await plainPng()
})
after(async () => {
  await server.end()
  vendor.end()
})
beforeEach(async () => {
  vendor.calls.length = vendor.keys.length = 0
  const { body } = await call<{ data: VendorKey[] }>(owner, "/v1/vendor-keys")
  for (const { provider } of body.data) await unset(provider)
})

const set = (provider: string, key: unknown = theirs, target = owner) =>
  call<VendorKey & Failure>(target, `/v1/vendor-keys/${provider}`, { method: "PUT", json: { key } })
const unset = (provider: string, target = owner) =>
  call<Failure>(target, `/v1/vendor-keys/${provider}`, { method: "DELETE" })

const draw = (target: Target, model: string, { wait = 30, ...input }: { wait?: number; n?: number } = {}) =>
  call<Generation & Failure>(target, "/v1/generations", {
    json: { model, input: { prompt: "a mill", ...input }, wait },
  })

const read = async (target: Target, id: string) => (await call<Generation>(target, `/v1/generations/${id}`)).body

/** As Black Forest Labs answers: a task, which is ready once `ready` says so for its number. */
function answerTasks(ready: (task: string) => boolean) {
  let tasks = 0
  vendor.answer = (path) => {
    if (path.startsWith("/sample")) return { status: 200, body: png, headers: { "content-type": "image/png" } }
    if (!path.startsWith("/task")) {
      const id = String(++tasks)
      return { status: 200, json: { id, polling_url: `${vendor.url}/task/${id}` } }
    }
    const task = path.split("/")[2]!
    if (!ready(task)) return { status: 200, json: { id: task, status: "Pending" } }
    return { status: 200, json: { id: task, status: "Ready", result: { sample: `${vendor.url}/sample/${task}.png` } } }
  }
}

const answerAtOnce = () => {
  vendor.answer = () => ({ status: 200, json: { data: [{ b64_json: png.toString("base64") }] } })
}

const sentKeys = () => [...new Set(vendor.keys.filter((key) => key !== undefined))]

describe("a call to a vendor", () => {
  it("is made with the project's own key, and with the server's for everybody else", async () => {
    answerTasks(() => true)
    await set("bfl")
    assert.equal((await draw(owner, "bfl/flux-2-pro")).body.status, "succeeded")
    assert.deepEqual(sentKeys(), [theirs])
    vendor.keys.length = 0
    assert.equal((await draw(other, "bfl/flux-2-pro")).body.status, "succeeded")
    assert.deepEqual(sentKeys(), [ours])
  })

  it("opens models that the server has no key for, to this project alone, until the key is taken away", async () => {
    answerAtOnce()
    const standing = async (target: Target) =>
      (await call<{ available: boolean }>(target, "/v1/models/openai/gpt-image-2")).body.available
    assert.deepEqual([await standing(owner), await standing(other)], [false, false])
    await set("openai")
    assert.deepEqual([await standing(owner), await standing(other)], [true, false])
    const listed = await call<{ data: { id: string; available: boolean }[] }>(owner, "/v1/models")
    assert.equal(listed.body.data.find(({ id }) => id === "openai/gpt-image-2")?.available, true)
    assert.equal((await draw(owner, "openai/gpt-image-2")).body.status, "succeeded")
    assert.deepEqual(sentKeys(), [`Bearer ${theirs}`])
    const refused = await draw(other, "openai/gpt-image-2")
    assert.deepEqual([refused.status, refused.body.error.code], [503, "provider_unavailable"])
    await unset("openai")
    assert.equal((await draw(owner, "openai/gpt-image-2")).body.error?.code, "provider_unavailable")
  })

  it("never reaches the vendor for a test key", async () => {
    await setVendorKey(server.atelier.app, "default", "openai", theirs)
    assert.equal((await draw(server, "openai/gpt-image-2")).body.status, "succeeded")
    assert.deepEqual(vendor.calls, [])
  })

  it("sees within a second what another process has set", async () => {
    answerAtOnce()
    const { app } = server.atelier
    assert.equal((await draw(owner, "openai/gpt-image-2")).status, 503)
    await setVendorKey(app, "owner", "openai", theirs)
    const { now } = app.clock
    app.clock.now = () => now() + 1_000
    try {
      assert.equal((await draw(owner, "openai/gpt-image-2")).body.status, "succeeded")
    } finally {
      app.clock.now = now
    }
  })
})

describe("a task that a vendor is at work on", () => {
  it("is asked for with the server's key it was begun with, though the project has set its own", async () => {
    let ready = false
    answerTasks(() => ready)
    const { body } = await draw(owner, "bfl/flux-2-pro", { wait: 0 })
    await until("a question", () => (vendor.calls.length >= 2 ? true : undefined))
    await set("bfl")
    ready = true
    await until("the end", async () => ((await read(owner, body.id)).status === "succeeded" ? true : undefined))
    assert.deepEqual(sentKeys(), [ours])
  })

  it("ends as unknown where its key was taken away: no other key asks, nothing is begun again, nothing charged", async () => {
    await set("bfl")
    answerTasks(() => false)
    const { body } = await draw(owner, "bfl/flux-2-pro", { wait: 0 })
    await until("a question", () => (vendor.calls.length >= 2 ? true : undefined))
    await unset("bfl")
    const ended = await until("the end", async () => {
      const generation = await read(owner, body.id)
      return generation.status === "failed" ? generation : undefined
    })
    assert.equal(ended.error?.code, "outcome_unknown")
    assert.match(ended.error.message, /key was taken away/)
    assert.deepEqual(sentKeys(), [theirs])
    assert.deepEqual(vendor.calls.filter((made) => made.startsWith("POST")).length, 1)
    const row = await server.atelier.app.database.query
      .selectFrom("generations")
      .select("charged_micros")
      .where("id", "=", body.id)
      .executeTakeFirstOrThrow()
    assert.equal(row.charged_micros, 0)
  })

  it("also where the key opened the only way there was; what others of its calls have brought is delivered", async () => {
    await set("ideogram")
    await set("bfl")
    // The server's key is as if it were gone, so that no way is left open once the project's is.
    const { vendors } = server.atelier.app.config
    const before = vendors["bfl"]!
    vendors["bfl"] = { ...before, key: undefined }
    try {
      answerTasks((task) => task === "1")
      const { body } = await draw(owner, "bfl/flux-2-pro", { wait: 0, n: 2 })
      await until("a picture", () => (vendor.calls.some((made) => made.includes("/sample")) ? true : undefined))
      await removeVendorKey(server.atelier.app, "owner", "bfl")
      const ended = await until("the end", async () => {
        const generation = await read(owner, body.id)
        return ["failed", "succeeded"].includes(generation.status) ? generation : undefined
      })
      assert.deepEqual([ended.status, ended.images.length], ["succeeded", 1])
      assert.match(ended.warnings.join(), /outcome_unknown/)
      assert.deepEqual(sentKeys(), [theirs])
    } finally {
      vendors["bfl"] = before
    }
  })
})

describe("a project's vendor keys", () => {
  it("are shown by their last 4 and nothing else, and replaced by the next", async () => {
    const made = await set("openai")
    assert.deepEqual([made.status, made.body.provider, made.body.last4], [200, "openai", "3210"])
    const again = await set("openai", "another-key-0123456789ABCD")
    assert.deepEqual([again.body.last4, again.body.created_at], ["ABCD", made.body.created_at])
    const one = await call<VendorKey>(owner, "/v1/vendor-keys/openai")
    const list = await call<{ data: VendorKey[] }>(owner, "/v1/vendor-keys")
    assert.deepEqual(list.body.data, [one.body])
    for (const { text } of [made, again, one, list]) assert.doesNotMatch(text, /key-of|another-key/)
    assert.deepEqual([(await unset("openai")).status, (await unset("openai")).status], [200, 404])
  })

  it("are nobody else's, not a test key's, and not for keys that may not manage", async () => {
    const { app } = server.atelier
    await set("openai")
    assert.deepEqual((await call<{ data: unknown[] }>(other, "/v1/vendor-keys")).body.data, [])
    const asked = await call<Failure>(other, "/v1/vendor-keys/openai")
    assert.deepEqual([asked.status, (await unset("openai", other)).status], [404, 404])
    for (const key of [
      await createKey(app, "owner", "test"),
      await createKey(app, "owner", "live", { scopes: ["read", "generate"] }),
    ]) {
      const target = { url: server.url, testKey: key }
      const replies = [
        await call<Failure>(target, "/v1/vendor-keys"),
        await call<Failure>(target, "/v1/vendor-keys/openai"),
        await set("openai", theirs, target),
        await unset("openai", target),
      ]
      for (const { status, body } of replies)
        assert.deepEqual([status, (body as Failure).error.code], [403, "missing_scope"])
    }
    assert.equal((await call(owner, "/v1/vendor-keys/openai")).status, 200)
  })

  it("are refused for vendors that there are not or that have no address, and where they are no keys", async () => {
    const refused = async (provider: string, key: unknown, why: RegExp) => {
      const { status, body, text } = await set(provider, key)
      assert.deepEqual([status, body.error.code], [400, "invalid_request"])
      assert.match(body.error.message, why)
      if (typeof key === "string" && key.length > 4) assert.ok(!text.includes(key))
    }
    await refused("opnai", theirs, /no vendor "opnai".*openai/)
    await refused("azure", theirs, /azure has no common address.*AZURE_BASE_URL/)
    await refused("compatible", theirs, /COMPATIBLE_BASE_URL/)
    for (const key of ["", "short", "key with spaces in it", `${theirs}\r\nx-other: 1`, "schlüssel-0123456789", 5])
      await refused("openai", key, /key/)
    await refused("__proto__", theirs, /no vendor/)
  })

  it("lie in the database sealed, and the calls made with them say only whose key it was", async () => {
    answerAtOnce()
    await set("openai")
    await draw(owner, "openai/gpt-image-2")
    const { query } = server.atelier.app.database
    const [row] = await query.selectFrom("vendor_keys").selectAll().execute()
    assert.match(row!.sealed_key, /^2\.[0-9a-f]{8}\./)
    const attempts = await query.selectFrom("attempts").selectAll().orderBy("sent_at", "desc").execute()
    assert.equal(attempts[0]!.key_source, "project")
    assert.ok(!JSON.stringify([row, attempts]).includes(theirs))
    if (server.atelier.app.config.databaseUrl !== "") return
    const bytes = ["atelier.sqlite", "atelier.sqlite-wal"].map((name) => readFileSync(join(server.dataFolder, name)))
    assert.ok(!Buffer.concat(bytes).includes(theirs))
  })
})
