// Where sealed secrets lie in the database: counted by the key that opens them, sealed anew, and given up.
import { sql } from "kysely"
import type { App } from "../app.ts"
import type { Queries } from "../database/database.ts"
import type { MasterKeys } from "./masterKeys.ts"
import { placeOf, seal, unseal } from "./seal.ts"

type Column = {
  table: string
  column: string
  /** The columns of the primary key. */
  row: readonly string[]
  /** What one is called, and several are. */
  named: [one: string, several: string]
  /** What is done with one that no key opens any more. */
  lost: "delete" | "clear" | "replace"
}

/** Every column of the database that holds a sealed secret. A new one has its line here. */
export const sealedColumns: Column[] = [
  {
    ...{ table: "settings", column: "value", row: ["name"], lost: "delete" },
    named: ["secret of the installation", "secrets of the installation"],
  },
  {
    ...{ table: "webhook_endpoints", column: "sealed_secret", row: ["id"], lost: "replace" },
    named: ["webhook's secret", "webhooks' secrets"],
  },
  {
    ...{ table: "webhook_endpoints", column: "old_sealed_secret", row: ["id"], lost: "clear" },
    named: ["webhook's old secret", "webhooks' old secrets"],
  },
  {
    ...{ table: "vendor_keys", column: "sealed_key", row: ["project_id", "provider"], lost: "delete" },
    named: ["vendor key", "vendor keys"],
  },
]

/** How many secrets of a kind were sealed with a key. */
export type Use = { keyId: string; count: number; named: Column["named"] }

// "2." and the id, as server/secrets/seal.ts writes them.
const idLength = 8
const startOf = (keyId: string): string => `2.${keyId}.`

export async function countByKey(queries: Queries): Promise<Use[]> {
  const counted = await Promise.all(
    sealedColumns.map(async ({ table, column, named }) => {
      const text = sql.ref(column)
      const { rows } = await sql<{ key_id: string; count: number | string }>`
        select substr(${text}, 3, ${sql.lit(idLength)}) as key_id, count(*) as count from ${sql.table(table)}
        where ${text} like '2.________.%' group by 1 order by 1`.execute(queries)
      return rows.map(({ key_id: keyId, count }) => ({ keyId, count: Number(count), named }))
    }),
  )
  return counted.flat()
}

/** "3 webhooks' secrets, 1 vendor key". */
export const describeUses = (uses: Use[]): string =>
  uses.map(({ count, named: [one, several] }) => `${count} ${count === 1 ? one : several}`).join(", ")

type Needs = Pick<App, "database" | "masterKeys">

const batchMax = 100

/**
 * Seals anew, with the newest key, what other keys here have sealed; answers how many there were. A server may run on the
 * database meanwhile: who reads finds the old text or the new one, and both open.
 */
export async function sealAnew(app: Needs): Promise<number> {
  const newest = app.masterKeys.newest().id
  const older = app.masterKeys.all().filter(({ id }) => id !== newest)
  let count = 0
  for (const column of sealedColumns)
    for (const { id } of older)
      for (let done = batchMax; done === batchMax; count += done)
        done = await app.database.transaction((tx) => sealBatch(tx, app.masterKeys, column, id))
  return count
}

async function sealBatch(tx: Queries, keys: MasterKeys, column: Column, keyId: string): Promise<number> {
  const found = await findSealed(tx, column, keyId)
  for (const { row, text } of found) {
    const place = placeOf(column.table, row, column.column)
    await write(tx, column, row, sql`${sql.ref(column.column)} = ${seal(keys, place, unseal(keys, place, text))}`)
  }
  return found.length
}

type Sealed = { row: string[]; text: string }

async function findSealed(tx: Queries, { table, column, row }: Column, keyId: string): Promise<Sealed[]> {
  const names = sql.join(row.map((name) => sql.ref(name)))
  const { rows } = await sql<Record<string, string>>`
    select ${names}, ${sql.ref(column)} as sealed_text from ${sql.table(table)}
    where ${sql.ref(column)} like ${`${startOf(keyId)}%`} limit ${sql.lit(batchMax)}`.execute(tx)
  return rows.map((found) => ({ row: row.map((name) => found[name]!), text: found["sealed_text"]! }))
}

const isRow = ({ row: names }: Column, row: string[]) =>
  sql.join(
    names.map((name, index) => sql`${sql.ref(name)} = ${row[index]}`),
    sql` and `,
  )

const write = (tx: Queries, column: Column, row: string[], change: ReturnType<typeof sql>) =>
  sql`update ${sql.table(column.table)} set ${change} where ${isRow(column, row)}`.execute(tx)

/**
 * Gives up what was sealed with a key that is lost. Vendor keys and secrets of the installation are deleted; a webhook
 * is disabled, and has a secret that nobody knows until its owner rotates it. Answers how many there were.
 */
export async function giveUpSealedWith(app: Needs, keyId: string, freshSecret: () => string): Promise<number> {
  let count = 0
  for (const column of sealedColumns)
    for (let done = batchMax; done === batchMax; count += done)
      done = await app.database.transaction(async (tx) => {
        const found = await findSealed(tx, column, keyId)
        for (const { row } of found) await giveUp(tx, app.masterKeys, column, row, freshSecret())
        return found.length
      })
  return count
}

async function giveUp(tx: Queries, keys: MasterKeys, column: Column, row: string[], secret: string): Promise<void> {
  const { table, column: name, lost } = column
  if (lost === "delete") await sql`delete from ${sql.table(table)} where ${isRow(column, row)}`.execute(tx)
  if (lost === "clear") await write(tx, column, row, sql`${sql.ref(name)} = null, old_until = null`)
  if (lost !== "replace") return
  const sealed = seal(keys, placeOf(table, row, name), secret)
  await write(tx, column, row, sql`${sql.ref(name)} = ${sealed}, disabled = coalesce(disabled, 'by_request')`)
}
