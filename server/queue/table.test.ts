import { mkdtemp } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after } from "node:test"
import { sqliteDatabase } from "../database/sqlite.ts"
import type { Database } from "../database/database.ts"
import { describeQueue } from "./queue.contract.ts"
import { tableQueue } from "./table.ts"

const opened: Database[] = []
after(async () => {
  for (const database of opened) await database.close()
})

describeQueue("a table of the database", async (clock) => {
  const path = join(await mkdtemp(join(tmpdir(), "atelier-queue-")), "queue.sqlite")
  const databases = [await sqliteDatabase(path), await sqliteDatabase(path)] as const
  opened.push(...databases)
  const [queue, another] = [tableQueue(databases[0], clock), tableQueue(databases[1], clock)]
  return { queue, another, database: databases[0] }
})
