import { mkdtemp } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after } from "node:test"
import { describeOnPostgres } from "../../tests/onPostgres.ts"
import type { Database } from "../database/database.ts"
import { postgresDatabase } from "../database/postgres.ts"
import { sqliteDatabase } from "../database/sqlite.ts"
import { describeQueue } from "./queue.contract.ts"
import { tableQueue } from "./table.ts"

const opened: Database[] = []
const closeAll = async () => {
  for (const database of opened.splice(0)) await database.close()
}
after(closeAll)

async function openTwice(open: () => Promise<Database>, clock: { now: () => number }) {
  const databases = [await open(), await open()] as const
  opened.push(...databases)
  const [queue, another] = [tableQueue(databases[0], clock), tableQueue(databases[1], clock)]
  return { queue, another, database: databases[0] }
}

describeQueue("a table of SQLite", async (clock) => {
  const path = join(await mkdtemp(join(tmpdir(), "atelier-queue-")), "queue.sqlite")
  return openTwice(() => sqliteDatabase(path), clock)
})

describeOnPostgres(closeAll, (newDatabase) =>
  describeQueue("a table of PostgreSQL", async (clock) => {
    await closeAll()
    const url = await newDatabase()
    return openTwice(() => postgresDatabase(url), clock)
  }),
)
