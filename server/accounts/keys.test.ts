import assert from "node:assert/strict"
import { readFileSync } from "node:fs"
import { mkdtemp } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, before, describe, it } from "node:test"
import type { Database } from "../database/database.ts"
import { sqliteDatabase } from "../database/sqlite.ts"
import { createKey, findKeyHolder, listKeys, revokeKey, rotateKey } from "./keys.ts"
import { createProject } from "./projects.ts"
import { checkOf, newKey } from "./keyForm.ts"
import { keyVectors } from "./keyVectors.ts"

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

  it("are known by the hash that other programs compute", async () => {
    const [row] = await listKeys(app, "one")
    for (const { key, mode, id, sha256 } of keyVectors) {
      assert.equal(await findKeyHolder(app, key), undefined)
      await database.query
        .insertInto("api_keys")
        .values({ ...row!, id, mode, hash: sha256 })
        .execute()
      assert.equal((await findKeyHolder(app, key))?.keyId, id)
    }
  })

  it("no longer hold once they are revoked, which only their project can do", async () => {
    const key = await createKey(app, "one", "test")
    const { keyId } = (await findKeyHolder(app, key))!
    assert.equal(await revokeKey(app, "two", keyId), false)
    assert.ok(await findKeyHolder(app, key))
    assert.equal(await revokeKey(app, "one", keyId), true)
    assert.equal(await findKeyHolder(app, key), undefined)
    assert.equal(await revokeKey(app, "one", keyId), false)
    assert.equal(await rotateKey(app, "one", keyId), undefined)
  })

  it("hold until they expire, not a moment longer", async () => {
    const now = app.clock.now()
    const key = await createKey(app, "one", "test", { expiresAt: now + 1 })
    assert.ok(await findKeyHolder(app, key))
    const later = { ...app, clock: { now: () => now + 1 } }
    assert.equal(await findKeyHolder(later, key), undefined)
  })

  it("bound to addresses come from nowhere else, nor from nowhere", async () => {
    const addresses = ["203.0.113.0/24", "2001:db8::7"]
    const key = await createKey(app, "one", "test", { addresses })
    for (const address of ["203.0.113.9", "::ffff:203.0.113.9", "2001:db8::7"])
      assert.ok(await findKeyHolder(app, key, address), address)
    for (const address of ["203.0.114.9", "2001:db8::8", "::1", "", undefined])
      assert.equal(await findKeyHolder(app, key, address), undefined, String(address))
    const { keyId } = (await findKeyHolder(app, key, "203.0.113.9"))!
    const next = (await rotateKey(app, "one", keyId))!
    assert.ok(await findKeyHolder(app, next, "203.0.113.9"))
    assert.equal(await findKeyHolder(app, next, "203.0.114.9"), undefined, "the next one is bound as well")
    const nowhere = await createKey(app, "one", "test", { addresses: [] })
    assert.equal(await findKeyHolder(app, nowhere, "203.0.113.9"), undefined)
  })

  it("are not used where they are refused", async () => {
    const key = await createKey(app, "two", "test", { addresses: ["203.0.113.9"] })
    const lastUse = async () => {
      // Behind what nobody waits for.
      await database.transaction(() => Promise.resolve())
      return (await listKeys(app, "two")).find(({ last4 }) => last4 === key.slice(-4))?.last_used_at
    }
    await findKeyHolder(app, key, "203.0.113.10")
    assert.equal(await lastUse(), null)
    await findKeyHolder(app, key, "203.0.113.9")
    assert.equal(await lastUse(), app.clock.now())
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
