// What every way out of this process looks like: the real one over the network, and the sandbox in its place.
import type { Readable } from "node:stream"

export type Mode = "live" | "test"

/** A body that can be written as it is sent, so that a request with pictures in it is never held whole. */
export type OutgoingBody = {
  /** The media type, with its boundary or charset. */
  type: string
  /** Bytes in all, where known beforehand; without it the body goes out chunked. */
  length?: number
  chunks: () => AsyncIterable<Uint8Array>
}

export type OutgoingRequest = {
  method: string
  url: URL
  headers: Record<string, string>
  body?: OutgoingBody
  signal: AbortSignal
}

export type IncomingResponse = {
  status: number
  /** Names in lower case. */
  headers: Record<string, string>
  /** Must be read to its end or destroyed. */
  body: Readable
}

/** Sends one request and answers when the head of the response has come. Rejects only if no response came. */
export type Send = (request: OutgoingRequest) => Promise<IncomingResponse>
