// Downloads from URLs that somebody else chose: checked, resolved once, and fetched from the checked address.
import type { LookupAddress } from "node:dns"
import { lookup } from "node:dns/promises"
import { isIP, type LookupFunction } from "node:net"
import { pipeline, Transform } from "node:stream"
import { buildConnector, Client } from "undici"
import { fail, GatewayError } from "../errors.ts"
import { type AddressPolicy, checkRedirect, checkUrl, hostOf, isPublicAddress } from "./address.ts"
import { ignore, readHead, unlessAborted } from "./answer.ts"
import type { IncomingResponse } from "./send.ts"

/** All addresses behind a name; `name` ends in a dot where search domains must not apply. */
export type Resolve = (name: string) => Promise<LookupAddress[]>

/** Makes what opens the connection, to one of these addresses and to nothing else. */
export type Connect = (addresses: LookupAddress[], maxMs: number) => buildConnector.connector

export type GuardedOptions = {
  policy: AddressPolicy
  resolve?: Resolve
  connect?: Connect
  /** Milliseconds for a connection (5 000), for name, connection and head of one hop (15 000), for all (60 000). */
  limits?: { connectMaxMs?: number; headMaxMs?: number; wholeMaxMs?: number }
}

export type DownloadOptions = {
  signal: AbortSignal
  /** Bytes of the body, counted as they arrive. */
  maxBytes: number
  /** Redirects followed, 3 by default. */
  maxHops?: number
  /**
   * Origins from the operator's configuration, such as a vendor's base URL, for which name, port and address are not
   * checked. Holds for the first URL and for redirects within that origin; nothing else can redirect into it.
   * Never to be given with a URL that came from a caller.
   */
  trust?: readonly string[]
}

export type Download = IncomingResponse & {
  /** Where the body came from, after redirects. */
  url: URL
}

export type GuardedFetch = { download: (url: string, options: DownloadOptions) => Promise<Download> }

type Limits = { connectMaxMs: number; headMaxMs: number; wholeMaxMs: number }
export type Way = { policy: AddressPolicy; resolve: Resolve; connect: Connect; limits: Limits }
type Hop = { url: URL; trusted: boolean }
type Answer = IncomingResponse & { client: Client }

/**
 * A download that keeps the rules for outgoing requests. It answers with a 2xx and its body, not encoded, or rejects
 * with a GatewayError: `url_not_allowed` where a rule forbids it, `url_fetch_failed` for everything else, or with the
 * signal's reason. A body that breaks, stalls or grows past its limit fails in its reader's hands in the same way.
 */
export function createGuardedFetch(options: GuardedOptions): GuardedFetch {
  const way = wayFor(options)
  return { download: (url, wanted) => download(way, url, wanted) }
}

export const wayFor = (options: GuardedOptions): Way => ({
  policy: options.policy,
  resolve: options.resolve ?? resolveBySystem,
  connect: options.connect ?? connectTo,
  limits: { connectMaxMs: 5_000, headMaxMs: 15_000, wholeMaxMs: 60_000, ...options.limits },
})

async function download(way: Way, text: string, options: DownloadOptions): Promise<Download> {
  const { signal, maxBytes, maxHops = 3, trust = [] } = options
  const whole = AbortSignal.any([signal, AbortSignal.timeout(way.limits.wholeMaxMs)])
  const asFailure = (error: unknown): unknown => (signal.aborted ? signal.reason : toFailure(error))
  try {
    let hop = firstHop(way.policy, text, trust)
    for (let hops = 0; ; hops++) {
      const answer = await fetchHop(way, hop, whole)
      if (!isRedirect(answer)) return readAnswer(answer, hop.url, maxBytes, asFailure)
      discard(answer.client)
      if (hops === maxHops) return fail("url_not_allowed", undefined, new Error("too many redirects"))
      hop = nextHop(way.policy, hop, answer.headers["location"] ?? "")
    }
  } catch (error) {
    throw asFailure(error)
  }
}

function firstHop(policy: AddressPolicy, text: string, trust: readonly string[]): Hop {
  const url = URL.parse(text)
  if (url && isOpen(url) && trust.some((base) => URL.parse(base)?.origin === url.origin)) return { url, trusted: true }
  const checked = checkUrl(text, policy)
  return "url" in checked ? { url: checked.url, trusted: false } : refuse(checked.refused)
}

function nextHop(policy: AddressPolicy, from: Hop, location: string): Hop {
  const url = URL.parse(location, from.url)
  if (from.trusted && url && isOpen(url) && url.origin === from.url.origin) return { url, trusted: true }
  const checked = checkRedirect(from.url, location, policy)
  return "url" in checked ? { url: checked.url, trusted: false } : refuse(checked.refused)
}

