// Vendor keys that a project brings itself. They are sealed in the database; nobody is shown more than their last 4.
import type { App } from "../app.ts"
import type { VendorKeyRow } from "../database/tables/accounts.ts"
import { GatewayError } from "../errors.ts"
import { nearest } from "../nearest.ts"
import { placeOf, seal, unseal } from "../secrets/seal.ts"

/** A project's own keys by vendor, sealed. */
export type OwnKeys = ReadonlyMap<string, string>

export const noOwnKeys: OwnKeys = new Map()

/** What is known of a key to those who may not see it. */
export type VendorKey = Pick<VendorKeyRow, "provider" | "last4" | "created_at" | "updated_at">

type Setting = Pick<App, "config" | "database" | "clock" | "masterKeys">

const placeIn = (projectId: string, provider: string): string =>
  placeOf("vendor_keys", [projectId, provider], "sealed_key")

// Short enough for a header, long enough that the last 4 give nothing away.
const keyForm = /^[\x21-\x7e]{16,4096}$/

/** In the place of the one before it. Throws `invalid_request` for a vendor that there is not, or a key that is none. */
export async function setVendorKey(app: Setting, projectId: string, provider: string, key: string): Promise<VendorKey> {
  checkVendor(app, provider)
  if (!keyForm.test(key)) throw refused("key", "key must be 16 to 4096 visible ASCII characters, without spaces")
  const now = app.clock.now()
  const changed = { sealed_key: seal(app.masterKeys, placeIn(projectId, provider), key), last4: key.slice(-4) }
  return app.database.transaction((tx) =>
    tx
      .insertInto("vendor_keys")
      .values({ project_id: projectId, provider, ...changed, created_at: now, updated_at: now })
      .onConflict((conflict) =>
        conflict.columns(["project_id", "provider"]).doUpdateSet({ ...changed, updated_at: now }),
      )
      .returning(["provider", "last4", "created_at", "updated_at"])
      .executeTakeFirstOrThrow(),
  )
}

function checkVendor({ config }: Pick<App, "config">, provider: string): void {
  const known = Object.keys(config.vendors)
  if (!known.includes(provider)) {
    const [near] = nearest(provider, known)
    const hint = near === undefined ? `There are ${known.join(", ")}.` : `Did you mean ${near}?`
    throw refused("provider", `There is no vendor ${JSON.stringify(provider.slice(0, 64))}. ${hint}`)
  }
  if (config.vendors[provider]!.hasAddress) return
  const name = `${provider.toUpperCase()}_BASE_URL`
  const message = `${provider} has no common address, and a key is sent only where the operator says: he has to set ${name} first`
  throw refused("provider", message)
}

const refused = (param: string, message: string): GatewayError =>
  new GatewayError({ code: "invalid_request", detail: message, problems: [{ param, message }] })

export const listVendorKeys = ({ database }: Pick<App, "database">, projectId: string): Promise<VendorKey[]> =>
  database.query
    .selectFrom("vendor_keys")
    .select(["provider", "last4", "created_at", "updated_at"])
    .where("project_id", "=", projectId)
    .orderBy("provider")
    .execute()

/** False where there is none. */
export async function removeVendorKey(app: Pick<App, "database">, projectId: string, provider: string) {
  const { numDeletedRows } = await app.database.transaction((tx) =>
    tx
      .deleteFrom("vendor_keys")
      .where("project_id", "=", projectId)
      .where("provider", "=", provider)
      .executeTakeFirstOrThrow(),
  )
  return numDeletedRows > 0n
}

/** The key itself, for the one call it is sent with. */
export const openVendorKey = (app: Pick<App, "masterKeys">, projectId: string, provider: string, sealed: string) =>
  unseal(app.masterKeys, placeIn(projectId, provider), sealed)

export type OwnKeysOf = {
  /** As they were at most a second ago. */
  of: (projectId: string) => Promise<OwnKeys>
  /** That they have changed in this process. */
  forget: (projectId: string) => void
}

const knownForMs = 1_000
const projectsMax = 10_000

/** Asks the database once a second for each project that is at work: most have no key of their own. */
export function rememberOwnKeys({ database, clock }: Pick<App, "database" | "clock">): OwnKeysOf {
  const known = new Map<string, { until: number; keys: Promise<OwnKeys> }>()
  const load = async (projectId: string): Promise<OwnKeys> => {
    const rows = database.query.selectFrom("vendor_keys").select(["provider", "sealed_key"])
    const found = await rows.where("project_id", "=", projectId).execute()
    return new Map(found.map(({ provider, sealed_key }) => [provider, sealed_key]))
  }
  return {
    async of(projectId) {
      const now = clock.now()
      const last = known.get(projectId)
      if (last && now < last.until && last.until <= now + knownForMs) return last.keys
      if (known.size >= projectsMax) known.clear()
      const keys = load(projectId)
      known.set(projectId, { until: now + knownForMs, keys })
      keys.catch(() => known.delete(projectId))
      return keys
    },
    forget: (projectId) => void known.delete(projectId),
  }
}
