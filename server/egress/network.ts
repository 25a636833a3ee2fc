// Calls to vendors over the network: one pool of connections per vendor, nothing followed, nothing decoded.
import type { Readable } from "node:stream"
import { Pool } from "undici"
import { readHead } from "./answer.ts"
import type { IncomingResponse, OutgoingBody, OutgoingRequest, Send } from "./send.ts"

export type NetworkOptions = {
  /** Connections to one origin at once, 256 by default; further calls wait for a free one. */
  connectionsMax?: number
  /** Until a connection stands, 10 000 by default. */
  connectTimeoutMs?: number
  /** From the end of the request to the head of the answer, 600 000 by default: vendors draw while we wait. */
  headersTimeoutMs?: number
  /** Between two pieces of the answer's body, 120 000 by default. */
  bodyTimeoutMs?: number
}

export type NetworkSend = Send & {
  /** Lets running calls finish, then gives up every connection. Calls made later are rejected. */
  close: () => Promise<void>
}

/**
 * The way to vendors. Their base URLs come from the operator's configuration, so no address rule applies here.
 * A call rejects with the connection's own error, or with the signal's reason as soon as the signal is aborted.
 */
export function createNetworkSend(options: NetworkOptions = {}): NetworkSend {
  const pools = new Map<string, Pool>()
  let closed = false

  const poolOf = (origin: string): Pool => {
    const known = pools.get(origin)
    if (known) return known
    if (closed) throw new Error("the way to vendors is closed")
    const pool = openPool(origin, options)
    pools.set(origin, pool)
    return pool
  }

  const close = async (): Promise<void> => {
    closed = true
    await Promise.all([...pools.values()].map((pool) => pool.close()))
  }

  return Object.assign((request: OutgoingRequest) => sendThrough(poolOf, request), { close })
}

async function sendThrough(poolOf: (origin: string) => Pool, request: OutgoingRequest): Promise<IncomingResponse> {
  const { method, url, body, signal } = request
  signal.throwIfAborted()
  const answer = poolOf(url.origin).request({
    method,
    path: url.pathname + url.search,
    headers: writeHeaders(request.headers, body),
    body: body ? bytesOf(body) : null,
    signal,
  })
  return readHead(answer, signal)
}

const openPool = (origin: string, options: NetworkOptions): Pool =>
  new Pool(origin, {
    allowH2: false,
    pipelining: 1,
    connections: options.connectionsMax ?? 256,
    connectTimeout: options.connectTimeoutMs ?? 10_000,
    headersTimeout: options.headersTimeoutMs ?? 600_000,
    bodyTimeout: options.bodyTimeoutMs ?? 120_000,
  })

function writeHeaders(given: Record<string, string>, body: OutgoingBody | undefined): Record<string, string> {
  // Some vendors' front doors turn away a caller without a user agent.
  const headers: Record<string, string> = { "user-agent": "Atelier", "accept-encoding": "identity", ...given }
  if (body) headers["content-type"] = body.type
  if (body?.length !== undefined) headers["content-length"] = String(body.length)
  return headers
}

// undici takes any async iterable of bytes; only its types do not say so, and a Readable around it costs time.
const bytesOf = (body: OutgoingBody): Readable => body.chunks() as unknown as Readable
