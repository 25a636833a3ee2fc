// The sandbox: stands where the network would be and answers as the vendors do, offline and for nothing.
import { addAbortSignal } from "node:stream"
import type { Readable } from "node:stream"
import { setTimeout as sleep } from "node:timers/promises"
import { createCallLog } from "./calls.ts"
import type { LogCall } from "./calls.ts"
import type { Answer, Imitation, Pace, Tools, VendorRequest, VendorResponse } from "./imitation.ts"
import { vendorAt, vendors } from "./vendors.ts"
import type { Vendor } from "./vendors.ts"

/** The shape that the server hands to whatever sends its requests. */
export type SandboxRequest = {
  method: string
  url: URL
  headers: Record<string, string>
  body?: { type: string; chunks: () => AsyncIterable<Uint8Array> }
  signal: AbortSignal
}

/** `link` says where the caller finds a vendor's host; in process it is the host itself. */
export type Sandbox = (request: SandboxRequest, link?: VendorRequest["link"]) => Promise<VendorResponse>

export type SandboxOptions = {
  pace: Pace
  /** Where tasks and the log of calls outlive the process; tasks are in memory and nothing is logged without it. */
  folder?: string
  clock?: { now: () => number }
}

export function createSandbox({ pace, folder, clock = Date }: SandboxOptions): Sandbox {
  const now = () => clock.now()
  const tools = (): Tools => ({ pace, now, isFirstTime: rememberTexts(), ...(folder !== undefined && { folder }) })
  const imitations = Object.fromEntries(
    Object.entries(vendors).map(([id, { imitate }]) => [id, imitate(tools())]),
  ) as Record<Vendor, Imitation>
  const logCall = createCallLog(now, folder)

  return async (request, link = (address) => address) => {
    const vendor = vendorAt(request.url.hostname)
    if (!vendor) throw unknownHost(request.url.hostname)
    request.signal.throwIfAborted()
    const answer = await imitations[vendor](asVendorRequest(request, link))
    await log(logCall, vendor, request, answer)
    await wait(answer, request.signal)
    return { status: answer.status, headers: answer.headers, body: untilHangUp(answer.body, request.signal) }
  }
}

function asVendorRequest({ body, ...request }: SandboxRequest, link: VendorRequest["link"]): VendorRequest {
  const headers = { ...(body && { "content-type": body.type }), ...request.headers }
  return { ...request, headers, link, ...(body && { body: () => body.chunks() }) }
}

const log = (logCall: LogCall, vendor: Vendor, { method, url }: SandboxRequest, { status, about, delayMs }: Answer) =>
  logCall({
    vendor,
    method,
    path: url.pathname,
    model: about?.model ?? null,
    prompt: about?.prompt?.slice(0, 80) ?? null,
    status: delayMs === Infinity ? null : status,
  })

/** Ends early, and badly, when the caller hangs up. */
async function wait({ delayMs = 0, body }: Answer, signal: AbortSignal): Promise<void> {
  if (delayMs === 0) return
  try {
    if (delayMs === Infinity) await new Promise((_, reject) => onAbort(signal, reject))
    else await sleep(delayMs, undefined, { signal })
  } catch {
    body.destroy()
    throw signal.reason
  }
}

function onAbort(signal: AbortSignal, call: (reason: unknown) => void): void {
  if (signal.aborted) call(signal.reason)
  else signal.addEventListener("abort", () => call(signal.reason), { once: true })
}

function untilHangUp(body: Readable, signal: AbortSignal): Readable {
  // Without a listener a body that breaks before anyone reads it would end the process.
  body.on("error", () => {})
  return addAbortSignal(signal, body)
}

const unknownHost = (host: string): Error =>
  Object.assign(new Error(`getaddrinfo ENOTFOUND ${host}`), {
    code: "ENOTFOUND",
    syscall: "getaddrinfo",
    hostname: host,
  })

const textsMax = 10_000

function rememberTexts(): Tools["isFirstTime"] {
  const seen = new Set<string>()
  return (text) => {
    if (seen.has(text)) return false
    if (seen.size >= textsMax) seen.clear()
    seen.add(text)
    return true
  }
}
