import assert from "node:assert/strict"
import { randomBytes } from "node:crypto"
import { chmodSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { after, before, describe, it } from "node:test"
import { temporaryFolder } from "../../tests/harness.ts"
import { createKey, revokeKey } from "../accounts/keys.ts"
import { createProject } from "../accounts/projects.ts"
import { readConfig } from "../config.ts"
import type { Database } from "../database/database.ts"
import { sqliteDatabase } from "../database/sqlite.ts"
import { allProviders } from "../providers/all.ts"
import { closeOwnFiles, lookAtSecrets, refuseUnsafe } from "./check.ts"
import { fixedKeys, readKeys } from "./masterKeys.ts"

const masterKeys = fixedKeys("a test", readKeys(randomBytes(32).toString("hex")))
const clock = { now: () => 1_700_000_000_000 }

let folder: string
let database: Database
before(async () => {
  folder = temporaryFolder()
  database = await sqliteDatabase(join(folder, "atelier.sqlite"))
  await createProject({ database, clock }, { id: "shop" })
})
after(() => database.close())

const configOf = (environment: Record<string, string> = {}) =>
  readConfig({ ATELIER_DATA: folder, ...environment }, allProviders)

/** Each as "refuses" or "warns", with what it is about. */
async function look(environment: Record<string, string> = {}) {
  const concerns = await lookAtSecrets({ config: configOf(environment), database, masterKeys })
  return concerns.map(({ refuses, what }) => `${refuses ? "refuses" : "warns"}: ${what}`)
}

describe("the look at secrets", () => {
  it("finds a fresh installation well", async () => assert.deepEqual(await look(), []))

  it("refuses files of the operator that others can read, and says how to close them", async () => {
    const path = join(temporaryFolder(), "key")
    writeFileSync(path, randomBytes(32).toString("hex"))
    for (const [mode, found] of [
      [0o600, []],
      [0o400, []],
      [0o640, ["refuses: ATELIER_MASTER_KEY_FILE"]],
      [0o604, ["refuses: ATELIER_MASTER_KEY_FILE"]],
    ] as const) {
      chmodSync(path, mode)
      assert.deepEqual(await look({ ATELIER_MASTER_KEY_FILE: path }), found, mode.toString(8))
    }
    const config = configOf({ ATELIER_MASTER_KEY_FILE: path })
    const concerns = await lookAtSecrets({ config, database, masterKeys })
    assert.throws(() => refuseUnsafe(concerns), new RegExp(`mode 0604\\); chmod 600 ${path}`))
    const url = `postgresql://u@127.0.0.1/x?sslkey=${encodeURIComponent(path)}`
    assert.deepEqual(await look({ ATELIER_DATABASE_URL: url }), ["refuses: ATELIER_DATABASE_URL (sslkey)"])
    process.execArgv.push(`--env-file=${path}`)
    assert.deepEqual(await look(), ["refuses: --env-file"])
    process.execArgv.pop()
  })

  it("closes what is its own, the folder as well, and says what it closed", async () => {
    const config = configOf()
    const key = join(folder, "test-key")
    writeFileSync(key, "x", { mode: 0o644 })
    for (const path of [key, join(folder, "atelier.sqlite"), join(folder, "atelier.sqlite-wal")]) chmodSync(path, 0o644)
    chmodSync(folder, 0o755)
    const closed = await closeOwnFiles(config)
    assert.deepEqual(
      closed.toSorted(),
      [folder, ...["atelier.sqlite", "atelier.sqlite-wal", "test-key"].map((name) => join(folder, name))].toSorted(),
    )
    assert.deepEqual([statSync(folder).mode & 0o777, statSync(key).mode & 0o777], [0o750, 0o600])
    assert.deepEqual(await closeOwnFiles(config), [])
    chmodSync(key, 0o644)
    assert.deepEqual(await look(), [`warns: ${key}`], "where the file system does not let it be closed")
    chmodSync(key, 0o600)
  })

  it("refuses keys that are examples, but where a server on this machine takes any", async () => {
    for (const key of [
      "changeme",
      "Change-Me",
      "secret",
      "your-api-key",
      "YOUR_OPENAI_KEY",
      "xxxx",
      "sk-…",
      "<key>",
      "…",
    ])
      assert.deepEqual(await look({ OPENAI_API_KEY: key }), ["refuses: OPENAI_API_KEY"], key)
    assert.deepEqual(await look({ OPENAI_API_KEY: "secret", OPENAI_BASE_URL: "http://127.0.0.1:1/v1" }), [])
    for (const key of ["any", "sk-proj-Ab3xxxx", "0123456789abcdef", "mysecret-1f"])
      assert.deepEqual(await look({ OPENAI_API_KEY: key }), [], key)
  })

  it("looks at the database's password and at the way to it", async () => {
    const cases: [url: string, found: string[]][] = [
      ["postgresql://u:s3xYpYvQ@db.example/x?sslmode=require", []],
      ["postgresql://u:s3xYpYvQ@db.example/x", ["warns: ATELIER_DATABASE_URL"]],
      ["postgresql://u:s3xYpYvQ@db.example/x?sslmode=disable", ["warns: ATELIER_DATABASE_URL"]],
      ["postgresql://u:s3xYpYvQ@127.0.0.1/x", []],
      ["postgresql://u:s3xYpYvQ@/x?host=%2Frun%2Fpostgresql", []],
      ["postgresql://u:changeme@db.example/x?sslmode=verify-full", ["refuses: ATELIER_DATABASE_URL"]],
      ["postgresql://atelier:atelier@db.example/x?ssl=true", ["refuses: ATELIER_DATABASE_URL"]],
      ["postgresql://postgres:postgres@localhost/x", ["warns: ATELIER_DATABASE_URL"]],
      ["postgresql://db.example/x", []],
    ]
    for (const [url, found] of cases) assert.deepEqual(await look({ ATELIER_DATABASE_URL: url }), found, url)
  })

  it("warns of live keys over plain http where others can listen", async () => {
    const open = { ATELIER_HOST: "0.0.0.0" }
    assert.deepEqual(await look(open), [])
    await createKey({ database, clock }, "shop", "test")
    assert.deepEqual(await look(open), [])
    const key = await createKey({ database, clock }, "shop", "live")
    assert.deepEqual(await look(open), ["warns: ATELIER_HOST"])
    assert.deepEqual(await look({ ...open, ATELIER_PUBLIC_URL: "http://pictures.example" }), ["warns: ATELIER_HOST"])
    assert.deepEqual(await look({ ...open, ATELIER_PUBLIC_URL: "https://pictures.example" }), [])
    for (const host of ["127.0.0.1", "::1", "localhost"]) assert.deepEqual(await look({ ATELIER_HOST: host }), [], host)
    await revokeKey({ database, clock }, "shop", key.split("_")[2]!)
    assert.deepEqual(await look(open), [])
  })

  it("shows no secret", async () => {
    const config = configOf({
      ATELIER_DATABASE_URL: "postgresql://u:changeme@db.example/x",
      OPENAI_API_KEY: "your-key-7",
    })
    assert.doesNotMatch(JSON.stringify(await lookAtSecrets({ config, database, masterKeys })), /changeme|your-key/)
  })
})
