// A vendor that answers from a script, and pictures kept in memory: what the tests of this room call callVendor with.
import { Readable } from "node:stream"
import type { Draft } from "../bodies/draft.ts"
import type { IncomingResponse, OutgoingBody, OutgoingRequest, Send } from "../egress/send.ts"
import type { Provider, ProviderRequest } from "./provider.ts"
import { callVendor } from "./run.ts"
import type { Answer, Call } from "./run.ts"

export const key = "the-key-0123456789"

export type Picture = { bytes: Buffer }

/** Drafts in memory, and how many pictures are being written or sealed and not forgotten. */
export function memoryDrafts() {
  let writing = 0
  const kept = new Set<Picture>()
  const openDraft = async (): Promise<Draft<Picture>> => {
    const parts: Buffer[] = []
    let isOpen = true
    writing++
    const close = () => {
      if (isOpen) writing--
      isOpen = false
    }
    return {
      write: async (bytes) => void parts.push(Buffer.from(bytes)),
      seal: async () => {
        close()
        const sealed = { bytes: Buffer.concat(parts) }
        kept.add(sealed)
        return sealed
      },
      discard: async () => close(),
    }
  }
  const forget = async (picture: Picture) => void kept.delete(picture)
  return { openDraft, forget, left: () => writing + kept.size }
}

export async function readStored({ chunks }: Pick<OutgoingBody, "chunks">): Promise<string> {
  const parts: Uint8Array[] = []
  for await (const chunk of chunks()) parts.push(Buffer.from(chunk))
  return Buffer.concat(parts).toString()
}

type Head = Partial<Pick<IncomingResponse, "status" | "headers">>

/** An answer as it comes from the network: text and bytes as they are, all else as JSON, in pieces of 7 bytes. */
export function respond(body: unknown, { status = 200, headers = {} }: Head = {}): Send {
  const text = typeof body === "string" || Buffer.isBuffer(body) ? body : (JSON.stringify(body) ?? "")
  const bytes = Buffer.from(text)
  function* pieces() {
    for (let at = 0; at < bytes.length; at += 7) yield bytes.subarray(at, at + 7)
  }
  const type = { "content-type": "application/json" }
  return async () => ({
    status,
    headers: { ...type, ...headers },
    body: Readable.from(pieces(), { objectMode: false }),
  })
}

/** A value as JSON, even where it is a text. */
export function answer(body: unknown, type = "application/json", status = 200): Send {
  const isText = typeof body === "string" && type === "application/json"
  return respond(isText ? JSON.stringify(body) : body, { status, headers: { "content-type": type } })
}

/** An answer that breaks off after some of its text. */
export const breaking = (text: string, error: Error, type = "application/json"): Send => {
  async function* pieces() {
    yield Buffer.from(text)
    throw error
  }
  const headers = { "content-type": type }
  return async () => ({ status: 200, headers, body: Readable.from(pieces(), { objectMode: false }) })
}

export const connectionError = (code: string): Error => Object.assign(new Error(code), { code })

export type Called = {
  answered: Answer<Picture>
  /** How many pictures are in memory and in nobody's hands but the answer's. */
  kept: () => number
  partials: { index: number; text: string }[]
  sent: { method: string; url: string; headers: Record<string, string>; body: string; type: string | undefined }[]
  /** Whether the answer's body was read to its end or destroyed. */
  released: () => boolean
}

type Options = Partial<Pick<Call<Picture>, "baseUrl" | "signal" | "pictureMaxBytes">> & { request?: ProviderRequest }

/** Calls the vendor, who answers by `send`. Early states of pictures count as kept until they have been handed over. */
export async function callWith(provider: Provider, send: Send, options: Options = {}): Promise<Called> {
  const { openDraft, forget, left } = memoryDrafts()
  const partials: Called["partials"] = []
  const sent: Called["sent"] = []
  let body: Readable | undefined
  const answered = await callVendor<Picture>({
    provider,
    baseUrl: provider.baseUrl,
    key,
    request: { method: "POST", path: "/x", json: {} },
    signal: new AbortController().signal,
    pictureMaxBytes: 1_000_000,
    ...options,
    openDraft,
    forget,
    send: async (request) => {
      sent.push(await seen(request))
      const response = await send(request)
      body = response.body
      return response
    },
    onPartial: async ({ index, sealed }) => {
      await undefined
      partials.push({ index, text: sealed.bytes.toString() })
      await forget(sealed)
    },
  })
  return { answered, kept: left, partials, sent, released: () => !body || body.destroyed || body.readableEnded }
}

async function seen({ method, url, headers, body }: OutgoingRequest): Promise<Called["sent"][number]> {
  return { method, url: url.href, headers, body: body ? await readStored(body) : "", type: body?.type }
}
