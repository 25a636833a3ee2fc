import assert from "node:assert/strict"
import { mkdtemp } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, describe, it } from "node:test"
import { pino } from "pino"
import { describeOnPostgres } from "../../tests/onPostgres.ts"
import type { Database } from "../database/database.ts"
import { postgresDatabase } from "../database/postgres.ts"
import { sqliteDatabase } from "../database/sqlite.ts"
import { describeLimiter } from "./limits.contract.ts"
import { createLimiter, limitHeaders, verdictOf } from "./limits.ts"
import { forgetWholeLimits, tableLimiter } from "./tableLimits.ts"

const hour = { requests: 10, seconds: 3600 }
const start = Date.parse("2026-11-21T12:00:00Z")
const log = pino({ level: "silent" })

const opened: Database[] = []
const closeAll = async () => {
  for (const database of opened.splice(0)) await database.close()
}
after(closeAll)

async function openOne(open: () => Promise<Database>): Promise<Database> {
  const database = await open()
  opened.push(database)
  return database
}

const newSqlite = async () => {
  const path = join(await mkdtemp(join(tmpdir(), "atelier-limits-")), "limits.sqlite")
  return () => openOne(() => sqliteDatabase(path))
}

const shared = async (open: () => Promise<Database>) => {
  const [limiter, another] = [await open(), await open()].map((database) => tableLimiter({ database, log }))
  return { limiter: limiter!, another: another! }
}

describeLimiter(
  "in memory",
  async () => {
    const limiter = createLimiter()
    return { limiter, another: limiter }
  },
  200,
)

describeLimiter("a table of SQLite", async () => shared(await newSqlite()), 10)

describeOnPostgres(closeAll, (newDatabase) =>
  describeLimiter(
    "a table of PostgreSQL",
    async () => {
      await closeAll()
      const url = await newDatabase()
      return shared(() => openOne(() => postgresDatabase(url)))
    },
    10,
  ),
)

describe("limits in the database", () => {
  const takeAll = async (limiter: ReturnType<typeof tableLimiter>, now = start) => {
    for (let count = 0; count < 10; count++) assert.ok((await limiter.take("p", hour, now)).allowed)
  }

  it("are there after a restart, and forgotten when they are whole again", async () => {
    const open = await newSqlite()
    const before = await open()
    await takeAll(tableLimiter({ database: before, log }))
    await before.close()
    opened.splice(opened.indexOf(before), 1)
    const database = await open()
    const limiter = tableLimiter({ database, log })
    assert.equal((await limiter.look("p", hour, start)).remaining, 0)
    assert.equal((await limiter.take("p", hour, start)).allowed, false)
    const names = async () => (await database.query.selectFrom("limits").select("name").execute()).length
    const forget = (now: number) => forgetWholeLimits({ database, clock: { now: () => now } }, 500)
    assert.deepEqual([await forget(start + 3_600_000), await names()], [0, 1], "clocks may differ")
    assert.deepEqual([await forget(start + 3_660_000), await names()], [1, 0])
  })

  it("go on to be counted, from where they stood, while the database does not answer", async () => {
    const database = await (await newSqlite())()
    const limiter = tableLimiter({ database, log })
    for (let count = 0; count < 4; count++) await limiter.take("p", hour, start)
    await database.query.schema.dropTable("limits").execute()
    const verdicts = []
    for (let count = 0; count < 8; count++) verdicts.push(await limiter.take("p", hour, start))
    assert.equal(verdicts.filter(({ allowed }) => allowed).length, 6)
    assert.equal((await limiter.look("p", hour, start + 5_000)).remaining, 0)
    assert.equal((await limiter.take("p", hour, start + 360_000)).allowed, true)
  })
})

describe("the headers of a limit", () => {
  it("are those that the documents promise, and those of the draft", () => {
    const verdict = verdictOf({ requests: 100, seconds: 3600 }, start + 36_000, start, true)
    assert.deepEqual(limitHeaders(verdict, start), {
      "x-ratelimit-limit": "100",
      "x-ratelimit-remaining": "99",
      "x-ratelimit-reset": String(start / 1000 + 36),
      "ratelimit-policy": '"default";q=100;w=3600',
      ratelimit: '"default";r=99;t=36',
    })
  })
})
