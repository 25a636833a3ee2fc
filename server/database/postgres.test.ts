import assert from "node:assert/strict"
import { execFile } from "node:child_process"
import { after, before, describe, it } from "node:test"
import { setTimeout as sleep } from "node:timers/promises"
import { inspect, promisify } from "node:util"
import { postgresMissing, runOn, startPostgres } from "../../tests/postgres.ts"
import type { Cluster } from "../../tests/postgres.ts"
import type { GatewayError } from "../errors.ts"
import { describeDatabase, setSetting } from "./database.contract.ts"
import type { Database, Queries } from "./database.ts"
import { postgresDatabase } from "./postgres.ts"

const program = (url: string, name: string) => `
  import { postgresDatabase } from ${JSON.stringify(import.meta.resolve("./postgres.ts"))}
  const database = await postgresDatabase(${JSON.stringify(url)})
  await database.transaction((tx) =>
    tx.insertInto("settings").values({ name: ${JSON.stringify(name)}, value: "1" }).execute())
  await database.close()`

const runElsewhere = (text: string) => promisify(execFile)(process.execPath, ["--input-type=module", "--eval", text])

describe("on PostgreSQL", { skip: postgresMissing }, () => {
  let cluster: Cluster
  before(async () => {
    cluster = await startPostgres()
  })
  after(() => cluster.end())

  describeDatabase("PostgreSQL", async () => {
    const url = await cluster.newDatabase()
    return {
      open: () => postgresDatabase(url),
      elsewhere: async (name) => void (await runElsewhere(program(url, name))),
    }
  })

  describe("PostgreSQL alone", () => {
    it("prepares the tables once where several servers start at the same time", async () => {
      const url = await cluster.newDatabase()
      const opened = await Promise.all([1, 2, 3, 4, 5].map(() => postgresDatabase(url)))
      const [row] = await runOn<{ repeated: string }>(
        url,
        "select count(*) - count(distinct name) as repeated from migrations",
      )
      assert.equal(row!.repeated, "0")
      for (const one of opened) await one.close()
    })

    it("does the transactions of several servers as if one had done them one after another", async () => {
      const url = await cluster.newDatabase()
      const servers = await Promise.all([1, 2, 3].map(() => postgresDatabase(url)))
      await setSetting(servers[0]!.query, "count", "0")
      await setSetting(servers[0]!.query, "on call: a", "1")
      await setSetting(servers[0]!.query, "on call: b", "1")
      const valueOf = async (queries: Queries, name: string) =>
        (await queries.selectFrom("settings").select("value").where("name", "=", name).executeTakeFirstOrThrow()).value
      const write = (queries: Queries, name: string, value: string) =>
        queries.updateTable("settings").set({ value }).where("name", "=", name).execute()
      const increases = Array.from({ length: 60 }, (_, index) =>
        servers[index % 3]!.transaction(async (tx) =>
          write(tx, "count", String(Number(await valueOf(tx, "count")) + 1)),
        ),
      )
      await Promise.all(increases)
      assert.equal(await valueOf(servers[0]!.query, "count"), "60")
      // Each may go only while the other stays: neither writes what the other writes, and yet only one may.
      const leave = (server: Database, mine: string, theirs: string) =>
        server.transaction(async (tx) => {
          if ((await valueOf(tx, theirs)) === "0") return
          await sleep(100)
          await write(tx, mine, "0")
        })
      await Promise.all([
        leave(servers[0]!, "on call: a", "on call: b"),
        leave(servers[1]!, "on call: b", "on call: a"),
      ])
      const left = [await valueOf(servers[2]!.query, "on call: a"), await valueOf(servers[2]!.query, "on call: b")]
      assert.deepEqual(left.toSorted(), ["0", "1"])
      for (const one of servers) await one.close()
    })

    it("refuses whom others send back for too long, for another try, but does not lose patience where it may not", async () => {
      const database = await postgresDatabase(await cluster.newDatabase(), 0)
      let tries = 0
      const work = async (tx: Queries) => {
        await setSetting(tx, `try ${++tries}`, "1")
        if (tries % 5 > 0) throw Object.assign(new Error("sent back"), { code: "40001" })
        return "done"
      }
      await assert.rejects(database.transaction(work), (error: GatewayError) => {
        assert.deepEqual([error.failure.code, error.failure.retryAfterSeconds], ["unavailable", 1])
        return true
      })
      assert.equal(await database.transaction(work, { patient: true }), "done")
      const rows = await database.query.selectFrom("settings").select("name").execute()
      assert.deepEqual(rows, [{ name: "try 5" }], "nothing is left of the others")
      await database.close()
    })

    it("goes on after its connections were broken, idle ones and one in a transaction", async () => {
      const url = await cluster.newDatabase()
      const database = await postgresDatabase(url)
      const others = "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'atelier'"
      await runOn(url, `${others} and datname = current_database()`)
      await sleep(50)
      const broken = database.transaction(async (tx) => {
        await setSetting(tx, "lost", "1")
        await runOn(url, `${others} and datname = current_database()`)
        await setSetting(tx, "lost too", "1")
      })
      await assert.rejects(broken)
      await database.check()
      assert.deepEqual(await database.query.selectFrom("settings").selectAll().execute(), [])
      await database.close()
    })

    it("names the setting where it cannot connect, and never what stands in it", async () => {
      const url = await cluster.newDatabase()
      const wrong = url.replace("atelier@", "nobody:verysecret@")
      for (const address of [
        wrong,
        "postgresql://u:verysecret@127.0.0.1:9/none",
        "postgresql://u:verysecret@localhost:9/x",
      ])
        await assert.rejects(postgresDatabase(address), (error: Error) => {
          assert.match(error.message, /ATELIER_DATABASE_URL cannot be used: \S/)
          assert.doesNotMatch(inspect(error, { depth: 9, showHidden: true }), /verysecret/)
          return true
        })
    })
  })
})
