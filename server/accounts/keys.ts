// API keys: made, and recognised. Only the hash of a key is stored.
import { hash, timingSafeEqual } from "node:crypto"
import { isAddressWithin, readAddresses } from "../addresses.ts"
import type { App } from "../app.ts"
import { prepare } from "../database/prepare.ts"
import type { ApiKeyRow } from "../database/tables/accounts.ts"
import type { Mode } from "../egress/send.ts"
import { newKey, readKeyForm } from "./keyForm.ts"

type Needs = Pick<App, "database" | "clock">

/** What a key says about who uses it. */
export type KeyHolder = {
  projectId: string
  keyId: string
  mode: Mode
  /** The project's. */
  plan: string
  scopes: string[]
  /** The models that the key may use; null for all of the plan. */
  models: string[] | null
  /** Its own share of the project's requests; null for all of them. */
  requestsPerHour: number | null
}

const hashOf = (key: string): Buffer => hash("sha256", key, "buffer")
const nobody = hashOf("")

/** What a key may be allowed: making and taking pictures, reading, and changing what stands, such as webhooks. */
export const scopes = ["generate", "read", "manage"] as const
export type Scope = (typeof scopes)[number]

export const mayDo = (granted: readonly string[], scope: Scope): boolean =>
  granted.includes("*") || granted.includes(scope)

export type KeyWishes = {
  name?: string
  scopes?: string[]
  models?: string[] | null
  capMicros?: number | null
  expiresAt?: number | null
  requestsPerHour?: number | null
  /** Where it may be used from: addresses and ranges, as `readAddresses` takes them. */
  addresses?: string[] | null
}

/** Makes a key of the project. The answer is the only time that the key is seen. */
export async function createKey(app: Needs, projectId: string, mode: Mode, wishes: KeyWishes = {}): Promise<string> {
  const { key, row } = newRow(app, projectId, mode, wishes)
  await app.database.transaction((tx) => tx.insertInto("api_keys").values(row).execute())
  return key
}

function newRow(app: Pick<App, "clock">, projectId: string, mode: Mode, wishes: KeyWishes) {
  const {
    name = "",
    scopes: granted = ["*"],
    models = null,
    capMicros = null,
    expiresAt = null,
    requestsPerHour = null,
    addresses = null,
  } = wishes
  const { key, id } = newKey(mode)
  const row: ApiKeyRow = {
    ...{ id, project_id: projectId, mode, name, hash: hashOf(key).toString("hex"), last4: key.slice(-4) },
    scopes_json: JSON.stringify(granted),
    models_json: models === null ? null : JSON.stringify(models),
    addresses_json: addresses === null ? null : JSON.stringify(addresses),
    ...{ cap_micros: capMicros, spent_micros: 0, expires_at: expiresAt, requests_per_hour: requestsPerHour },
    ...{ last_used_at: null, created_at: app.clock.now(), revoked_at: null },
  }
  return { key, row }
}

/** Without their secrets, which nobody has. */
export const listKeys = (app: Pick<App, "database">, projectId: string): Promise<ApiKeyRow[]> =>
  app.database.query
    .selectFrom("api_keys")
    .selectAll()
    .where("project_id", "=", projectId)
    .orderBy("created_at")
    .execute()

const overlapMs = 24 * 3_600_000

/**
 * A new key with the same rights in the place of an old one, which holds for another day. What is left of a cap goes
 * over. Undefined where there is no such key or it no longer holds.
 */
export async function rotateKey(app: Needs, projectId: string, keyId: string): Promise<string | undefined> {
  const now = app.clock.now()
  return app.database.transaction(async (tx) => {
    const keys = tx.selectFrom("api_keys").selectAll().where("project_id", "=", projectId).where("id", "=", keyId)
    const old = await keys.executeTakeFirst()
    if (!old || !holds(old, now)) return undefined
    const { name, mode, scopes_json, models_json, addresses_json, cap_micros, spent_micros, expires_at } = old
    const { requests_per_hour } = old
    const { key, row } = newRow(app, projectId, mode, { name, expiresAt: expires_at })
    const left = cap_micros === null ? null : Math.max(0, cap_micros - spent_micros)
    await tx
      .insertInto("api_keys")
      .values({ ...row, scopes_json, models_json, addresses_json, cap_micros: left, requests_per_hour })
      .execute()
    const until = Math.min(now + overlapMs, expires_at ?? Number.POSITIVE_INFINITY)
    await tx.updateTable("api_keys").set({ expires_at: until }).where("id", "=", keyId).execute()
    return key
  })
}

/** At once and for good. False where there is no such key. */
export async function revokeKey(app: Needs, projectId: string, keyId: string): Promise<boolean> {
  const { numUpdatedRows } = await app.database.transaction((tx) =>
    tx
      .updateTable("api_keys")
      .set({ revoked_at: app.clock.now() })
      .where("project_id", "=", projectId)
      .where("id", "=", keyId)
      .where("revoked_at", "is", null)
      .executeTakeFirstOrThrow(),
  )
  return numUpdatedRows > 0n
}

const holds = ({ revoked_at, expires_at }: ApiKeyRow, now: number): boolean =>
  revoked_at === null && (expires_at === null || now < expires_at)

function mayCome({ addresses_json }: ApiKeyRow, address: string | undefined): boolean {
  if (addresses_json === null) return true
  const ranges = (JSON.parse(addresses_json) as string[]).map(readAddresses).filter((range) => range !== undefined)
  return isAddressWithin(address ?? "", ranges)
}

/** Undefined where the key is not one of ours, no longer holds, or is bound to addresses and came from no such. */
export async function findKeyHolder(app: Needs, key: string, address?: string): Promise<KeyHolder | undefined> {
  const form = readKeyForm(key)
  if (!form) return undefined
  const [row] = (await selectKey(app.database.query, { id: form.id })).rows
  // A look-up that finds nothing takes the same path, so that its time tells nothing.
  const matches = timingSafeEqual(hashOf(key), row ? Buffer.from(row.hash, "hex") : nobody)
  const now = app.clock.now()
  if (!row || !matches || !holds(row, now) || !mayCome(row, address)) return undefined
  noteUse(app, row, now)
  const { id: keyId, project_id: projectId, mode, plan, scopes_json, models_json } = row
  const models = models_json === null ? null : (JSON.parse(models_json) as string[])
  const limits = { models, requestsPerHour: row.requests_per_hour }
  return { projectId, keyId, mode, plan, scopes: JSON.parse(scopes_json) as string[], ...limits }
}

const selectKey = prepare((queries, { id }: { id: string }) =>
  queries
    .selectFrom("api_keys")
    .innerJoin("projects", "projects.id", "api_keys.project_id")
    .selectAll("api_keys")
    .select("projects.plan")
    .where("api_keys.id", "=", id),
)

const useNotedEveryMs = 60_000

/** When a key was last used is for people to look at, so a minute's blur is enough, and nobody waits for it. */
function noteUse(app: Needs, { id, last_used_at }: ApiKeyRow, now: number) {
  if (last_used_at !== null && now - last_used_at < useNotedEveryMs) return
  app.database
    .transaction((tx) => tx.updateTable("api_keys").set({ last_used_at: now }).where("id", "=", id).execute())
    .catch(() => undefined)
}
