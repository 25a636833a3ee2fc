// The sandbox over HTTP, for anyone who wants to test against vendors without paying them: `npm run sandbox`.
import { createServer } from "node:http"
import type { IncomingMessage, Server, ServerResponse } from "node:http"
import { pipeline } from "node:stream/promises"
import type { VendorResponse } from "./imitation.ts"
import { vendorAt } from "./sandbox.ts"
import type { Sandbox, Vendor } from "./sandbox.ts"

/** The host of each vendor that stands behind its prefix; BFL's is a cluster, where tasks are taken and polled alike. */
const hosts: Record<Vendor, string> = { openai: "api.openai.com", bfl: "api.us1.bfl.ai" }

export const createSandboxServer = (sandbox: Sandbox): Server =>
  createServer((request, response) => {
    serve(sandbox, request, response).catch(() => response.destroy())
  })

async function serve(sandbox: Sandbox, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const origin = `http://${request.headers.host ?? "localhost"}`
  const asked = new URL(request.url ?? "/", origin)
  const [, prefix = "", path = ""] = asked.pathname.match(/^\/(openai|bfl)(\/.*)$/) ?? []
  if (prefix !== "openai" && prefix !== "bfl") return sendNotFound(response)
  const gone = new AbortController()
  response.once("close", () => gone.abort())
  const answer = await sandbox(
    {
      method: request.method ?? "GET",
      url: new URL(`https://${hosts[prefix]}${path}${asked.search}`),
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
  response.end("The sandbox serves OpenAI under /openai and Black Forest Labs under /bfl.\n")
}
