// The sandbox over HTTP, for anyone who wants to test against vendors without paying them: `npm run sandbox`.
import { createServer } from "node:http"
import type { IncomingMessage, Server, ServerResponse } from "node:http"
import { pipeline } from "node:stream/promises"
import type { VendorResponse } from "./imitation.ts"
import type { Sandbox } from "./sandbox.ts"
import { vendorAt, vendors } from "./vendors.ts"
import type { Vendor } from "./vendors.ts"

export const createSandboxServer = (sandbox: Sandbox): Server =>
  createServer((request, response) => {
    serve(sandbox, request, response).catch(() => response.destroy())
  })

async function serve(sandbox: Sandbox, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const origin = `http://${request.headers.host ?? "localhost"}`
  const asked = new URL(request.url ?? "/", origin)
  const [, prefix = "", path = ""] = asked.pathname.match(/^\/(\w+)(\/.*)$/) ?? []
  if (!Object.hasOwn(vendors, prefix)) return sendNotFound(response)
  const { host } = vendors[prefix as Vendor]
  const gone = new AbortController()
  response.once("close", () => gone.abort())
  const answer = await sandbox(
    {
      method: request.method ?? "GET",
      url: new URL(`https://${host}${path}${asked.search}`),
      headers: headersOf(request),
      ...(hasBody(request) && { body: { type: request.headers["content-type"] ?? "", chunks: () => request } }),
      signal: gone.signal,
    },
    (address) => linkHere(address, origin),
  )
  await send(answer, response)
}

/** A link on a vendor's host becomes one under the vendor's prefix here. */
function linkHere(address: string, origin: string): string {
  const url = new URL(address)
  return `${origin}/${vendorAt(url.hostname)}${url.pathname}${url.search}`
}

const headersOf = ({ headers }: IncomingMessage): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value].flat().join(", ")]))

const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0

async function send({ status, headers, body }: VendorResponse, response: ServerResponse): Promise<void> {
  response.writeHead(status, headers).flushHeaders()
  await pipeline(body, response)
}

function sendNotFound(response: ServerResponse): void {
  response.writeHead(404, { "content-type": "text/plain; charset=utf-8" })
  const served = Object.entries(vendors).map(([id, { title }]) => `${title} under /${id}`)
  response.end(`The sandbox serves ${served.join(", ")}.\n`)
}
