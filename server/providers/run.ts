// Calls a vendor and says what came of it. The only place in this room that reaches out; adapters only read and write.
import { BodyError } from "../bodies/draft.ts"
import type { Draft } from "../bodies/draft.ts"
import { readEvents, readJson } from "../bodies/read.ts"
import type { ReadOptions } from "../bodies/read.ts"
import { pictureMark } from "../bodies/scanner.ts"
import { formBody, jsonBody } from "../bodies/write.ts"
import type { IncomingResponse, OutgoingRequest, Send } from "../egress/send.ts"
import { failureOfStatus } from "./failures.ts"
import type { Outcome, Provider, ProviderRequest, VendorFailure } from "./provider.ts"
import { gatherStream, notUnderstood } from "./stream.ts"

export type Partial<Sealed> = { index: number; sealed: Sealed }

type Target = { provider: Provider; baseUrl: string; key: string; request: ProviderRequest; signal: AbortSignal }

export type Call<Sealed> = Target & {
  send: Send
  openDraft: () => Promise<Draft<Sealed>>
  forget: (sealed: Sealed) => Promise<void>
  pictureMaxBytes: number
  /** Called for each early state of a picture, in order. */
  onPartial: (partial: Partial<Sealed>) => Promise<void>
}

export type Answer<Sealed> = {
  outcome: Outcome
  /** The pictures that the outcome's marks ("picture:0") stand for. */
  pictures: Map<string, Sealed>
  /** For the log only: what the vendor really said. */
  cause?: unknown
}

/** Never rejects for what a vendor does or fails to do; only for faults of our own, such as a full disk. */
export async function callVendor<Sealed>(call: Call<Sealed>): Promise<Answer<Sealed>> {
  const url = addressOf(call)
  if (!url) return failed({ code: "provider_error", ofTask: true }, new Error("a link outside of the vendor's hosts"))
  let response: IncomingResponse
  try {
    response = await call.send(writeRequest(call, url))
  } catch (error) {
    return failed(failureOfSending(error, call), error)
  }
  try {
    return await readAnswer(call, response)
  } catch (error) {
    response.body.destroy()
    if (error instanceof BodyError || isOfTheConnection(error, call.signal))
      return failed(failureOfReading(error, call.signal), error)
    throw error
  }
}

const failed = <Sealed>(failure: VendorFailure, cause: unknown): Answer<Sealed> => ({
  outcome: { state: "failed", failure },
  pictures: new Map(),
  cause,
})

function addressOf({ provider, baseUrl, request }: Target): URL | undefined {
  if (request.path.startsWith("/")) return new URL(baseUrl + request.path)
  const url = URL.parse(request.path)
  if (!url || url.username !== "" || url.password !== "") return undefined
  const known =
    url.protocol === "https:" && url.port === "" && provider.linkHosts.some((suffix) => url.hostname.endsWith(suffix))
  // The key goes along, so only to where the operator or the vendor's own domain says.
  return known || url.origin === new URL(baseUrl).origin ? url : undefined
}

function writeRequest({ provider, key, request, signal }: Target, url: URL): OutgoingRequest {
  const body = request.form ? formBody(request.form) : request.json === undefined ? undefined : jsonBody(request.json)
  const headers = { accept: "application/json, text/event-stream", ...provider.authorize(key) }
  const sent = body && { ...body, chunks: () => copies(body.chunks()) }
  return { method: request.method, url, headers, signal, ...(sent ? { body: sent } : {}) }
}

/** Whoever sends a body may queue a chunk while the next is already being written over it. */
async function* copies(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) yield Buffer.from(chunk)
}

const failureBodyMaxBytes = 64 * 1024
const answerTextMaxBytes = 4 * 1024 * 1024

function readOptions<Sealed>(call: Call<Sealed>): ReadOptions<Sealed> {
  return {
    isPicture: (key) => call.provider.pictureKeys.includes(key),
    openDraft: call.openDraft,
    forget: call.forget,
    pictureMaxBytes: call.pictureMaxBytes,
    picturesMax: 32,
    textMaxBytes: answerTextMaxBytes,
    depthMax: 32,
  }
}

async function readAnswer<Sealed>(call: Call<Sealed>, response: IncomingResponse): Promise<Answer<Sealed>> {
  if (response.status < 200 || response.status > 299) return readRefusal(call, response)
  if (/^text\/event-stream/i.test(response.headers["content-type"] ?? "")) return readStream(call, response)
  const { value, pictures } = await readJson<Sealed>(response.body, readOptions(call))
  const marked = new Map(pictures.map(({ sealed }, index) => [pictureMark(index), sealed]))
  return interpret(call, marked, () => call.provider.readResponse(value), value)
}

