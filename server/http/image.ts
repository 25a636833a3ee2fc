// Sends a stored picture: whole, in part, or only word that the caller's copy is still good.
import type { FastifyReply, FastifyRequest } from "fastify"
import type { App } from "../app.ts"
import { GatewayError } from "../errors.ts"
import { readPieces } from "../storage/pieces.ts"
import type { Served } from "./route.ts"
import { flushed, takeOver } from "./send.ts"

type Needs = Pick<App, "storage">

// All that is kept today. Whatever else a row may say one day is saved by a browser, never opened.
const shown = ["image/jpeg", "image/png", "image/webp", "image/avif"]

/** `cache` is the Cache-Control of the answer. Throws `not_found` where the bytes are gone. */
export async function sendImage(
  app: Needs,
  request: FastifyRequest,
  reply: FastifyReply,
  image: Served,
  cache: string,
): Promise<void> {
  const etag = `"${image.sha256}"`
  const headers = {
    etag,
    "cache-control": cache,
    "accept-ranges": "bytes",
    "content-type": image.mediaType,
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; sandbox",
    "cross-origin-resource-policy": "cross-origin",
    ...(shown.includes(image.mediaType) ? {} : { "content-disposition": "attachment" }),
  }
  if (matches(request.headers["if-none-match"], etag)) {
    takeOver(reply, 304, headers).end()
    return
  }
  const current = request.headers["if-range"] === undefined || request.headers["if-range"] === etag
  const range = current ? readRange(request.headers.range, image.bytes) : undefined
  if (range === "unsatisfiable") {
    takeOver(reply, 416, { ...headers, "content-range": `bytes */${image.bytes}`, "content-length": 0 }).end()
    return
  }
  await sendBytes(app, request, reply, image, range, headers)
}

async function sendBytes(
  app: Needs,
  request: FastifyRequest,
  reply: FastifyReply,
  image: Served,
  range: Range | undefined,
  headers: Record<string, string>,
): Promise<void> {
  const { start, end } = range ?? { start: 0, end: image.bytes }
  const partial = range ? { "content-range": `bytes ${start}-${end - 1}/${image.bytes}` } : {}
  const all = { ...headers, ...partial, "content-length": end - start }
  if (request.method === "HEAD") {
    takeOver(reply, range ? 206 : 200, all).end()
    return
  }
  const pieces = readPieces(app.storage, image.sha256, { start, end }, "whole")
  // The first piece is read before the head is sent, so that a lost file is an error and not a broken answer.
  const first = await pieces.next().catch((error: unknown) => {
    throw new GatewayError({ code: "not_found", detail: "The picture's bytes are no longer here." }, error)
  })
  const response = takeOver(reply, range ? 206 : 200, all)
  try {
    for (let piece = first; !piece.done; piece = await pieces.next())
      if (!(await flushed(response, piece.value))) return
    response.end()
  } catch (error) {
    response.destroy(error as Error)
  } finally {
    await pieces.return(undefined)
  }
}

const matches = (header: string | undefined, etag: string): boolean =>
  header !== undefined && header.split(",").some((one) => one.trim().replace(/^W\//, "") === etag || one.trim() === "*")

type Range = { start: number; end: number }

/** One range of bytes; several at once, or anything else, get the whole picture. */
export function readRange(header: string | undefined, bytes: number): Range | "unsatisfiable" | undefined {
  const [, from = "", to = ""] = /^bytes=(\d*)-(\d*)$/.exec(header ?? "") ?? []
  if (from === "" && to === "") return undefined
  const start = from === "" ? Math.max(0, bytes - Number(to)) : Number(from)
  const end = from === "" || to === "" ? bytes : Math.min(bytes, Number(to) + 1)
  if (from !== "" && to !== "" && Number(to) < Number(from)) return undefined
  return start < end ? { start, end } : "unsatisfiable"
}
