// The load: calls made as fast as so many workers can, or at a fixed rate, timed and read to the end.
import { setTimeout as sleep } from "node:timers/promises"
import { Pool } from "undici"
import type { Dispatcher } from "undici"

export type Shot = { method: "GET" | "POST"; path: string; headers?: Record<string, string>; body?: string }

/** What came back of one call. Long bodies are counted and forgotten. */
export type Answered = { ms: number; bytes: number; headers: Record<string, string>; start: string }

export type Fired = { perSecond: number; p50Ms: number; p99Ms: number }

const startMaxChars = 1_000

export function call(pool: Pool, shot: Shot): Promise<Answered> {
  const begun = performance.now()
  return new Promise((resolve, reject) => {
    let bytes = 0
    let start = ""
    let head: Record<string, string> = {}
    let status = 0
    const handler: Dispatcher.DispatchHandler = {
      onRequestStart() {},
      onResponseStart(_controller, code, headers) {
        status = code
        head = headers as Record<string, string>
      },
      onResponseData(_controller, chunk) {
        if (start.length < startMaxChars) start += chunk.toString("latin1", 0, startMaxChars)
        bytes += chunk.length
      },
      onResponseEnd() {
        if (status === 200 || status === 202) resolve({ ms: performance.now() - begun, bytes, headers: head, start })
        else reject(new Error(`${shot.method} ${shot.path} was answered ${status}: ${start}`))
      },
      onResponseError: (_controller, error) => reject(error),
    }
    const { method, path, headers, body } = shot
    pool.dispatch({ method, path, headers: headers ?? {}, body: body ?? null }, handler)
  })
}

export const openPool = (url: string, connections: number): Pool =>
  new Pool(url, { allowH2: false, connections, pipelining: 1, headersTimeout: 120_000, bodyTimeout: 120_000 })

/** So many calls in all, by so many workers, each of which makes the next as soon as it has its answer. */
export async function fire(pool: Pool, shot: Shot, count: number, concurrency: number): Promise<Fired> {
  const times: number[] = []
  let left = count
  const worker = async () => {
    while (left-- > 0) times.push((await call(pool, shot)).ms)
  }
  const begun = performance.now()
  await Promise.all(Array.from({ length: Math.min(concurrency, count) }, worker))
  return summarise(times, performance.now() - begun)
}

/** One call every so often, whether the one before has been answered or not. */
export async function fireSteadily(pool: Pool, shot: Shot, perSecond: number, seconds: number): Promise<Fired> {
  const calls: Promise<Answered>[] = []
  const begun = performance.now()
  for (let index = 0; index < perSecond * seconds; index++) {
    const early = begun + (index * 1000) / perSecond - performance.now()
    if (early > 0) await sleep(early)
    calls.push(call(pool, shot))
  }
  const answers = await Promise.all(calls)
  return summarise(
    answers.map(({ ms }) => ms),
    performance.now() - begun,
  )
}

function summarise(times: number[], ms: number): Fired {
  const sorted = times.sort((a, b) => a - b)
  return { perSecond: (times.length * 1000) / ms, p50Ms: percentile(sorted, 50), p99Ms: percentile(sorted, 99) }
}

/** The smallest of the values, sorted upwards, that so many per cent of them do not exceed. */
export const percentile = (sorted: number[], percent: number): number =>
  sorted[Math.max(0, Math.ceil((sorted.length * percent) / 100) - 1)] ?? Number.NaN

export const median = (values: number[]): number => {
  const sorted = values.toSorted((a, b) => a - b)
  const half = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2
}
