// Signatures by Standard Webhooks 1.0.0 (github.com/standard-webhooks/standard-webhooks).
import { createHmac, randomBytes } from "node:crypto"

const prefix = "whsec_"

/** As its owner sees it: `whsec_` and 32 random bytes. */
export const newSecret = (): string => writeSecret(randomBytes(32))

/** 32 bytes that follow from a key in base64url and a name, for secrets that need no row. */
export const derivedSecret = (key: string, name: string): Buffer =>
  createHmac("sha256", Buffer.from(key, "base64url")).update(name).digest()

export const writeSecret = (bytes: Buffer): string => prefix + bytes.toString("base64")

export type Message = {
  id: string
  /** Seconds since 1970, of this attempt. */
  timestamp: number
  body: string
}

export function signatureOf(secret: string, { id, timestamp, body }: Message): string {
  const key = Buffer.from(secret.slice(prefix.length), "base64")
  return `v1,${createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest("base64")}`
}

/** With one signature for each secret, so that receivers may still check by the one before. */
export const signedHeaders = (secrets: string[], message: Message): Record<string, string> => ({
  "content-type": "application/json",
  "webhook-id": message.id,
  "webhook-timestamp": String(message.timestamp),
  "webhook-signature": secrets.map((secret) => signatureOf(secret, message)).join(" "),
})
