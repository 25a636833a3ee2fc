import assert from "node:assert/strict"
import { execFile } from "node:child_process"
import { mkdtemp } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { it } from "node:test"
import { promisify } from "node:util"
import { describeDatabase } from "./database.contract.ts"
import { lockFolder } from "./lock.ts"
import { sqliteDatabase } from "./sqlite.ts"

const temporary = () => mkdtemp(join(tmpdir(), "atelier-database-"))

const program = (path: string, name: string) => `
  import { sqliteDatabase } from ${JSON.stringify(import.meta.resolve("./sqlite.ts"))}
  const database = await sqliteDatabase(${JSON.stringify(path)})
  await database.transaction((tx) =>
    tx.insertInto("settings").values({ name: ${JSON.stringify(name)}, value: "1" }).execute())
  await database.close()`

const runElsewhere = (text: string) => promisify(execFile)(process.execPath, ["--input-type=module", "--eval", text])

describeDatabase("SQLite", async () => {
  const path = join(await temporary(), "test.sqlite")
  return {
    open: () => sqliteDatabase(path),
    elsewhere: async (name) => void (await runElsewhere(program(path, name))),
  }
})

it("a folder's lock: one holder at a time, also among processes, and free again once he is gone", async () => {
  const path = join(await temporary(), "server.lock")
  const tryElsewhere = async () => {
    const { stdout } = await runElsewhere(`
      import { lockFolder } from ${JSON.stringify(import.meta.resolve("./lock.ts"))}
      console.log(lockFolder(${JSON.stringify(path)}) === undefined ? "held" : "free")`)
    return stdout.trim()
  }
  assert.equal(await tryElsewhere(), "free", "and the process that took it ended without a word")
  const unlock = lockFolder(path)
  assert.ok(unlock)
  assert.equal(lockFolder(path), undefined)
  assert.equal(await tryElsewhere(), "held")
  unlock()
  assert.equal(await tryElsewhere(), "free")
})
