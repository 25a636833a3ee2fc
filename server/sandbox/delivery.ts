// Signed links to finished pictures, which are painted when they are fetched, and the host that serves them.
import { createHmac } from "node:crypto"
import { answer, bytesBody } from "./bodies.ts"
import type { Answer, VendorRequest } from "./imitation.ts"
import { findMishap, spoilBody } from "./mishaps.ts"
import type { Mishap } from "./mishaps.ts"
import { draw } from "./picture.ts"
import type { Format, Picture, References } from "./picture.ts"

type Deliverable = { picture: Picture; references?: References }

const mediaTypeOf = (format: Format): string => `image/${format}`

// Nothing is protected by this key: it makes forged links fail as they would at the vendor, and old ones outlive a restart.
const signatureOf = (path: string, expires: string): string =>
  createHmac("sha256", "atelier sandbox").update(`${path} ${expires}`).digest("base64")

/** A link in the manner of Azure Blob Storage, where both vendors keep their pictures. */
export function signLink(address: string, format: Format, expiresAtMs: number): string {
  const url = new URL(address)
  const expires = new Date(expiresAtMs).toISOString().replace(/\.\d+/, "")
  const signature = signatureOf(url.pathname, expires)
  url.search = new URLSearchParams({
    se: expires,
    sp: "r",
    sv: "2024-11-04",
    sr: "b",
    rsct: mediaTypeOf(format),
    sig: signature,
  }).toString()
  return url.href
}

export async function deliver(
  request: VendorRequest,
  now: number,
  find: (id: string) => Promise<Deliverable | undefined>,
): Promise<Answer> {
  const { pathname, searchParams } = request.url
  const expires = searchParams.get("se") ?? ""
  const genuine = searchParams.get("sig") === signatureOf(pathname, expires)
  if (!genuine || Date.parse(expires) <= now) return blobError(403, "AuthenticationFailed")
  const id = pathname.match(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/)?.[0]
  const found = id === undefined ? undefined : await find(id)
  if (!found) return blobError(404, "BlobNotFound")
  return sendPicture(request, found)
}

async function sendPicture(request: VendorRequest, { picture, references }: Deliverable): Promise<Answer> {
  const mishap = findMishap(picture.prompt, { isFirstTime: () => false })
  const bytes = mishap === "sandbox:bad-base64" ? notAPicture() : await draw(picture, references)
  return sendBytes(bytes, picture.format, mishap, request.signal)
}

function sendBytes(bytes: Buffer, format: Format, mishap: Mishap | undefined, signal: AbortSignal): Answer {
  const headers = { "content-type": mediaTypeOf(format), "content-length": String(bytes.length) }
  return spoilBody({ status: 200, headers, body: bytesBody(bytes) }, mishap, signal)
}

const notAPicture = (): Buffer => Buffer.alloc(20_000, "These bytes are not a picture. ")

const blobError = (status: number, code: string): Answer =>
  answer(status, "application/xml", `<?xml version="1.0" encoding="utf-8"?><Error><Code>${code}</Code></Error>`, {
    "x-ms-error-code": code,
  })
