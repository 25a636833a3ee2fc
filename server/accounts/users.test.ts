// That a look at a password costs the same for everybody is held by counting: times would tell of the machine.
import assert from "node:assert/strict"
import crypto from "node:crypto"
import { mkdtemp } from "node:fs/promises"
import { syncBuiltinESMExports } from "node:module"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { it, mock } from "node:test"
import { sqliteDatabase } from "../database/sqlite.ts"

const derived = mock.method(crypto, "argon2")
syncBuiltinESMExports()
const { createUser, disableUser, verifyPassword } = await import("./users.ts")

it("guessing costs the same work, whether there is a user, a password, or neither", async () => {
  const database = await sqliteDatabase(join(await mkdtemp(join(tmpdir(), "atelier-users-")), "users.sqlite"))
  const app = { database, clock: { now: () => 1_700_000_000_000 } }
  const password = "a very long winter"
  await createUser(app, { email: "with@example.com", password })
  await createUser(app, { email: "without@example.com" })
  await createUser(app, { email: "disabled@example.com", password })
  await disableUser(app, "disabled@example.com")
  for (const name of ["with", "without", "disabled", "nobody"]) {
    derived.mock.resetCalls()
    const typed = name === "with" ? "a very long summer" : password
    assert.equal(await verifyPassword(app, `${name}@example.com`, typed), undefined)
    const efforts = derived.mock.calls.map(({ arguments: [algorithm, { memory, passes, parallelism, tagLength }] }) => [
      ...[algorithm, memory, passes, parallelism, tagLength],
    ])
    assert.deepEqual(efforts, [["argon2id", 19_456, 2, 1, 32]], name)
  }
  assert.equal((await verifyPassword(app, "with@example.com", password))?.email, "with@example.com")
  await database.close()
})
