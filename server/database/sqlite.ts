// The embedded database: one file, written ahead, synced at every commit.
import { closeSync, openSync } from "node:fs"
import { open } from "node:fs/promises"
import type { FileHandle } from "node:fs/promises"
import { DatabaseSync } from "node:sqlite"
import type { SQLInputValue, StatementSync } from "node:sqlite"
import { Kysely, sql, SqliteDialect } from "kysely"
import type { SqliteDatabase } from "kysely"
import type { Database } from "./database.ts"
import { groupCommits } from "./groupCommits.ts"
import { migrate } from "./migrations.ts"
import type { Tables } from "./tables.ts"

const busyTimeoutMs = 10_000

/** Opens (and where needed makes) the database in this file; other processes may have it open too. */
export async function sqliteDatabase(path: string): Promise<Database> {
  // What the engine makes itself, others could read. Its log takes the file's mode over.
  closeSync(openSync(path, "a", 0o600))
  const file = new DatabaseSync(path)
  file.exec(`pragma busy_timeout = ${busyTimeoutMs}`)
  // Not `full`: that waits for the disk on this thread. Every transaction is synced by `groupCommits` instead.
  file.exec("pragma journal_mode = wal; pragma synchronous = normal; pragma foreign_keys = on")
  // What is replaced or deleted is overwritten where its page is written anyway, so that no old secret lies about.
  file.exec("pragma secure_delete = fast")
  // Moving pages out of the log waits for the disk on this thread. It is done after so many of them, 16 MB, not after 4:
  // those that every transaction changes are moved the more seldom.
  file.exec("pragma wal_autocheckpoint = 4000")
  const query = new Kysely<Tables>({ dialect: new SqliteDialect({ database: kyselyDatabase(file) }) })
  await migrate(query as Kysely<unknown>, "sqlite")
  const log = await openLog(path)
  return {
    query,
    transaction: groupCommits(query, () => log.datasync()),
    check: async () => void (await sql`select 1`.execute(query)),
    async close() {
      await query.destroy()
      await log.close()
    },
  }
}

/** The write-ahead log, in which a commit stands: it is on the disk once this file is. There while anyone has it open. */
const openLog = (path: string): Promise<FileHandle> => open(`${path}-wal`, "r+")

const preparedMax = 500

/** Node's own driver in the shape kysely takes, with every statement prepared once. */
function kyselyDatabase(file: DatabaseSync): SqliteDatabase {
  const prepared = new Map<string, ReturnType<typeof kyselyStatement>>()
  return {
    close: () => file.close(),
    prepare(sql) {
      // Taking the write lock at the start makes a second process wait instead of failing half-way.
      const text = sql === "begin" ? "begin immediate" : sql
      const known = prepared.get(text)
      if (known) return known
      const statement = kyselyStatement(file.prepare(text))
      // A list in a statement makes another text for each length of it.
      if (prepared.size >= preparedMax) prepared.clear()
      prepared.set(text, statement)
      return statement
    },
  }
}

function kyselyStatement(statement: StatementSync) {
  return {
    reader: statement.columns().length > 0,
    all: (values: readonly unknown[]) => statement.all(...(values as SQLInputValue[])),
    run: (values: readonly unknown[]) => statement.run(...(values as SQLInputValue[])),
    iterate: (values: readonly unknown[]) => statement.iterate(...(values as SQLInputValue[])),
  }
}
