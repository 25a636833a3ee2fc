// The shell beside a running server: what a command changes holds for the next call.
import assert from "node:assert/strict"
import { after, before, describe, it } from "node:test"
import { call, generate } from "./calls.ts"
import { runCommand, startServer, temporaryFolder } from "./harness.ts"
import type { Server } from "./harness.ts"
import { startReceiver, until } from "./webhookReceiver.ts"
import type { Delivery, Endpoint, Receiver, WithSecret } from "./webhookReceiver.ts"

const environment = { ATELIER_EGRESS_ALLOW: "127.0.0.0/8" }

let server: Server
let receiver: Receiver
before(async () => {
  ;[server, receiver] = await Promise.all([startServer(environment), startReceiver()])
})
after(async () => {
  receiver.end()
  await server.kill("SIGKILL")
})

const run = (...args: string[]) => runCommand(server.dataFolder, args, { environment })

async function done(...args: string[]): Promise<string> {
  const { code, printed, said } = await run(...args)
  assert.deepEqual([code, said], [0, ""])
  return printed
}

const json = async <T>(...args: string[]) => JSON.parse(await done(...args, "--json")) as T

async function refused(pattern: RegExp, ...args: string[]) {
  const { code, printed, said } = await run(...args)
  assert.deepEqual([code, printed], [1, ""], said)
  assert.match(said, pattern)
}

const statusOf = async (key: string) => (await call(server, "/v1/models", { key })).status

type Key = {
  id: string
  scopes: string[]
  addresses: string[] | null
  expires_at: string | null
  last_used_at: string | null
  state: string
}

const keyOf = async (key: string) =>
  (await json<Key[]>("keys", "list")).find(({ id }) => id === key.split("_")[2]) ?? assert.fail("it is not listed")

describe("atelier keys", () => {
  it("lets a key hold no longer from the next call on", async () => {
    const key = await done("keys", "create", "--mode", "test")
    assert.equal(await statusOf(key), 200)
    await done("keys", "revoke", key.split("_")[2]!)
    assert.equal(await statusOf(key), 401)
    assert.equal((await keyOf(key)).state, "revoked")
  })

  it("makes keys that expire, and says when", async () => {
    const key = await done("keys", "create", "--mode", "test", "--expires", "2999-01-31", "--scopes", "read,generate")
    assert.equal(await statusOf(key), 200)
    const { scopes, addresses, expires_at, state } = await keyOf(key)
    assert.deepEqual(
      { scopes, addresses, expires_at, state },
      { scopes: ["read", "generate"], addresses: null, expires_at: "2999-01-31T00:00:00.000Z", state: "active" },
    )
    const month = await keyOf(await done("keys", "create", "--mode", "test", "--expires", "30d"))
    assert.ok(Math.abs(Date.parse(month.expires_at!) - Date.now() - 30 * 86_400_000) < 600_000)
    await refused(/--expires must be a day to come/, "keys", "create", "--mode", "test", "--expires", "2020-01-31")
  })

  it("makes keys that are bound to addresses, and says to which", async () => {
    const here = await done("keys", "create", "--mode", "test", "--addresses", "127.0.0.1, 2001:db8::/32")
    const elsewhere = await done("keys", "create", "--mode", "test", "--addresses", "203.0.113.0/24")
    assert.deepEqual([await statusOf(here), await statusOf(elsewhere)], [200, 401])
    const found = await keyOf(here)
    assert.deepEqual(found.addresses, ["127.0.0.1", "2001:db8::/32"])
    await until("its use", async () => (await keyOf(here)).last_used_at ?? undefined)
    assert.equal((await keyOf(elsewhere)).last_used_at, null)
    const next = await done("keys", "rotate", found.id)
    assert.deepEqual((await keyOf(next)).addresses, found.addresses)
    const line = (await done("keys", "list")).split("\n").find((one) => one.startsWith(elsewhere.split("_")[2]!))
    assert.match(line ?? "", /active .*all scopes .*from 203\.0\.113\.0\/24 .*no expiry .*never used/)
    await refused(/--addresses: here is no/, "keys", "create", "--mode", "test", "--addresses", "here")
  })
})

