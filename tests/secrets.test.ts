// The master key and what it seals, over starts of a server: made, changed, lost; and a start that is refused.
import assert from "node:assert/strict"
import { randomBytes } from "node:crypto"
import { chmodSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, it } from "node:test"
import { Webhook as Standard } from "standardwebhooks"
import { openData } from "../server/data.ts"
import { readConfig } from "../server/config.ts"
import { allProviders } from "../server/providers/all.ts"
import { sealAsBefore } from "../server/secrets/columns.contract.ts"
import { placeOf, unseal } from "../server/secrets/seal.ts"
import { secretSetting } from "../server/secrets/settings.ts"
import { call, generate } from "./calls.ts"
import type { Generation } from "./calls.ts"
import { atelierCommand, atelierWith, createLiveKey, startServer, temporaryFolder } from "./harness.ts"
import type { Server } from "./harness.ts"
import { databaseOf } from "./postgres.ts"
import { startReceiver, until } from "./webhookReceiver.ts"
import type { Endpoint, WithSecret } from "./webhookReceiver.ts"

const hooks = { ATELIER_EGRESS_ALLOW: "127.0.0.0/8" }

type Status = { keys: { key: string; state: string; sealed: number }[] }

const statusOf = async (folder: string) =>
  (JSON.parse(await atelierCommand(folder, "secrets", "status", "--json")) as Status).keys

const subscribe = async (target: { url: string; testKey: string }, url: string) =>
  (await call<WithSecret>(target, "/v1/webhooks", { json: { url, events: ["images.completed"] } })).body

const environmentOf = async (dataFolder: string) => ({ ATELIER_DATA: dataFolder, ...(await databaseOf(dataFolder)) })

const keyFile = (folder: string) => join(folder, "master-key")

