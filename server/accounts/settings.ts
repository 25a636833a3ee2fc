// Secrets that this installation makes for itself, the same for every process on its database.
import { randomBytes } from "node:crypto"
import type { Database } from "../database/database.ts"

/** 256 random bits, made the first time they are asked for. */
export async function secretSetting(database: Database, name: string): Promise<string> {
  const fresh = { name, value: randomBytes(32).toString("base64url") }
  await database.transaction((tx) =>
    tx
      .insertInto("settings")
      .values(fresh)
      .onConflict((conflict) => conflict.doNothing())
      .execute(),
  )
  const row = database.query.selectFrom("settings").select("value").where("name", "=", name)
  return (await row.executeTakeFirstOrThrow()).value
}
