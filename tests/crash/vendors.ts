// The vendors of the crash test, a process of its own that outlives the server: the project's sandbox over HTTP, which
// writes down every call before it works on it, looks whether the call was announced, and does mischief.
import { once } from "node:events"
import type { AddressInfo } from "node:net"
import { Readable } from "node:stream"
import { setTimeout as sleep } from "node:timers/promises"
import type { VendorResponse } from "../../server/sandbox/imitation.ts"
import { createSandbox } from "../../server/sandbox/sandbox.ts"
import type { Sandbox, SandboxRequest } from "../../server/sandbox/sandbox.ts"
import { createSandboxServer } from "../../server/sandbox/serve.ts"
import { endWithParent } from "./helper.ts"
import { openLog } from "./log.ts"
import { decide, doesNoWork, neverMs } from "./mischief.ts"
import type { Decision, Kind, Mischief } from "./mischief.ts"
import { openReader } from "./reader.ts"
import type { Place } from "./reader.ts"
import { tokenPattern } from "./wishes.ts"

export type VendorEntry = { at: number; call: number; token: string } & (
  | {
      act: "ordered"
      vendor: string
      /** How many attempts for this wish were committed in the server's database when the call came; null if unknown. */
      committed: number | null
    }
  | { act: "refused"; status: number }
  | { act: "worked"; mischief: Mischief | null }
)

export type VendorOptions = { path: string; seed: number; place: Place }

const { path, seed, place } = JSON.parse(process.argv[2]!) as VendorOptions
const log = openLog<VendorEntry>(path)
const reader = openReader(place)
const sandbox = createSandbox({ pace: "none" })
const counts = new Map<string, number>()
let calls = 0

function countOf(what: string): number {
  const count = counts.get(what) ?? 0
  counts.set(what, count + 1)
  return count
}

const mischievous: Sandbox = async (request, link) => {
  if (request.method !== "POST") return serveLook(request, link)
  const body = await bytesOf(request)
  const [token] = tokenPattern.exec(body.toString("latin1")) ?? []
  if (token === undefined) throw new Error(`an order without a wish: ${request.url.href}`)
  const about = { call: ++calls, token }
  log({ ...about, act: "ordered", vendor: request.url.hostname, committed: await committedFor(token) })
  const decision = decide(seed, "order", token, countOf(token))
  const { mischief } = decision
  if (doesNoWork(mischief)) {
    const answer = refusal(mischief!)
    log({ ...about, act: "refused", status: answer.status })
    return answer
  }
  const chunks = async function* () {
    yield body
  }
  // Whether the caller hangs up or not: a vendor goes on, and bills.
  const { signal } = new AbortController()
  const answer = await sandbox({ ...request, body: { type: request.body!.type, chunks }, signal }, link)
  log({ ...about, act: "worked", mischief: mischief ?? null })
  return spoil(answer, decision, request.signal)
}

/** Looks and pictures are free of charge, so nobody counts them. */
async function serveLook(request: SandboxRequest, link: Parameters<Sandbox>[1]): Promise<VendorResponse> {
  const { pathname, search } = request.url
  const kind: Kind = pathname.endsWith("/get_result") ? "look" : "picture"
  const subject = pathname + search.replace(/se=.*/, "")
  const decision = decide(seed, kind, subject, countOf(subject))
  if (doesNoWork(decision.mischief)) return refusal(decision.mischief!)
  return spoil(await sandbox(request, link), decision, request.signal)
}

async function spoil(answer: VendorResponse, decision: Decision, signal: AbortSignal): Promise<VendorResponse> {
  const { mischief, delayMs } = decision
  await sleep(mischief === "never" ? neverMs : delayMs)
  if (mischief === "never" || mischief === "broken" || signal.aborted) throw new Error("the connection breaks")
  if (mischief !== "half" && mischief !== "twice") return answer
  const whole = Buffer.concat(await answer.body.toArray())
  if (mischief === "half") return { ...answer, body: Readable.from(breakOff(whole), { objectMode: false }) }
  const headers = { ...answer.headers, connection: "close", "content-length": String(whole.length) }
  return { ...answer, headers, body: Readable.from([whole, whole], { objectMode: false }) }
}

async function* breakOff(whole: Buffer) {
  yield whole.subarray(0, whole.length >> 1)
  throw new Error("the connection breaks half-way")
}

function refusal(mischief: Mischief): VendorResponse {
  const status = mischief === "busy" ? 429 : 500
  const text = JSON.stringify({ error: { code: status, message: "not now", type: "server_error" } })
  const headers = { "content-type": "application/json", "content-length": String(text.length) }
  return { status, headers, body: Readable.from([Buffer.from(text)], { objectMode: false }) }
}

async function bytesOf({ body }: SandboxRequest): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of body?.chunks() ?? []) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** Attempts are never deleted, so as many must be there as calls have come. */
async function committedFor(token: string): Promise<number | null> {
  const sql = `select count(*) as count from attempts join generations on generations.id = generation_id
    where input_json like '%${token}%'`
  try {
    const [row] = await reader.rows<{ count: number }>(sql)
    return row!.count
  } catch {
    return null
  }
}

const server = createSandboxServer(mischievous).listen(0, "127.0.0.1")
await once(server, "listening")
console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
endWithParent()
