// Webhooks under test: a server that sends them, and a receiver on loopback that answers as a test says.
import assert from "node:assert/strict"
import { createServer } from "node:http"
import type { IncomingHttpHeaders } from "node:http"
import type { AddressInfo } from "node:net"
import { text } from "node:stream/consumers"
import { setTimeout as sleep } from "node:timers/promises"
import { call } from "./calls.ts"
import { composeServer } from "./harness.ts"

export type Received = { path: string; headers: IncomingHttpHeaders; body: string }
export type Answering = { status: number; headers?: Record<string, string>; afterMs?: number }

export type Receiver = {
  url: string
  received: Received[]
  /** What it answers from now on. */
  answer: Answering
  /** The most that were under way at once. */
  atOnceMax: number
  end: () => void
}

export async function startReceiver(): Promise<Receiver> {
  let atOnce = 0
  const server = createServer(async (request, response) => {
    receiver.atOnceMax = Math.max(receiver.atOnceMax, ++atOnce)
    receiver.received.push({ path: request.url!, headers: request.headers, body: await text(request) })
    const { status, headers, afterMs = 0 } = receiver.answer
    if (afterMs > 0) await sleep(afterMs)
    response.writeHead(status, headers).end("noted")
    atOnce--
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const receiver: Receiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received: [],
    answer: { status: 204 },
    atOnceMax: 0,
    end: () => void server.close().closeAllConnections(),
  }
  return receiver
}

export type Endpoint = {
  id: string
  url: string
  events: string[]
  enabled: boolean
  disabled_because: string | null
  failing_since: string | null
}
export type WithSecret = Endpoint & { secret: string }
export type Attempt = { number: number; status: number | null; error: string | null; next_try_at: string | null }
export type Delivery = {
  id: string
  event: string
  generation_id: string
  status: "pending" | "succeeded" | "dead"
  next_try_at: string | null
  replay_of: string | null
  attempts: Attempt[]
}
export type Payload = {
  event: string
  uuid: string
  imageUrl: string | null
  timestamp: string
  generation_id: string
  status: string
  model: string
  images: { url: string; width: number; height: number; media_type: string }[]
  error?: { code: string; message: string }
}

export const both = ["images.completed", "images.failed"]

/** A server whose webhooks may go to a receiver on loopback, and whose clock can be moved. */
export async function startWebhooks() {
  const [server, receiver] = await Promise.all([
    composeServer({ ATELIER_EGRESS_ALLOW: "127.0.0.0/8" }),
    startReceiver(),
  ])
  let movedMs = 0
  const now = () => Date.now() + movedMs
  server.atelier.app.clock.now = now

  /** Lets this much time pass for the server. */
  function pass(ms: number) {
    movedMs += Math.max(0, ms)
    server.atelier.app.wakeAt(Date.now())
  }

  async function reset() {
    movedMs = receiver.received.length = receiver.atOnceMax = 0
    receiver.answer = { status: 204 }
    const { body } = await call<{ data: Endpoint[] }>(server, "/v1/webhooks")
    for (const { id } of body.data) await call(server, `/v1/webhooks/${id}`, { method: "DELETE" })
  }

  async function subscribe(events = both): Promise<WithSecret> {
    const json = { url: `${receiver.url}/hook`, events }
    const { status, body, text } = await call<WithSecret>(server, "/v1/webhooks", { json })
    assert.equal(status, 201, text)
    return body
  }

  const read = async (id: string) => (await call<Endpoint>(server, `/v1/webhooks/${id}`)).body
  const logOf = async (id: string) =>
    (await call<{ data: Delivery[] }>(server, `/v1/webhooks/${id}/deliveries`)).body.data
  return {
    ...{ server, receiver, now, pass, reset, subscribe, read, logOf },
    /** The messages that have come, once there are so many. */
    arrived: (count: number): Promise<Received[]> =>
      until(`message ${count}`, () => (receiver.received.length >= count ? receiver.received : undefined)),
    /** A delivery that was tried so often. */
    tried: (id: string, tries: number): Promise<Delivery> =>
      until(`try ${tries}`, async () => (await logOf(id)).find(({ attempts }) => attempts.length >= tries)),
    /** A delivery that is over. */
    ended: (id: string): Promise<Delivery> =>
      until("the end", async () => (await logOf(id)).find(({ status }) => status !== "pending")),
    passUntil: (at: string | null) => pass(Date.parse(at!) - now() + 1),
    async end() {
      await server.end()
      receiver.end()
    },
  }
}

export type Webhooks = Awaited<ReturnType<typeof startWebhooks>>

export async function until<T>(
  what: string,
  look: () => T | undefined | Promise<T | undefined>,
  maxMs = 10_000,
): Promise<T> {
  for (const end = Date.now() + maxMs; Date.now() < end; await sleep(20)) {
    const found = await look()
    if (found !== undefined) return found
  }
  return assert.fail(`${what} never came`)
}