describe("the master key", () => {
  it("is made at the first start, and nothing of it all is for others to read", async (t) => {
    const folder = temporaryFolder()
    chmodSync(folder, 0o755)
    const server = await startServer({}, folder)
    t.after(() => server.kill("SIGKILL"))
    const isFile = (await databaseOf(folder))["ATELIER_DATABASE_URL"] === undefined
    const names = ["master-key", "test-key", ...(isFile ? ["atelier.sqlite", "atelier.sqlite-wal"] : [])]
    for (const name of names) assert.equal(statSync(join(folder, name)).mode & 0o777, 0o600, name)
    assert.equal(statSync(folder).mode & 0o007, 0)
    assert.match(server.log(), /others could read this; it was closed to them/)
  })

  it("is changed while the server runs: what was sealed opens all along, and the old key can go", async (t) => {
    const [receiver, folder] = [await startReceiver(), temporaryFolder()]
    t.after(() => receiver.end())
    const server = await startServer(hooks, folder)
    t.after(() => server.kill("SIGKILL"))
    const live = { url: server.url, testKey: await createLiveKey(server) }
    const json = { key: "a-key-of-the-project-0123456789" }
    await call(live, "/v1/vendor-keys/openai", { method: "PUT", json })
    const first = await subscribe(server, `${receiver.url}/first`)
    const [old] = await statusOf(folder)
    assert.deepEqual([old?.state, old?.sealed], ["newest", 4])
    await atelierCommand(folder, "secrets", "new-key")
    const second = await subscribe(server, `${receiver.url}/second`)
    assert.deepEqual(
      (await statusOf(folder)).map(({ state, sealed }) => [state, sealed]),
      [
        ["newest", 1],
        ["older", 4],
      ],
    )
    await atelierCommand(folder, "secrets", "rotate")
    assert.deepEqual(
      (await statusOf(folder)).map(({ state, sealed }) => [state, sealed]),
      [
        ["newest", 5],
        ["older", 0],
      ],
    )
    const [newest] = readFileSync(keyFile(folder), "utf8").split("\n")
    writeFileSync(keyFile(folder), newest!)
    await generate(server, "a lock")
    await until("both", () => (receiver.received.length >= 2 ? true : undefined))
    const verify = () => {
      for (const { path, body, headers } of receiver.received) {
        const { secret } = path === "/first" ? first : second
        new Standard(secret).verify(body, headers as Record<string, string>)
      }
    }
    assert.doesNotThrow(verify)
    await server.kill("SIGTERM")
    const again = await startServer(hooks, folder)
    t.after(() => again.kill("SIGKILL"))
    await generate({ ...again, testKey: server.testKey }, "a lock")
    await until("both once more", () => (receiver.received.length >= 4 ? true : undefined))
    assert.doesNotThrow(verify)
  })

  it("is needed: without it the server does not start, says what is missing, and goes on once that is given up", async (t) => {
    const folder = temporaryFolder()
    const server = await startServer(hooks, folder)
    t.after(() => server.kill("SIGKILL"))
    const live = await createLiveKey(server)
    const json = { key: "a-key-of-the-project-0123456789" }
    await call(server, "/v1/vendor-keys/openai", { method: "PUT", json, key: live })
    const hook = await subscribe(server, "http://127.0.0.1:9/")
    const { body } = await generate(server, "a key")
    const secretBefore = (await call<{ key: string }>(server, "/v1/webhooks/default/secret")).body.key
    await server.kill("SIGTERM")
    renameSync(keyFile(folder), `${keyFile(folder)}.away`)
    let lostKey = ""
    const refused = (error: Error) => {
      assert.match(
        error.message,
        /no master key here opens 2 secrets of the installation, 1 webhook's secret, 1 vendor key/,
      )
      assert.match(error.message, /ATELIER_MASTER_KEY/)
      assert.ok(error.message.includes(keyFile(folder)))
      lostKey = /atelier secrets forget ([0-9a-f]{8})`/.exec(error.message)![1]!
      return true
    }
    await assert.rejects(startServer(hooks, folder), refused)
    await assert.rejects(
      startServer({ ...hooks, ATELIER_MASTER_KEY: randomBytes(32).toString("hex") }, folder),
      /does not start/,
    )
    // Put back, all is as it was.
    const kept = readFileSync(`${keyFile(folder)}.away`, "utf8").trim()
    const back = await startServer({ ...hooks, ATELIER_MASTER_KEY: kept }, folder)
    t.after(() => back.kill("SIGKILL"))
    assert.equal((await call<{ key: string }>(back, "/v1/webhooks/default/secret")).body.key, secretBefore)
    assert.equal((await fetch(linkAt(body, back.url))).status, 200)
    await back.kill("SIGTERM")
    await assert.rejects(
      atelierCommand(folder, "secrets", "forget", "00000000"),
      /Nothing here was sealed with 00000000/,
    )
    const input = "another-key-0123456789"
    const setting = atelierWith({ dataFolder: folder, input }, "vendor-keys", "set", "bfl", "--key-stdin")
    await assert.rejects(setting, /no master key here opens/)
    await atelierCommand(folder, "secrets", "forget", lostKey)
    const anew = await startServer(hooks, folder)
    t.after(() => anew.kill("SIGKILL"))
    assert.notEqual((await call<{ key: string }>(anew, "/v1/webhooks/default/secret")).body.key, secretBefore)
    assert.equal((await fetch(linkAt(body, anew.url))).status, 404)
    assert.deepEqual((await call<{ data: unknown[] }>(anew, "/v1/vendor-keys", { key: live })).body.data, [])
    const { enabled, disabled_because } = (await call<Endpoint>(anew, `/v1/webhooks/${hook.id}`)).body
    assert.deepEqual([enabled, disabled_because], [false, "by_request"])
    const { status } = await call(anew, `/v1/webhooks/${hook.id}/rotate`, { method: "POST" })
    assert.equal(status, 200)
  })
})

describe("what signs links and webhooks of requests", () => {
  it("is renewed on its own, from the next start on", async (t) => {
    const folder = temporaryFolder()
    const first = await startServer({}, folder)
    t.after(() => first.kill("SIGKILL"))
    const { body } = await generate(first, "a gate")
    const secretOf = async (server: Server) => (await call<{ key: string }>(server, defaultSecret)).body.key
    const secretBefore = await secretOf(first)
    await assert.rejects(atelierCommand(folder, "secrets", "renew", "all"), /takes links or request-webhooks, not all/)
    await atelierCommand(folder, "secrets", "renew", "links")
    assert.equal((await fetch(linkAt(body, first.url))).status, 200)
    await first.kill("SIGTERM")
    const second = await startServer({}, folder)
    t.after(() => second.kill("SIGKILL"))
    assert.equal((await fetch(linkAt(body, second.url))).status, 404)
    const again = await call<Generation>({ ...second, testKey: first.testKey }, `/v1/generations/${body.id}`)
    assert.equal((await fetch(linkAt(again.body, second.url))).status, 200)
    assert.equal(await secretOf(second), secretBefore)
    await atelierCommand(folder, "secrets", "renew", "request-webhooks")
    await second.kill("SIGTERM")
    const third = await startServer({}, folder)
    t.after(() => third.kill("SIGKILL"))
    assert.notEqual(await secretOf(third), secretBefore)
    assert.equal((await fetch(linkAt(again.body, third.url))).status, 200)
    assert.deepEqual(
      (await statusOf(folder)).map(({ sealed }) => sealed),
      [2],
    )
  })
})

const defaultSecret = "/v1/webhooks/default/secret"

const linkAt = ({ images }: Generation, origin: string): string => {
  const { pathname, search } = new URL(images[0]!.url)
  return origin + pathname + search
}

describe("an installation from before there was a master key", () => {
  it("keeps its secrets, which lie there sealed from the first start on", async (t) => {
    const [receiver, folder] = [await startReceiver(), temporaryFolder()]
    t.after(() => receiver.end())
    const first = await startServer(hooks, folder)
    t.after(() => first.kill("SIGKILL"))
    const hook = await subscribe(first, `${receiver.url}/hook`)
    const { body } = await generate(first, "a door", { wait: 30 })
    const requestSecret = (await call<{ key: string }>(first, "/v1/webhooks/default/secret")).body.key
    await until("the first", () => (receiver.received.length > 0 ? true : undefined))
    await first.kill("SIGTERM")
    const plain = await unsealAll(folder)
    rmSync(keyFile(folder))
    const second = await startServer(hooks, folder)
    t.after(() => second.kill("SIGKILL"))
    assert.equal((await call<{ key: string }>(second, "/v1/webhooks/default/secret")).body.key, requestSecret)
    assert.equal((await fetch(linkAt(body, second.url))).status, 200)
    await generate({ ...second, testKey: first.testKey }, "another door")
    await until("the second", () => (receiver.received.length > 1 ? true : undefined))
    for (const { body: text, headers } of receiver.received)
      assert.doesNotThrow(() => new Standard(hook.secret).verify(text, headers as Record<string, string>))
    await second.kill("SIGTERM")
    const data = await openData(readConfig(await environmentOf(folder), allProviders))
    const settings = await data.database.query.selectFrom("settings").selectAll().execute()
    const endpoints = await data.database.query.selectFrom("webhook_endpoints").selectAll().execute()
    await data.database.close()
    for (const secret of plain) assert.ok(!JSON.stringify([settings, endpoints]).includes(secret))
    if (data.config.databaseUrl !== "") return
    const file = readFileSync(join(folder, "atelier.sqlite"))
    for (const secret of plain) assert.ok(!file.includes(secret), "nothing of it is left in the file")
  })
})

/** Writes everything back as it was then; answers what lay there open. */
async function unsealAll(folder: string): Promise<string[]> {
  const data = await openData(readConfig(await environmentOf(folder), allProviders))
  const { query } = data.database
  const plain: Record<string, string> = {}
  for (const name of ["link-secret", "webhook-seal"]) {
    plain[name] = await secretSetting(data, name)
    await query.updateTable("settings").set({ value: plain[name]! }).where("name", "=", name).execute()
  }
  for (const { id, sealed_secret } of await query.selectFrom("webhook_endpoints").selectAll().execute()) {
    const secret = unseal(data.masterKeys, placeOf("webhook_endpoints", [id], "sealed_secret"), sealed_secret)
    const older = sealAsBefore(plain["webhook-seal"]!, id, secret)
    await query.updateTable("webhook_endpoints").set({ sealed_secret: older }).where("id", "=", id).execute()
  }
  await data.database.close()
  return Object.values(plain)
}

describe("a start with secrets that are none", () => {
  const refused: [string, Record<string, string>, RegExp][] = [
    ["an example of a vendor's key", { OPENAI_API_KEY: "your-api-key" }, /OPENAI_API_KEY: holds an example/],
    ["a guessable master key", { ATELIER_MASTER_KEY: "0".repeat(64) }, /ATELIER_MASTER_KEY.*not random/],
    ["a master key that is too short", { ATELIER_MASTER_KEY: "0f".repeat(16) }, /ATELIER_MASTER_KEY must be 32 bytes/],
    ["a file that is not there", { ATELIER_MASTER_KEY_FILE: "/nowhere/key" }, /ATELIER_MASTER_KEY_FILE.*openssl rand/],
  ]
  for (const [name, environment, why] of refused)
    it(`is refused: ${name}`, () => assert.rejects(startServer(environment), why))

  it("is refused: a file that others can read, until they cannot", async (t) => {
    const path = join(temporaryFolder(), "key")
    writeFileSync(path, randomBytes(32).toString("hex"))
    chmodSync(path, 0o644)
    const folder = temporaryFolder()
    const environment = { ATELIER_MASTER_KEY_FILE: path }
    await assert.rejects(startServer(environment, folder), new RegExp(`ATELIER_MASTER_KEY_FILE.*chmod 600 ${path}`))
    chmodSync(path, 0o600)
    const server = await startServer(environment, folder)
    t.after(() => server.kill("SIGKILL"))
    assert.equal((await generate(server, "a wall")).body.status, "succeeded")
  })
})
