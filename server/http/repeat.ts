// Recognising a request that was sent before: by the key its sender gave it, or because an SDK says that it tries again.
import { createHash } from "node:crypto"
import type { IncomingHttpHeaders } from "node:http"
import { GatewayError } from "../errors.ts"
import type { Sealed } from "../storage/storage.ts"

export type Repeat = {
  /** Method and path. */
  route: string
  /** Under what the first request is found: `key …` as given, or `sdk …` with the fingerprint. */
  name: string
  /** SHA-256 of the request, hex. */
  fingerprint: string
  /** Whether it may be the same as one before: always with a key, else only where the SDK says that it tries again. */
  isRetry: boolean
  /** Called where it is. */
  onReplay: () => void
}

type Request = {
  method: string
  path: string
  headers: IncomingHttpHeaders
  body: unknown
  received: ReadonlyMap<string, Sealed>
}

/** Undefined for a request that says nothing of the kind. Throws `invalid_request` for a key that cannot be one. */
export function readRepeat(request: Request, onReplay: () => void): Repeat | undefined {
  const { "idempotency-key": given, "x-stainless-retry-count": count } = request.headers
  const route = `${request.method} ${request.path}`.slice(0, 300)
  if (given !== undefined) {
    if (typeof given !== "string" || !/^[\x21-\x7e]{1,255}$/.test(given)) throw wrongKey()
    return { route, name: `key ${given}`, fingerprint: fingerprintOf(request), isRetry: true, onReplay }
  }
  if (typeof count !== "string" || !/^\d{1,3}$/.test(count)) return undefined
  const fingerprint = fingerprintOf(request)
  return { route, name: `sdk ${fingerprint}`, fingerprint, isRetry: Number(count) > 0, onReplay }
}

function wrongKey(): GatewayError {
  const message = "Idempotency-Key must be 1 to 255 visible ASCII characters"
  const problems = [{ param: "Idempotency-Key", message }]
  return new GatewayError({ code: "invalid_request", detail: message, problems })
}

/** The same for the same content, whatever the order of its fields and however its pictures were sent. */
export function fingerprintOf({ method, path, body, received }: Omit<Request, "headers">): string {
  return createHash("sha256")
    .update(`${method} ${path}\n${canonical(body, received)}`)
    .digest("hex")
}

function canonical(value: unknown, received: ReadonlyMap<string, Sealed>): string {
  if (typeof value === "string") {
    const picture = received.get(value)
    return picture === undefined ? JSON.stringify(value) : `picture ${picture.sha256}`
  }
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null"
  if (Array.isArray(value)) return `[${value.map((item) => canonical(item, received)).join()}]`
  const fields = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return `{${fields.map(([name, inner]) => `${JSON.stringify(name)}:${canonical(inner, received)}`).join()}}`
}