// Non-web schemes all share the origin "null".
const isOpen = (url: URL): boolean => /^https?:$/.test(url.protocol) && url.username === "" && url.password === ""

async function fetchHop(way: Way, hop: Hop, whole: AbortSignal): Promise<Answer> {
  const head = AbortSignal.any([whole, AbortSignal.timeout(way.limits.headMaxMs)])
  const addresses = await addressesOf(way, hop, head)
  const connect = way.connect(addresses, way.limits.connectMaxMs)
  const client = new Client(hop.url.origin, { connect, allowH2: false, headersTimeout: 0, bodyTimeout: 0 })
  const { pathname, search } = hop.url
  // Some hosts turn away a caller without a user agent.
  const headers = { "user-agent": "Atelier", accept: "*/*", "accept-encoding": "identity" }
  try {
    const answer = client.request({ method: "GET", path: pathname + search, headers, signal: whole, reset: true })
    return { ...(await readHead(answer, head)), client }
  } catch (error) {
    discard(client)
    throw error
  }
}

/** The addresses that may be connected to: one forbidden answer spoils them all. */
export async function addressesOf({ policy, resolve }: Way, hop: Hop, signal: AbortSignal): Promise<LookupAddress[]> {
  const host = hostOf(hop.url)
  const family = isIP(host)
  // A literal has been checked with its URL, and undici connects to it without asking any look-up.
  if (family !== 0) return [{ address: host, family }]
  // Only the operator's own names may be completed by his search domains.
  const addresses = await unlessAborted(resolve(hop.trusted ? host : `${host}.`), signal)
  if (addresses.length === 0) throw new Error("the name has no address")
  const forbidden = addresses.find(({ address }) => !isPublicAddress(address, policy))
  if (forbidden && !hop.trusted) return refuse(`address ${forbidden.address}`)
  return addresses
}

const resolveBySystem: Resolve = (name) => lookup(name, { all: true })

function connectTo(addresses: LookupAddress[], maxMs: number): buildConnector.connector {
  const pinned: LookupFunction = (_, options, callback) => {
    const first = addresses[0]
    if (options.all) callback(null, addresses)
    else if (first) callback(null, first.address, first.family)
  }
  // With several addresses a distant one needs longer than Node's 250 ms before the next is tried.
  const several = { autoSelectFamily: true, autoSelectFamilyAttemptTimeout: 1_000 }
  return buildConnector({ allowH2: false, maxCachedSessions: 0, timeout: maxMs, lookup: pinned, ...several })
}

const isRedirect = ({ status, headers }: IncomingResponse): boolean =>
  [301, 302, 303, 307, 308].includes(status) && headers["location"] !== undefined

function readAnswer(answer: Answer, url: URL, maxBytes: number, asFailure: (error: unknown) => unknown): Download {
  const { client, status, headers, body } = answer
  const problem = problemOf(answer, maxBytes)
  if (problem !== undefined) {
    discard(client)
    throw new Error(problem)
  }
  const counted = countBytes(maxBytes, asFailure)
  // The failure may come before anybody reads.
  counted.on("error", ignore)
  pipeline(body, counted, () => discard(client))
  return { status, headers, body: counted, url }
}

function problemOf({ status, headers }: IncomingResponse, maxBytes: number): string | undefined {
  if (status < 200 || status > 299) return `answered ${status}`
  const encoding = headers["content-encoding"] ?? "identity"
  if (encoding.toLowerCase() !== "identity") return `answered in ${encoding}`
  if (Number(headers["content-length"] ?? 0) > maxBytes) return `announced more than ${maxBytes} bytes`
}

function countBytes(maxBytes: number, asFailure: (error: unknown) => unknown): Transform {
  let bytes = 0
  return new Transform({
    transform(chunk: Buffer, _, done) {
      bytes += chunk.length
      if (bytes > maxBytes) done(new Error(`sent more than ${maxBytes} bytes`))
      else done(null, chunk)
    },
    destroy(error, done) {
      done(error && (asFailure(error) as Error))
    },
  })
}

export const refuse = (why: string): never => fail("url_not_allowed", undefined, new Error(why))

export const toFailure = (error: unknown): GatewayError =>
  error instanceof GatewayError ? error : new GatewayError({ code: "url_fetch_failed" }, error)

/** Ends the connection at once; every failure worth telling has been told by then. */
export const discard = (client: Client): void => void client.destroy().catch(ignore)
