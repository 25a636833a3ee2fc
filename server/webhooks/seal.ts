// Secrets at rest: sealed with AES-256-GCM under this installation's key, and good for nothing in another row.
import { createCipheriv, createDecipheriv, createHmac, randomBytes } from "node:crypto"
import type { App } from "../app.ts"

type Needs = Pick<App, "webhookKey">

const keyOf = (app: Needs): Buffer => Buffer.from(app.webhookKey, "base64url")

export function seal(app: Needs, rowId: string, secret: string): string {
  const nonce = randomBytes(12)
  const cipher = createCipheriv("aes-256-gcm", keyOf(app), nonce).setAAD(Buffer.from(rowId))
  const sealed = Buffer.concat([cipher.update(secret, "utf8"), cipher.final()])
  return ["1", nonce, sealed, cipher.getAuthTag()]
    .map((part) => (typeof part === "string" ? part : part.toString("base64url")))
    .join(".")
}

/** Throws where the text was sealed for another row, with another key, or has been changed. */
export function unseal(app: Needs, rowId: string, text: string): string {
  const [nonce, sealed, tag] = text
    .split(".")
    .slice(1)
    .map((part) => Buffer.from(part, "base64url"))
  const decipher = createDecipheriv("aes-256-gcm", keyOf(app), nonce!, { authTagLength: 16 })
    .setAAD(Buffer.from(rowId))
    .setAuthTag(tag!)
  return decipher.update(sealed!, undefined, "utf8") + decipher.final("utf8")
}

/** 32 bytes that follow from the key and a name, for secrets that need no row. */
export const derived = (app: Needs, name: string): Buffer => createHmac("sha256", keyOf(app)).update(name).digest()
