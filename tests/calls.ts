// Calls to the server under test, and what comes back, in the words of its documents.
import sharp from "sharp"

type Target = { url: string; testKey: string }

type Sending = {
  method?: string
  /** Null sends none. */
  key?: string | null
  json?: unknown
  body?: RequestInit["body"]
  headers?: Record<string, string>
  signal?: AbortSignal
}

export type Reply<Body> = { status: number; headers: Headers; body: Body; text: string }

/** GET, or POST where there is something to send. The body is read as JSON where it is JSON. */
export async function call<Body>(target: Target, path: string, sending: Sending = {}): Promise<Reply<Body>> {
  const { key = target.testKey, json, body = json === undefined ? null : JSON.stringify(json), signal } = sending
  const headers: Record<string, string> = {
    ...(key === null ? {} : { authorization: `Bearer ${key}` }),
    ...(json === undefined ? {} : { "content-type": "application/json" }),
    ...sending.headers,
  }
  const method = sending.method ?? (body === null ? "GET" : "POST")
  const streams = body instanceof ReadableStream ? { duplex: "half" as const } : {}
  const url = path.startsWith("http") ? path : target.url + path
  const response = await fetch(url, { method, headers, body, ...streams, ...(signal ? { signal } : {}) })
  const text = await response.text()
  const isJson = response.headers.get("content-type")?.startsWith("application/json") === true && text !== ""
  return { status: response.status, headers: response.headers, body: (isJson ? JSON.parse(text) : {}) as Body, text }
}

export type Picture = {
  id: string
  url: string
  media_type: string
  width: number
  height: number
  bytes: number
  sha256: string
}

export type Generation = {
  id: string
  status: "queued" | "running" | "succeeded" | "failed" | "canceled"
  model: string
  input: Record<string, unknown>
  images: Picture[]
  error: { code: string; message: string; retry: boolean } | null
  warnings: string[]
}

export type Problem = { param: string; message: string }

export type Failure = {
  error: {
    message: string
    type: string
    code: string
    param: string | null
    request_id: string
    generation_id?: string
    problems?: Problem[]
  }
}

export const generate = (
  target: Target,
  prompt: string,
  {
    model = "openai/gpt-image-1",
    wait = 30,
    ...input
  }: { model?: string; wait?: number } & Record<string, unknown> = {},
): Promise<Reply<Generation>> =>
  call<Generation>(target, "/v1/generations", { json: { model, input: { prompt, ...input }, wait } })

const signatures: [string, RegExp][] = [
  ["png", /^89504e470d0a1a0a/],
  ["jpeg", /^ffd8ff/],
  ["webp", /^52494646.{8}57454250/],
]

/** "png", "jpeg" or "webp", from the bytes themselves. */
export const kindOf = (bytes: Uint8Array): string | undefined =>
  signatures.find(([, pattern]) => pattern.test(Buffer.from(bytes.subarray(0, 16)).toString("hex")))?.[0]

/** Downloads as a browser would: no key, no redirects. */
export async function download(url: string): Promise<Buffer> {
  const response = await fetch(url, { redirect: "error" })
  if (!response.ok) throw new Error(`${response.status} for ${url}`)
  return Buffer.from(await response.arrayBuffer())
}

/** A PNG to give as a reference; with an alpha of 0, a mask that covers all. */
export function plainPng({ width = 64, height = 64, alpha = 1 } = {}): Promise<Buffer> {
  const background = { r: 30, g: 90, b: 140, alpha }
  return sharp({ create: { width, height, channels: 4, background } })
    .png()
    .toBuffer()
}

/** A picture of one's own: its id, and a link to it. */
export async function uploadPicture(target: Target, bytes: Buffer): Promise<{ id: string; url: string }> {
  const form = new FormData()
  form.set("file", new Blob([new Uint8Array(bytes)]), "a picture")
  const { body, text } = await call<{ data?: { imageKey: string; imageUrl: string } }>(
    target,
    "/api/upload-image-image",
    { body: form },
  )
  if (!body.data) throw new Error(text)
  return { id: body.data.imageKey, url: body.data.imageUrl }
}

export type Event = { id: string; event: string; data: Record<string, unknown> }

/** Events of a generation as they come, until the stream ends or the reader stops reading, which hangs up. */
export async function* followEvents(target: Target, id: string, lastId?: string | undefined): AsyncGenerator<Event> {
  const hangUp = new AbortController()
  const headers = {
    authorization: `Bearer ${target.testKey}`,
    ...(lastId === undefined ? {} : { "last-event-id": lastId }),
  }
  const response = await fetch(`${target.url}/v1/generations/${id}/events`, { headers, signal: hangUp.signal })
  if (response.headers.get("content-type")?.startsWith("text/event-stream") !== true)
    throw new Error(`${response.status} ${await response.text()}`)
  let text = ""
  try {
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
      const blocks = (text + chunk).split("\n\n")
      text = blocks.pop()!
      yield* blocks.filter((block) => !block.startsWith(":")).map(readEvent)
    }
  } finally {
    hangUp.abort()
  }
}

function readEvent(block: string): Event {
  const fields = Object.fromEntries(block.split("\n").map((line) => line.split(/: (.*)/s).slice(0, 2)))
  return { id: fields["id"], event: fields["event"], data: JSON.parse(fields["data"]) as Record<string, unknown> }
}
