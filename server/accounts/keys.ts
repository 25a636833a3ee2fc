// API keys: made, and recognised. Only the hash of a key is stored.
import { createHash, timingSafeEqual } from "node:crypto"
import type { App } from "../app.ts"
import type { Mode } from "../egress/send.ts"
import { newKey, readKeyForm } from "./keyForm.ts"

type Needs = Pick<App, "database" | "clock">

/** What a key says about who uses it. */
export type KeyHolder = { projectId: string; keyId: string; mode: Mode }

const hashOf = (key: string): Buffer => createHash("sha256").update(key).digest()
const nobody = hashOf("")

/** The project of a fresh installation. */
export const defaultProject = "default"

export async function createProject(app: Needs, id: string): Promise<void> {
  const row = { id, created_at: app.clock.now() }
  await app.database.transaction((tx) =>
    tx
      .insertInto("projects")
      .values(row)
      .onConflict((conflict) => conflict.doNothing())
      .execute(),
  )
}

/** Makes a key of the project. The answer is the only time that the key is seen. */
export async function createKey(app: Needs, projectId: string, mode: Mode): Promise<string> {
  const { key, id } = newKey(mode)
  const facts = { project_id: projectId, mode, hash: hashOf(key).toString("hex"), last4: key.slice(-4) }
  const row = { id, ...facts, created_at: app.clock.now(), revoked_at: null }
  await app.database.transaction((tx) => tx.insertInto("api_keys").values(row).execute())
  return key
}

/** Undefined where the key is not one of ours or no longer holds. */
export async function findKeyHolder(app: Pick<App, "database">, key: string): Promise<KeyHolder | undefined> {
  const form = readKeyForm(key)
  if (!form) return undefined
  const row = await app.database.query.selectFrom("api_keys").selectAll().where("id", "=", form.id).executeTakeFirst()
  // A look-up that finds nothing takes the same path, so that its time tells nothing.
  const matches = timingSafeEqual(hashOf(key), row ? Buffer.from(row.hash, "hex") : nobody)
  if (!row || !matches || row.revoked_at !== null) return undefined
  return { projectId: row.project_id, keyId: row.id, mode: row.mode }
}
