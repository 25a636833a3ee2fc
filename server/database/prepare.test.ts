import assert from "node:assert/strict"
import { mkdtemp } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { it } from "node:test"
import { prepare, prepareRows } from "./prepare.ts"
import { sqliteDatabase } from "./sqlite.ts"

const open = async () => sqliteDatabase(join(await mkdtemp(join(tmpdir(), "atelier-prepare-")), "test.sqlite"))

it("a prepared query is written once, and each call has its own values, in the order of its text", async () => {
  const database = await open()
  let written = 0
  const put = prepare((queries, row: { name: string; value: string }) => {
    written++
    return queries.insertInto("settings").values(row)
  })
  const find = prepare((queries, { least, name }: { name: string; least: string }) =>
    queries
      .selectFrom("settings")
      .select(["name", "value"])
      .where("value", ">=", least)
      .where("name", "=", name)
      .where("name", "!=", "fixed"),
  )
  for (const name of ["one", "two", "fixed"]) await put(database.query, { name, value: `${name} value` })
  // Names in another order than before mean the same.
  await database.transaction((tx) => put(tx, { value: "last value", name: "last" }))
  assert.equal(written, 1)
  const found = async (name: string, least = "a") =>
    (await find(database.query, { least, name })).rows.map((row) => ({ ...row }))
  assert.deepEqual(await found("two"), [{ name: "two", value: "two value" }])
  assert.deepEqual(await found("last"), [{ name: "last", value: "last value" }])
  assert.deepEqual(await found("two", "z"), [])
  assert.deepEqual(await found("fixed"), [])
  await database.close()
})

it("prepared rows are written once for each number of them", async () => {
  const database = await open()
  let written = 0
  const put = prepareRows((queries, rows: { name: string; value: string }[]) => {
    written++
    return queries.insertInto("settings").values(rows)
  })
  const row = (name: string) => ({ name, value: `${name} value` })
  await put(database.query, [row("a"), row("b")])
  await put(database.query, [row("c")])
  await put(database.query, [row("d"), row("e")])
  assert.equal(written, 2)
  const rows = await database.query.selectFrom("settings").select(["name", "value"]).orderBy("name").execute()
  assert.deepEqual(
    rows.map(({ name, value }) => `${name}: ${value}`),
    ["a", "b", "c", "d", "e"].map((name) => `${name}: ${name} value`),
  )
  await database.close()
})

it("a prepared query says how many rows it has changed, and rejects as any other", async () => {
  const database = await open()
  const put = prepare((queries, row: { name: string; value: string }) => queries.insertInto("settings").values(row))
  const change = prepare((queries, { value }: { value: string }) => queries.updateTable("settings").set({ value }))
  assert.equal((await change(database.query, { value: "x" })).numAffectedRows, 0n)
  await put(database.query, { name: "one", value: "1" })
  assert.equal((await change(database.query, { value: "x" })).numAffectedRows, 1n)
  await assert.rejects(put(database.query, { name: "one", value: "2" }), /UNIQUE/)
  await database.close()
})