describe("atelier projects", () => {
  it("puts a project on another plan, from the next call on", async () => {
    await done("projects", "create", "A stall", "--id", "stall", "--plan", "free")
    const key = await done("keys", "create", "--project", "stall", "--mode", "test")
    const limit = async () => (await call(server, "/v1/models", { key })).headers.get("x-ratelimit-limit")
    assert.equal(await limit(), "10")
    const changed = await json("projects", "update", "stall", "--plan", "starter", "--name", "A shop")
    assert.deepEqual(changed, { id: "stall", name: "A shop", plan: "starter" })
    assert.equal(await limit(), "100")
  })

  it("gives a month's credits once, whichever plans it is on", async () => {
    type Shown = { balances: { available: number }[] }
    const available = async (id: string) =>
      (await json<Shown>("credits", "show", "--project", id)).balances.map(({ available }) => available)
    await done("projects", "create", "A kiosk", "--id", "kiosk", "--plan", "free")
    await done("projects", "update", "kiosk", "--plan", "starter")
    assert.deepEqual(await available("kiosk"), [20, 20])
    await done("projects", "create", "A tent", "--id", "tent")
    assert.deepEqual(await available("tent"), [0, 0])
    await done("projects", "update", "tent", "--plan", "free")
    await done("projects", "update", "tent", "--plan", "free")
    assert.deepEqual(await available("tent"), [20, 20])
  })

  it("refuses what there is not", async () => {
    await refused(/--plan must be one of free/, "projects", "update", "default", "--plan", "constructor")
    await refused(/no project nowhere/, "projects", "update", "nowhere", "--name", "x")
    await refused(/dashboard is reserved/, "projects", "create", "x", "--id", "dashboard")
  })
})

describe("atelier webhooks", () => {
  it("are made, told, rotated, switched and deleted", async () => {
    const url = `${receiver.url}/hook`
    const made = await json<WithSecret>("webhooks", "create", url, "--origin", "https://pictures.example/")
    assert.match(made.secret, /^whsec_/)
    assert.deepEqual(made.events, ["images.completed", "images.failed"])
    await generate(server, "a quiet harbour")
    const [first] = await until("a message", () => (receiver.received.length > 0 ? receiver.received : undefined))
    assert.match(first!.body, /https:\/\/pictures\.example\/v1\//)
    const deliveries = () => json<Delivery[]>("webhooks", "deliveries", made.id)
    const delivery = await until("the log", async () =>
      (await deliveries()).find(({ status }) => status === "succeeded"),
    )
    await done("webhooks", "replay", delivery.id)
    await until("the same again", () => receiver.received.find(({ body }, at) => at > 0 && body === first!.body))
    assert.match(await done("webhooks", "deliveries", made.id), /images\.completed +succeeded +1 try +204/)
    const fresh = await done("webhooks", "rotate", made.id)
    assert.match(fresh, /^whsec_/)
    assert.notEqual(fresh, made.secret)
    await done("webhooks", "disable", made.id)
    const state = async () =>
      (await json<Endpoint[]>("webhooks", "list")).map(({ disabled_because }) => disabled_because)
    assert.deepEqual(await state(), ["by_request"])
    await done("webhooks", "enable", made.id)
    assert.deepEqual(await state(), [null])
    assert.doesNotMatch(await done("webhooks", "list", "--json"), /whsec_/)
    await done("webhooks", "delete", made.id)
    assert.deepEqual(await state(), [])
  })

  it("go only where the API's may go, and belong to one project", async () => {
    const create = ["webhooks", "create", "--origin", "https://pictures.example"]
    await refused(/Nothing may be sent there/, ...create, "https://169.254.169.254/")
    await refused(/--origin must be/, "webhooks", "create", receiver.url)
    const { id } = await json<WithSecret>(...create, receiver.url)
    await done("projects", "create", "Strangers", "--id", "strangers")
    for (const act of ["rotate", "disable", "delete", "deliveries"])
      await refused(/no such webhook/, "webhooks", act, id, "--project", "strangers")
    assert.deepEqual(await json("webhooks", "list", "--project", "strangers"), [])
    await done("webhooks", "delete", id)
  })
})

it("shows the commands that begin alike, one alone, and all", async () => {
  const folder = temporaryFolder()
  const some = await runCommand(folder, ["users"])
  assert.deepEqual([some.code, some.said.includes("users create EMAIL"), some.said.includes("keys")], [2, true, false])
  const near = await runCommand(folder, ["user", "create"])
  assert.deepEqual([near.code, near.said], [2, "There is no command user create; did you mean users create?"])
  const one = await runCommand(folder, ["keys", "create", "--help"])
  assert.deepEqual([one.code, one.printed.includes("--expires"), one.printed.includes("revoke")], [0, true, false])
  const all = await runCommand(folder, ["help"])
  assert.deepEqual([all.code, all.printed.includes("webhooks replay DELIVERY")], [0, true])
})
