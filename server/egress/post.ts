// Posts to URLs that somebody else chose, under the rules for downloads: for webhooks, so nothing is followed or read.
import { Client } from "undici"
import { checkTarget } from "./address.ts"
import { ignore, readHead } from "./answer.ts"
import { addressesOf, discard, refuse, toFailure, wayFor } from "./guarded.ts"
import type { GuardedOptions, Way } from "./guarded.ts"

export type Posted = {
  status: number
  /** Names in lower case. */
  headers: Record<string, string>
}

export type Post = { headers: Record<string, string>; body: string }

export type GuardedPost = {
  /** Rejects with `url_not_allowed` where nothing may be sent to this URL. A name that has no address yet may pass. */
  check: (url: string) => Promise<void>
  /**
   * Sends once, to an address that was checked, and answers whatever the answer was. Rejects with a GatewayError:
   * `url_not_allowed`, or `url_fetch_failed` where no answer came in time.
   */
  post: (url: string, what: Post) => Promise<Posted>
}

const wholeMaxMs = 15_000
const lookUpMaxMs = 2_000
const answerMaxBytes = 16 * 1024

export function createGuardedPost(options: GuardedOptions): GuardedPost {
  const way = wayFor({ ...options, limits: { wholeMaxMs, ...options.limits } })
  return { check: (url) => check(way, url), post: (url, what) => post(way, url, what) }
}

async function check(way: Way, text: string): Promise<void> {
  const hop = targetOf(way, text)
  const failure = await addressesOf(way, hop, AbortSignal.timeout(lookUpMaxMs)).then(() => undefined, toFailure)
  // A name server that is silent now says nothing against the name: it is asked again at each send.
  if (failure?.failure.code === "url_not_allowed") throw failure
}

async function post(way: Way, text: string, { headers, body }: Post): Promise<Posted> {
  const whole = AbortSignal.timeout(way.limits.wholeMaxMs)
  let client: Client | undefined
  try {
    const hop = targetOf(way, text)
    const addresses = await addressesOf(way, hop, whole)
    const connect = way.connect(addresses, way.limits.connectMaxMs)
    client = new Client(hop.url.origin, { connect, allowH2: false, headersTimeout: 0, bodyTimeout: 0 })
    const path = hop.url.pathname + hop.url.search
    const sent = { "user-agent": "Atelier", "accept-encoding": "identity", ...headers }
    const request = client.request({ method: "POST", path, headers: sent, body, signal: whole, reset: true })
    const answer = await readHead(request, whole)
    await drop(answer.body).catch(ignore)
    return { status: answer.status, headers: answer.headers }
  } catch (error) {
    throw toFailure(error)
  } finally {
    if (client) discard(client)
  }
}

/** What it says does not matter, but hanging up at once looks like a failure to some receivers. */
async function drop(body: AsyncIterable<Uint8Array>): Promise<void> {
  let bytes = 0
  for await (const chunk of body) {
    bytes += chunk.length
    if (bytes > answerMaxBytes) return
  }
}

function targetOf({ policy }: Way, text: string) {
  const checked = checkTarget(text, policy)
  return "url" in checked ? { url: checked.url, trusted: false } : refuse(checked.refused)
}
