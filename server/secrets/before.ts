// What was sealed before there was a master key: webhooks' secrets, by a key that lay beside them in the database.
import { createDecipheriv } from "node:crypto"
import type { App } from "../app.ts"
import { placeOf, seal } from "./seal.ts"

type Needs = Pick<App, "database" | "masterKeys" | "webhookKey">

const batchMax = 100

/** Seals them with the master key; does nothing where there are none. For every start: it may have broken off. */
export async function sealOlderSecrets(app: Needs): Promise<void> {
  for (const column of ["sealed_secret", "old_sealed_secret"] as const)
    for (let done = batchMax; done === batchMax;)
      done = await app.database.transaction(async (tx) => {
        const older = tx.selectFrom("webhook_endpoints").select(["id", column]).where(column, "like", "1.%")
        const rows = await older.limit(batchMax).execute()
        for (const { id, [column]: text } of rows) {
          const place = placeOf("webhook_endpoints", [id], column)
          const sealed = { [column]: seal(app.masterKeys, place, openOlder(app.webhookKey, id, text!)) }
          await tx.updateTable("webhook_endpoints").set(sealed).where("id", "=", id).execute()
        }
        return rows.length
      })
}

function openOlder(webhookKey: string, id: string, text: string): string {
  const [nonce, sealed, tag] = text
    .split(".")
    .slice(1)
    .map((part) => Buffer.from(part, "base64url"))
  const key = Buffer.from(webhookKey, "base64url")
  const decipher = createDecipheriv("aes-256-gcm", key, nonce!, { authTagLength: 16 })
    .setAAD(Buffer.from(id))
    .setAuthTag(tag!)
  return decipher.update(sealed!, undefined, "utf8") + decipher.final("utf8")
}
