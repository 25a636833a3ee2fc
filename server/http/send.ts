// Sends answers: small JSON in one piece, pictures in base64 straight out of storage, events as they come.
import type { ServerResponse } from "node:http"
import { setTimeout as sleep } from "node:timers/promises"
import type { FastifyReply } from "fastify"
import { jsonBody } from "../bodies/write.ts"
import type { ServerEvent } from "./route.ts"

// A megabyte takes a line of 140 kbit/s as long.
const takeMaxMs = 60_000

/**
 * Writes, and waits until it is through and not only queued: whoever made the chunk uses its memory again for the next.
 * False once the caller has gone; one who takes nothing for so long is sent away.
 */
export async function flushed(
  response: ServerResponse,
  chunk: Uint8Array | string,
  maxMs = takeMaxMs,
): Promise<boolean> {
  if (response.destroyed) return false
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const gone = () => resolve(false)
  response.once("close", gone)
  const patience = setTimeout(() => response.destroy(), maxMs)
  // A broken connection fails the write before the response itself is told.
  response.write(chunk, (error) => resolve(error === undefined || error === null))
  const through = await promise
  clearTimeout(patience)
  response.off("close", gone)
  return through && !response.destroyed
}

/** Takes the response out of fastify's hands, with the headers set so far. */
export function takeOver(
  reply: FastifyReply,
  status: number,
  headers: Record<string, string | number>,
): ServerResponse {
  const all = { ...reply.getHeaders(), ...headers }
  reply.hijack()
  reply.raw.writeHead(status, all as Record<string, string>)
  return reply.raw
}

export async function sendJson(reply: FastifyReply, status: number, value: unknown): Promise<void> {
  const body = jsonBody(value)
  if (!body.streams) {
    await reply.code(status).type("application/json; charset=utf-8").send(body.text)
    return
  }
  const response = takeOver(reply, status, {
    "content-type": "application/json; charset=utf-8",
    "content-length": body.length,
  })
  await sendChunks(response, body.chunks())
  response.end()
}

/** An answer that breaks off must look broken: the connection is cut, never ended as if all were there. */
async function sendChunks(response: ServerResponse, chunks: AsyncIterable<Uint8Array>): Promise<boolean> {
  try {
    for await (const chunk of chunks) if (!(await flushed(response, chunk))) return false
    return true
  } catch (error) {
    response.destroy(error as Error)
    throw error
  }
}

const heartbeatMs = 15_000
// A failure within this time is still an answer with a status of its own; after it the stream has begun.
const firstEventMaxMs = 5_000

const begunStreams = new WeakSet<ServerResponse>()

/** For an answer that has begun and fails: a stream of events says why in an event, anything else is cut. */
export function breakOff({ raw }: FastifyReply, failure: unknown): void {
  if (begunStreams.has(raw) && !raw.destroyed) raw.end(`event: error\ndata: ${JSON.stringify(failure)}\n\n`)
  else raw.destroy()
}

export async function sendEvents(reply: FastifyReply, events: AsyncIterable<ServerEvent>): Promise<void> {
  const source = events[Symbol.asyncIterator]()
  const first = source.next()
  first.catch(() => undefined)
  await Promise.race([first, sleep(firstEventMaxMs, undefined, { ref: false })])
  const response = takeOver(reply, 200, {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-store",
    // nginx would else keep events back until its buffer is full.
    "x-accel-buffering": "no",
  })
  begunStreams.add(response)
  let writing = false
  // A comment now and then keeps proxies from giving the connection up.
  const heartbeat = setInterval(() => !writing && response.write(": still here\n\n"), heartbeatMs)
  try {
    for (let next = await first; !next.done; next = await source.next()) {
      const { id, event, data } = next.value
      writing = true
      const head = (id === undefined ? "" : `id: ${id}\n`) + (event === undefined ? "" : `event: ${event}\n`)
      if (!(await flushed(response, `${head}data: `))) return
      if (!(await sendChunks(response, jsonBody(data).chunks()))) return
      if (!(await flushed(response, "\n\n"))) return
      writing = false
    }
    response.end()
  } finally {
    clearInterval(heartbeat)
    await source.return?.()
  }
}
