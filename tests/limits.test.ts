// The limit of requests through the whole server, where it could be forgotten or had twice: at several servers on one
// database, and after a restart.
import assert from "node:assert/strict"
import { randomBytes } from "node:crypto"
import { after, before, describe, it } from "node:test"
import { createKey } from "../server/accounts/keys.ts"
import { createProject } from "../server/accounts/projects.ts"
import { grantCredits } from "../server/credits/balance.ts"
import { call, generate } from "./calls.ts"
import { atelierCommand, composeServer, startServer, temporaryFolder } from "./harness.ts"
import type { InProcess } from "./harness.ts"
import { postgresMissing, startPostgres } from "./postgres.ts"
import type { Cluster } from "./postgres.ts"

const accepted = async (target: { url: string; testKey: string }, count: number) => {
  const asking = Array.from({ length: count }, (_, number) => generate(target, `till ${number}`, { wait: 0 }))
  const statuses = (await Promise.all(asking)).map(({ status }) => status)
  assert.deepEqual(
    statuses.filter((status) => status !== 202 && status !== 429),
    [],
  )
  return statuses.filter((status) => status === 202).length
}

describe("the limit of requests at two servers on one PostgreSQL", { skip: postgresMissing }, () => {
  let cluster: Cluster
  let servers: InProcess[]
  before(async () => {
    cluster = await startPostgres()
    const same = {
      ATELIER_DATABASE_URL: await cluster.newDatabase(),
      ATELIER_MASTER_KEY: randomBytes(32).toString("hex"),
    }
    servers = [await composeServer(same), await composeServer(same)]
  })
  after(async () => {
    for (const server of servers) await server.end()
    await cluster.end()
  })

  it("lets ten an hour through of 64 who ask at once, and tells both of them so", async () => {
    const [{ app }] = servers.map(({ atelier }) => atelier) as [InProcess["atelier"]]
    await createProject(app, { id: "shop", plan: "free" })
    await grantCredits(app, { projectId: "shop", mode: "test" }, 1_000_000_000, "for the test")
    const testKey = await createKey(app, "shop", "test")
    const asking = servers.map(({ url }) => accepted({ url, testKey }, 32))
    const [first, second] = (await Promise.all(asking)) as [number, number]
    assert.equal(first + second, 10)
    for (const { url } of servers) {
      const { headers } = await call({ url, testKey }, "/v1/models")
      assert.equal(headers.get("x-ratelimit-remaining"), "0")
    }
  })
})

describe("the limit of requests after a restart", () => {
  it("is what was left of it, also where the server was killed", async (t) => {
    const folder = temporaryFolder()
    const command = (...words: string[]) => atelierCommand(folder, ...words)
    await command("projects", "create", "Shop", "--id", "shop", "--plan", "free")
    await command("credits", "grant", "--project", "shop", "--mode", "test", "--amount", "1000", "--reason", "a test")
    const testKey = await command("keys", "create", "--project", "shop", "--mode", "test")
    const first = await startServer({}, folder)
    t.after(() => first.kill("SIGKILL"))
    assert.equal(await accepted({ ...first, testKey }, 7), 7)
    await first.kill("SIGKILL")
    const second = await startServer({}, folder)
    t.after(() => second.kill("SIGKILL"))
    assert.equal(await accepted({ ...second, testKey }, 20), 3)
  })
})
