// What has to hold of the master keys before anything is done with them.
import type { App } from "../app.ts"
import type { Queries } from "../database/database.ts"
import { countByKey, describeUses } from "./columns.ts"
import type { Use } from "./columns.ts"
import { makeOwnFile, openMasterKeys } from "./masterKeys.ts"
import type { MasterKeys } from "./masterKeys.ts"

/** Makes the key of a fresh installation. Where secrets were sealed before there was one, which no other replaces. */
export async function readyMasterKeys(config: App["config"], queries: Queries): Promise<MasterKeys> {
  const keys = openMasterKeys(config)
  if (keys.all().length > 0 || (await countByKey(queries)).length > 0) return keys
  await makeOwnFile(keys.from)
  return keys
}

/** What was sealed with a key that is not here. */
export async function findUnopened({ database, masterKeys }: Pick<App, "database" | "masterKeys">): Promise<Use[]> {
  const known = masterKeys.all().map(({ id }) => id)
  return (await countByKey(database.query)).filter(({ keyId }) => !known.includes(keyId))
}

/** What to say of it: what is missing, where it belongs, and what can be done without it. */
export function describeUnopened({ from }: MasterKeys, unopened: Use[]): { says: string; do: string } {
  const ids = [...new Set(unopened.map(({ keyId }) => keyId))].join(" ")
  const place = from === "ATELIER_MASTER_KEY" ? "ATELIER_MASTER_KEY" : `the file ${from}`
  return {
    says: `no master key here opens ${describeUses(unopened)}: they were sealed with the key ${ids}`,
    do:
      `put that key back into ${place} (or set ATELIER_MASTER_KEY, or ATELIER_MASTER_KEY_FILE to its file); ` +
      `if it is lost for good, \`atelier secrets forget ${ids}\` gives them up, and they are set anew`,
  }
}
