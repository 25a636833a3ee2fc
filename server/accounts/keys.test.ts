import assert from "node:assert/strict"
import { readFileSync } from "node:fs"
import { mkdtemp } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, before, describe, it } from "node:test"
import type { Database } from "../database/database.ts"
import { sqliteDatabase } from "../database/sqlite.ts"
import { createKey, findKeyHolder } from "./keys.ts"
import { createProject } from "./projects.ts"
import { checkOf, newKey } from "./keyForm.ts"

let path: string
let database: Database
const app = { clock: { now: () => 1_700_000_000_000 } } as { clock: { now: () => number }; database: Database }

before(async () => {
  path = join(await mkdtemp(join(tmpdir(), "atelier-keys-")), "keys.sqlite")
  app.database = database = await sqliteDatabase(path)
  await createProject(app, { id: "one" })
  await createProject(app, { id: "two" })
})
after(() => database.close())

describe("keys", () => {
  it("say whose they are and of which kind", async () => {
    const keys = [
      await createKey(app, "one", "test"),
      await createKey(app, "one", "live"),
      await createKey(app, "two", "test"),
    ]
    const holders = await Promise.all(keys.map((key) => findKeyHolder(app, key)))
    assert.deepEqual(
      holders.map((holder) => [holder?.projectId, holder?.mode]),
      [
        ["one", "test"],
        ["one", "live"],
        ["two", "test"],
      ],
    )
    assert.equal(new Set(holders.map((holder) => holder?.keyId)).size, 3)
  })

  it("are nobody's where they were never made, or have another's id", async () => {
    assert.equal(await findKeyHolder(app, newKey("test").key), undefined)
    assert.equal(await findKeyHolder(app, ""), undefined)
    const { keyId } = (await findKeyHolder(app, await createKey(app, "one", "test")))!
    const guess = `atl_test_${keyId}_${"A".repeat(43)}`
    assert.equal(await findKeyHolder(app, guess + checkOf(guess)), undefined)
  })

  it("no longer hold once they are revoked", async () => {
    const key = await createKey(app, "one", "test")
    const { keyId } = (await findKeyHolder(app, key))!
    await database.query.updateTable("api_keys").set({ revoked_at: 1 }).where("id", "=", keyId).execute()
    assert.equal(await findKeyHolder(app, key), undefined)
  })

  it("cannot be read out of the database", async () => {
    const key = await createKey(app, "one", "live")
    const bytes = Buffer.concat([readFileSync(path), readFileSync(`${path}-wal`)])
    assert.ok(bytes.includes(key.slice(-4)), "what is stored is being looked at")
    assert.ok(!bytes.includes(key.slice(-49, -6)))
  })

  it("belong to a project that is there; making one twice changes nothing", async () => {
    await assert.rejects(createKey(app, "three", "test"))
    await createProject(app, { id: "one" })
    assert.equal((await database.query.selectFrom("projects").selectAll().execute()).length, 2)
  })
})
