// Links to pictures that work without a key, for a while: HMAC over the picture and the time it ends.
import { createHmac, timingSafeEqual } from "node:crypto"
import type { App } from "../app.ts"

type Needs = Pick<App, "config" | "clock" | "linkSecret">

const signatureOf = (secret: string, id: string, expires: number): Buffer =>
  createHmac("sha256", secret).update(`image ${id} ${expires}`).digest()

/** A link below `origin` ("https://pictures.example") that ends after the configured hours. */
export function signedLink(app: Needs, origin: string, id: string): string {
  const expires = Math.floor(app.clock.now() / 1000) + app.config.linkHours * 3600
  const signature = signatureOf(app.linkSecret, id, expires).toString("base64url")
  return `${origin}/v1/images/${id}?expires=${expires}&signature=${signature}`
}

export type LinkQuery = { expires?: string | undefined; signature?: string | undefined }

export function checkLink(app: Needs, id: string, query: LinkQuery): "valid" | "expired" | "wrong" {
  const expires = Number(query.expires)
  const given = Buffer.from(query.signature ?? "", "base64url")
  if (!Number.isSafeInteger(expires) || given.length !== 32) return "wrong"
  if (!timingSafeEqual(given, signatureOf(app.linkSecret, id, expires))) return "wrong"
  return expires * 1000 > app.clock.now() ? "valid" : "expired"
}
