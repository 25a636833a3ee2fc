// Bodies in and out: requests read under a limit, answers written as streams.
import { Readable } from "node:stream"
import type { Answer, VendorRequest } from "./imitation.ts"

const requestMaxBytes = 200 * 1024 * 1024

/** Base64 of this many bytes is 64 KiB of text; a multiple of 3, so that the pieces join without padding. */
const pieceBytes = 48 * 1024

/** The whole body, or "too large". */
export async function readBody(request: VendorRequest): Promise<Buffer<ArrayBuffer> | "too large"> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of request.body?.() ?? []) {
    bytes += chunk.length
    if (bytes > requestMaxBytes) return "too large"
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

export function readJson(body: Buffer): { value: unknown } | undefined {
  try {
    return { value: JSON.parse(body.toString()) }
  } catch {
    return undefined
  }
}

export function* base64Pieces(bytes: Buffer): Generator<string> {
  for (let start = 0; start < bytes.length; start += pieceBytes) {
    yield bytes.toString("base64", start, Math.min(start + pieceBytes, bytes.length))
  }
}

export const textBody = (pieces: Iterable<string> | AsyncIterable<string>): Readable =>
  Readable.from(asBytes(pieces), { objectMode: false })

async function* asBytes(pieces: Iterable<string> | AsyncIterable<string>): AsyncGenerator<Buffer> {
  for await (const piece of pieces) yield Buffer.from(piece)
}

export const bytesBody = (bytes: Buffer): Readable => Readable.from(slices(bytes), { objectMode: false })

function* slices(bytes: Buffer): Generator<Buffer> {
  for (let start = 0; start < bytes.length; start += 64 * 1024) yield bytes.subarray(start, start + 64 * 1024)
}

export function answer(status: number, type: string, text: string, headers: Record<string, string> = {}): Answer {
  const bytes = Buffer.from(text)
  return {
    status,
    headers: { "content-type": type, "content-length": String(bytes.length), ...headers },
    body: bytesBody(bytes),
  }
}

export const jsonAnswer = (status: number, value: unknown, headers?: Record<string, string>): Answer =>
  answer(status, "application/json", JSON.stringify(value), headers)
