// What sealing anew and giving up do to rows, on either database.
import assert from "node:assert/strict"
import { createCipheriv, randomBytes } from "node:crypto"
import { after, before, describe, it } from "node:test"
import { createProject } from "../accounts/projects.ts"
import type { Database } from "../database/database.ts"
import { newSecret } from "../webhooks/sign.ts"
import { sealOlderSecrets } from "./before.ts"
import { countByKey, giveUpSealedWith, sealAnew, sealedColumns } from "./columns.ts"
import { fixedKeys, readKeys } from "./masterKeys.ts"
import type { MasterKeys } from "./masterKeys.ts"
import { findUnopened } from "./ready.ts"
import { placeOf, seal, unseal } from "./seal.ts"
import { secretSetting } from "./settings.ts"

const [newer, older, strange] = [1, 2, 3].map(() => randomBytes(32).toString("hex")) as [string, string, string]
const keysOf = (...all: string[]): MasterKeys => fixedKeys("a test", readKeys(all.join()))
const idOf = (key: string): string => keysOf(key).newest().id

const hooks = 230

export function describeColumns(name: string, open: () => Promise<Database>) {
  describe(`sealed columns on ${name}`, () => {
    let database: Database
    before(async () => {
      database = await open()
      await createProject({ database, clock: Date }, { id: "shop" })
    })
    after(() => database.close())

    const withKeys = (...all: string[]) => ({ database, masterKeys: keysOf(...all) })
    const plainOf = (id: string, column: string) => `${column} of ${id}`

    async function addHook(id: string, keys: MasterKeys | undefined, seals = sealedBy(keys)) {
      const [sealed_secret, old_sealed_secret] = [seals(id, "sealed_secret"), seals(id, "old_sealed_secret")]
      const row = { id, project_id: "shop", url: "https://example.com", events_json: "[]", sealed_secret }
      const rest = { old_until: 5, origin: "", disabled: null, failing_since: null, slow_until: null, created_at: 1 }
      await database.transaction((tx) =>
        tx
          .insertInto("webhook_endpoints")
          .values({ ...row, old_sealed_secret, ...rest })
          .execute(),
      )
    }
    const sealedBy = (keys: MasterKeys | undefined) => (id: string, column: string) =>
      seal(keys!, placeOf("webhook_endpoints", [id], column), plainOf(id, column))

    const addVendorKey = (provider: string, keys: MasterKeys) =>
      database.transaction(async (tx) => {
        const sealed_key = seal(keys, placeOf("vendor_keys", ["shop", provider], "sealed_key"), `key of ${provider}`)
        const row = { project_id: "shop", provider, sealed_key, last4: "ider", created_at: 1, updated_at: 1 }
        await tx.insertInto("vendor_keys").values(row).execute()
      })

    const countsOf = async () =>
      Object.fromEntries(
        (await countByKey(database.query)).map(({ keyId, count, named }) => [`${keyId} ${named[0]}`, count]),
      )

    it("names every column there is that holds something sealed", async () => {
      const sealed = sealedColumns.map(({ table, column }) => `${table}.${column}`)
      const tables = await database.query.introspection.getTables()
      const named = tables.flatMap((table) => table.columns.map((column) => `${table.name}.${column.name}`))
      assert.deepEqual(
        named.filter((column) => column.includes("sealed")).toSorted(),
        sealed.filter((column) => column !== "settings.value").toSorted(),
      )
    })

    it("keep a secret of the installation that lay there open, from before, and seal it", async () => {
      const app = withKeys(older)
      const plain = randomBytes(32).toString("base64url")
      await database.query.insertInto("settings").values({ name: "link-secret", value: plain }).execute()
      const [first, second] = await Promise.all([secretSetting(app, "link-secret"), secretSetting(app, "link-secret")])
      assert.deepEqual([first, second], [plain, plain])
      const { value } = await database.query
        .selectFrom("settings")
        .select("value")
        .where("name", "=", "link-secret")
        .executeTakeFirstOrThrow()
      assert.ok(value.startsWith(`2.${idOf(older)}.`) && !value.includes(plain))
      const made = await Promise.all([1, 2, 3].map(() => secretSetting(app, "webhook-seal")))
      assert.equal(new Set(made).size, 1)
      assert.match(made[0]!, /^[\w-]{43}$/)
    })

    it("seal anew what was sealed by a key that lay beside it", async () => {
      const webhookKey = await secretSetting(withKeys(older), "webhook-seal")
      await addHook("whk_old", undefined, (id, column) => sealAsBefore(webhookKey, id, plainOf(id, column)))
      await sealOlderSecrets({ ...withKeys(older), webhookKey })
      const row = await database.query
        .selectFrom("webhook_endpoints")
        .selectAll()
        .where("id", "=", "whk_old")
        .executeTakeFirstOrThrow()
      for (const column of ["sealed_secret", "old_sealed_secret"] as const)
        assert.equal(
          unseal(keysOf(older), placeOf("webhook_endpoints", ["whk_old"], column), row[column]!),
          plainOf("whk_old", column),
        )
    })

    it("are sealed anew in batches, all of them, once", async () => {
      for (let count = 1; count < hooks; count++) await addHook(`whk_${count}`, keysOf(older))
      await addVendorKey("openai", keysOf(older))
      await addVendorKey("bfl", keysOf(newer))
      const before = await secretSetting(withKeys(older), "link-secret")
      const app = withKeys(newer, older)
      assert.equal(await sealAnew(app), 2 * hooks + 3)
      assert.equal(await sealAnew(app), 0)
      assert.deepEqual(await countsOf(), {
        [`${idOf(newer)} secret of the installation`]: 2,
        [`${idOf(newer)} webhook's secret`]: hooks,
        [`${idOf(newer)} webhook's old secret`]: hooks,
        [`${idOf(newer)} vendor key`]: 2,
      })
      assert.equal(await secretSetting(withKeys(newer), "link-secret"), before)
      const rows = await database.query.selectFrom("webhook_endpoints").selectAll().execute()
      for (const { id, sealed_secret } of rows)
        assert.equal(
          unseal(keysOf(newer), placeOf("webhook_endpoints", [id], "sealed_secret"), sealed_secret),
          plainOf(id, "sealed_secret"),
        )
      assert.deepEqual(await findUnopened(withKeys(newer)), [])
    })

    it("are left as they are where their key is not there, until they are given up", async () => {
      await addHook("whk_lost", keysOf(strange))
      await addVendorKey("google", keysOf(strange))
      const app = withKeys(newer, older)
      assert.equal(await sealAnew(app), 0)
      const lost = await findUnopened(app)
      assert.deepEqual(
        lost.map(({ keyId, count, named }) => [keyId, count, named[0]]),
        [
          [idOf(strange), 1, "webhook's secret"],
          [idOf(strange), 1, "webhook's old secret"],
          [idOf(strange), 1, "vendor key"],
        ],
      )
      assert.equal(await giveUpSealedWith(app, idOf(strange), newSecret), 3)
      assert.deepEqual(await findUnopened(app), [])
      const row = await database.query
        .selectFrom("webhook_endpoints")
        .selectAll()
        .where("id", "=", "whk_lost")
        .executeTakeFirstOrThrow()
      assert.deepEqual([row.disabled, row.old_sealed_secret, row.old_until], ["by_request", null, null])
      assert.match(
        unseal(keysOf(newer), placeOf("webhook_endpoints", ["whk_lost"], "sealed_secret"), row.sealed_secret),
        /^whsec_/,
      )
      const keys = await database.query.selectFrom("vendor_keys").select("provider").orderBy("provider").execute()
      assert.deepEqual(
        keys.map(({ provider }) => provider),
        ["bfl", "openai"],
      )
    })
  })
}

/** As server/webhooks/seal.ts did until there was a master key. */
export function sealAsBefore(webhookKey: string, id: string, secret: string): string {
  const nonce = randomBytes(12)
  const key = Buffer.from(webhookKey, "base64url")
  const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(Buffer.from(id))
  const sealed = Buffer.concat([cipher.update(secret, "utf8"), cipher.final()])
  return ["1", ...[nonce, sealed, cipher.getAuthTag()].map((part) => part.toString("base64url"))].join(".")
}
