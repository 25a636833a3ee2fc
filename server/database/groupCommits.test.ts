import assert from "node:assert/strict"
import { describe, it } from "node:test"
import { Kysely, SqliteDialect } from "kysely"
import { DatabaseSync } from "node:sqlite"
import { groupCommits } from "./groupCommits.ts"
import type { Tables } from "./tables.ts"

/** A database in memory, with a disk that answers when the test says so. */
function open() {
  const file = new DatabaseSync(":memory:")
  file.exec("create table settings (name text primary key, value text not null)")
  const commits: string[] = []
  const database = {
    close: () => file.close(),
    prepare(sql: string) {
      if (sql === "commit" || sql === "begin") commits.push(sql)
      const statement = file.prepare(sql)
      const values = (given: readonly unknown[]) => given as string[]
      return {
        reader: statement.columns().length > 0,
        all: (given: readonly unknown[]) => statement.all(...values(given)),
        run: (given: readonly unknown[]) => statement.run(...values(given)),
        iterate: (given: readonly unknown[]) => statement.iterate(...values(given)),
      }
    },
  }
  const disk = Promise.withResolvers<void>()
  disk.promise.catch(() => undefined)
  const query = new Kysely<Tables>({ dialect: new SqliteDialect({ database }) })
  const transaction = groupCommits(query, () => disk.promise)
  const add = (name: string, then?: () => void) =>
    transaction(async (tx) => {
      await tx.insertInto("settings").values({ name, value: "" }).execute()
      then?.()
      return name
    })
  const names = async () => (await query.selectFrom("settings").select("name").execute()).map(({ name }) => name)
  return { add, names, commits, disk, query }
}

describe("commits in groups", () => {
  it("share one commit among all who ask in the same turn", async (t) => {
    // A group also ends after some milliseconds, which a busy machine may need for this one.
    t.mock.method(performance, "now", () => 0)
    const { add, names, commits, disk } = open()
    disk.resolve()
    assert.deepEqual(await Promise.all([add("a"), add("b"), add("c")]), ["a", "b", "c"])
    assert.deepEqual(commits, ["begin", "commit"])
    assert.deepEqual(await names(), ["a", "b", "c"])
  })

  it("undo only the work that failed, and tell only its owner", async () => {
    const { add, names, disk } = open()
    disk.resolve()
    const spoil = () => {
      throw new Error("spoiled")
    }
    const told = await Promise.allSettled([add("a"), add("b", spoil), add("c")])
    assert.deepEqual(
      told.map(({ status }) => status),
      ["fulfilled", "rejected", "fulfilled"],
    )
    assert.deepEqual(await names(), ["a", "c"])
  })

  it("tell nobody before the disk has it, and gather those who ask meanwhile", async (t) => {
    t.mock.method(performance, "now", () => 0)
    const { add, names, commits, disk } = open()
    let told = 0
    const first = add("a").then(() => told++)
    while ((await names()).length < 1) await new Promise(setImmediate)
    const second = add("b").then(() => told++)
    for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate)
    const third = add("c").then(() => told++)
    assert.deepEqual([await names(), told], [["a"], 0])
    disk.resolve()
    await Promise.all([first, second, third])
    assert.deepEqual(await names(), ["a", "b", "c"])
    assert.equal(commits.length, 4)
  })

  it("do not wait for the disk where those who ask have become many", { timeout: 10_000 }, async (t) => {
    // A group ends after so much time, too.
    t.mock.method(performance, "now", () => 0)
    const { add, names, disk } = open()
    let told = 0
    const first = add("a").then(() => told++)
    while ((await names()).length < 1) await new Promise(setImmediate)
    const others = Array.from({ length: 16 }, (_, at) => add(`b${at}`).then(() => told++))
    while ((await names()).length < 17) await new Promise(setImmediate)
    assert.equal(told, 0)
    disk.resolve()
    await Promise.all([first, ...others])
    assert.equal(told, 17)
  })

  it("tell everybody where the database is closed, and wait for nothing any more", async () => {
    const { add, query, disk } = open()
    disk.resolve()
    await add("before")
    await query.destroy()
    const told = await Promise.allSettled([add("a"), add("b")])
    assert.deepEqual(
      told.map(({ status }) => status),
      ["rejected", "rejected"],
    )
    await assert.rejects(add("c"))
  })

  it("tell everybody where the disk fails", async () => {
    const { add, disk } = open()
    disk.reject(new Error("no space"))
    const told = await Promise.allSettled([add("a"), add("b")])
    assert.deepEqual(
      told.map(({ status }) => status),
      ["rejected", "rejected"],
    )
  })
})