async function interpret<Sealed>(
  call: Call<Sealed>,
  pictures: Map<string, Sealed>,
  read: () => Outcome,
  value: unknown,
): Promise<Answer<Sealed>> {
  try {
    const outcome = read()
    await forgetAllBut(call, pictures, marksOf(outcome))
    if (outcome.state === "failed") return { outcome, pictures, cause: value }
    if (outcome.state === "pending")
      return outcome.check || call.request.method === "GET" ? { outcome, pictures } : failed(lostTask, value)
    if (outcome.pictures.length > 0) return { outcome, pictures }
    return failed(outcome.missing?.[0] ?? noPicture, value)
  } catch (error) {
    await forgetAllBut(call, pictures, [])
    return failed(notUnderstood, error)
  }
}

const noPicture: VendorFailure = {
  code: "provider_error",
  detail: "The vendor answered without a picture.",
  ofTask: true,
}

// Sending the same request again, as for a check, would order the picture again.
const lostTask: VendorFailure = {
  code: "outcome_unknown",
  detail: "The vendor took the request and did not say where to ask for the picture.",
  ofTask: true,
}

const marksOf = (outcome: Outcome): string[] =>
  outcome.state === "done" ? outcome.pictures.flatMap((picture) => ("mark" in picture ? picture.mark : [])) : []

async function forgetAllBut<Sealed>(call: Call<Sealed>, pictures: Map<string, Sealed>, wanted: string[]) {
  for (const [mark, sealed] of pictures) {
    if (wanted.includes(mark)) continue
    pictures.delete(mark)
    await call.forget(sealed)
  }
}

async function readStream<Sealed>(call: Call<Sealed>, response: IncomingResponse): Promise<Answer<Sealed>> {
  const { provider, forget, onPartial } = call
  const events = readEvents<Sealed>(response.body, readOptions(call))
  const { outcome, pictures, value } = await gatherStream<Sealed>(events, {
    provider,
    forget,
    onPartial: (index, sealed) => onPartial({ index, sealed }),
    isTheirs: (error) => error instanceof BodyError || isOfTheConnection(error, call.signal),
  })
  return interpret(call, pictures, () => outcome, value)
}

async function readRefusal<Sealed>(call: Call<Sealed>, response: IncomingResponse): Promise<Answer<Sealed>> {
  const options = { ...readOptions(call), isPicture: () => false, textMaxBytes: failureBodyMaxBytes }
  const body = await readJson(response.body, options).then(
    ({ value }) => value,
    () => undefined,
  )
  response.body.destroy()
  const failure = call.provider.readFailure(response.status, body) ?? failureOfStatus(response.status)
  const seconds = failure.code === "provider_busy" ? secondsToWait(response.headers) : undefined
  const wait = seconds === undefined ? {} : { retryAfterSeconds: seconds }
  return failed({ ...failure, ...wait }, { status: response.status, body })
}

/** As the vendor asks, from `retry-after-ms` or `retry-after` in seconds or as a date; a minute at the most. */
function secondsToWait(headers: IncomingResponse["headers"]): number | undefined {
  const { "retry-after-ms": ms, "retry-after": after = "" } = headers
  const asked = ms === undefined ? Number(after) : Number(ms) / 1000
  const seconds = Number.isNaN(asked) ? (Date.parse(after) - Date.parse(headers["date"] ?? "")) / 1000 : asked
  return seconds > 0 ? Math.min(seconds, 60) : undefined
}

const codeOf = (error: unknown): string => String((error as { code?: unknown } | undefined)?.code ?? "")

// Errors from before anything was written: the vendor cannot have done any work.
const neverConnected = [
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "ENETUNREACH",
  "EHOSTUNREACH",
  "UND_ERR_CONNECT_TIMEOUT",
]

// The vendor's certificate did not convince, so nothing was said to it.
const badCertificate = /CERT|SELF_SIGNED|UNABLE_TO_(?:GET|VERIFY)/

function failureOfSending(error: unknown, { request, signal }: Target): VendorFailure {
  if (neverConnected.includes(codeOf(error)) || badCertificate.test(codeOf(error)))
    return { code: "provider_error", detail: "The vendor could not be reached.", untouched: true }
  if (signal.aborted || codeOf(error).includes("TIMEOUT")) return { code: "provider_timeout" }
  // Nothing was ordered by asking how far a task is, and nothing is known of the task.
  if (request.method === "GET")
    return { code: "provider_error", detail: "The vendor was asked, and the connection broke before it answered." }
  return { code: "outcome_unknown", detail: "The vendor was called, and the connection broke before it answered." }
}

function isOfTheConnection(error: unknown, signal: AbortSignal): boolean {
  return (
    signal.aborted ||
    /^(UND_ERR_|ECONN|EPIPE|EPROTO|ETIMEDOUT|E(HOST|NET)(UNREACH|DOWN|RESET)|ERR_SSL|ERR_STREAM|HPE_)/.test(
      codeOf(error),
    )
  )
}

function failureOfReading(error: unknown, signal: AbortSignal): VendorFailure {
  if (signal.aborted || codeOf(error).includes("TIMEOUT")) return { code: "provider_timeout" }
  if (error instanceof BodyError && error.reason === "too_large")
    return { code: "provider_error", detail: "The vendor's answer was larger than this server takes." }
  return { code: "provider_error", detail: "The vendor's answer was broken off or damaged." }
}
