// What is measured, scenario by scenario; each gives one row of numbers for one server.
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import type { Pool } from "undici"
import { call, fire, fireSteadily, openPool } from "./load.ts"
import type { Fired, Shot } from "./load.ts"
import { warmMemory } from "./processes.ts"
import { nginx } from "./servers.ts"
import type { Server, ServerName, Servers } from "./servers.ts"

export type Values = Partial<Record<"cpuMs" | "perSecond" | "p50Ms" | "p99Ms" | "peakMb" | "stallMs", number>>

/** One row of the table. `cpuMs` is for one answer. */
export type Scenario = {
  scenario: string
  server: string
  /** So slow, and so far from the others, that one round of several is enough, and none where there is only one. */
  slow?: boolean
  measure: (servers: Servers) => Promise<Values>
}

export type Size = {
  concurrencies: number[]
  /** Pictures measured at each concurrency. The naive server, which is slow, makes fewer. */
  pictures: number
  steadySeconds: number
  gets: number
  polls: number
  accepts: number
}

type Format = "url" | "b64_json"

const steadyPerSecond = 50
const warmUps = 80
const smallWarmUps = 150
const largeAtOnce = 64
// What the runs are about to use, in files and in memory, with room to spare.
const memoryOfPictures = 500_000_000
const memoryOfLarge = 1_500_000_000

type Subject = { server: ServerName; format: Format; label: string }

const tuned: Subject = { server: "tuned proxy", format: "b64_json", label: "tuned proxy" }
const plain: Subject = { server: "plain proxy", format: "b64_json", label: "plain proxy" }
const naiveLink: Subject = { server: "naive", format: "url", label: "naive, link" }
const naiveBase64: Subject = { server: "naive", format: "b64_json", label: "naive, base64" }
const link: Subject = { server: "atelier", format: "url", label: "Atelier, link" }
const base64: Subject = { server: "atelier", format: "b64_json", label: "Atelier, base64" }

export const names = {
  pictures: (concurrency: number): string => `1.5 MB pictures, ${concurrency} at a time`,
  large: `${largeAtOnce} answers of 20 MB at once`,
  steady: `1 KB pictures, ${steadyPerSecond} a second`,
  get: "GET of a stored picture, 16 at a time",
  accept: "accepting a request and answering at once, 16 at a time",
  status: "status polls, 16 at a time",
}

export const polls = { running: "of a running one", done: "of one with a picture", nothing: "GET /healthz" } as const
type Polled = (typeof polls)[keyof typeof polls]

export function allScenarios(size: Size): Scenario[] {
  const everyone = [tuned, plain, naiveLink, naiveBase64, link, base64]
  return [
    ...size.concurrencies.flatMap((concurrency) => everyone.map((subject) => pictures(subject, concurrency, size))),
    ...[tuned, naiveBase64, link, base64].map((subject) => large(subject)),
    ...[tuned, naiveBase64, base64].map((subject) => steady(subject, size)),
    ...(nginx === undefined ? [] : [getFromNginx(size)]),
    accept(size),
    ...[getFromAtelier(size), ...Object.values(polls).map((label) => poll(label, size))],
  ]
}

function picture({ headers }: Server, prompt: "small" | "picture" | "large", format: Format): Shot {
  const body = JSON.stringify({ model: "gpt-image-2", prompt, response_format: format })
  return { method: "POST", path: "/v1/images/generations", headers, body }
}

function pictures({ server, format, label }: Subject, concurrency: number, size: Size): Scenario {
  const count = server === "naive" ? Math.ceil(size.pictures / 2) : size.pictures
  return {
    scenario: names.pictures(concurrency),
    server: label,
    measure: (servers) =>
      withServer(servers, { server, connections: concurrency }, async (running, pool) => {
        const shot = picture(running, "picture", format)
        await fire(pool, picture(running, "small", format), smallWarmUps, concurrency)
        await fire(pool, shot, warmUps, concurrency)
        warmMemory(running.folder, memoryOfPictures)
        return observe(running, count, () => fire(pool, shot, count, concurrency))
      }),
  }
}

function large({ server, format, label }: Subject): Scenario {
  return {
    scenario: names.large,
    server: label,
    slow: server === "naive",
    measure: (servers) =>
      withServer(servers, { server, connections: largeAtOnce }, async (running, pool) => {
        await fire(pool, picture(running, "picture", format), warmUps, 4)
        const shot = picture(running, "large", format)
        warmMemory(running.folder, memoryOfLarge)
        return observe(running, largeAtOnce, () => fire(pool, shot, largeAtOnce, largeAtOnce))
      }),
  }
}

function steady({ server, format, label }: Subject, { steadySeconds }: Size): Scenario {
  return {
    scenario: names.steady,
    server: label,
    measure: (servers) =>
      withServer(servers, { server, connections: 64 }, async (running, pool) => {
        const shot = picture(running, "small", format)
        await fire(pool, shot, warmUps, 4)
        const run = () => fireSteadily(pool, shot, steadyPerSecond, steadySeconds)
        // So few calls cost less than the probe does meanwhile, so their CPU time would say nothing.
        const { cpuMs: _, ...times } = await observe(running, steadyPerSecond * steadySeconds, run)
        return times
      }),
  }
}

const getConcurrency = 16

const getFromNginx = ({ gets }: Size): Scenario => ({
  scenario: names.get,
  server: "nginx",
  measure: (servers) =>
    withServer(servers, { server: "nginx", connections: getConcurrency }, (running, pool) => {
      writeFileSync(join(running.folder, "picture.png"), Buffer.alloc(1_500_000, "noise"))
      return repeat(running, pool, { method: "GET", path: "/picture.png" }, gets)
    }),
})

const getFromAtelier = ({ gets }: Size): Scenario => ({
  scenario: names.get,
  server: "Atelier",
  measure: (servers) =>
    withServer(servers, { server: "atelier", connections: getConcurrency }, async (running, pool) => {
      const { start } = await call(pool, picture(running, "picture", "url"))
      const { data } = JSON.parse(start) as { data: [{ url: string }] }
      const { pathname, search } = new URL(data[0].url)
      return repeat(running, pool, { method: "GET", path: pathname + search }, gets)
    }),
})

/** What the vendor never answers, so that nothing but the accepting is done. */
const neverDone = ({ headers }: Server): Shot => {
  const body = JSON.stringify({ model: "openai/gpt-image-2", input: { prompt: "never" } })
  return { method: "POST", path: "/v1/generations", headers, body }
}

const accept = ({ accepts }: Size): Scenario => ({
  scenario: names.accept,
  server: "Atelier",
  measure: (servers) =>
    withServer(servers, { server: "atelier", connections: getConcurrency }, (running, pool) =>
      repeat(running, pool, neverDone(running), accepts),
    ),
})

const poll = (label: Polled, { polls: count }: Size): Scenario => ({
  scenario: names.status,
  server: label,
  measure: (servers) =>
    withServer(servers, { server: "atelier", connections: getConcurrency }, async (running, pool) => {
      const begin = label === polls.running ? neverDone(running) : picture(running, "small", "url")
      const { headers } = await call(pool, begin)
      const path = label === polls.nothing ? "/healthz" : `/v1/generations/${headers["atelier-generation"]}`
      return repeat(running, pool, { method: "GET", path, headers: running.headers }, count)
    }),
})

async function repeat(running: Server, pool: Pool, shot: Shot, count: number): Promise<Values> {
  await fire(pool, shot, Math.ceil(count / 4), getConcurrency)
  return observe(running, count, () => fire(pool, shot, count, getConcurrency))
}

async function withServer(
  servers: Servers,
  { server, connections }: { server: ServerName; connections: number },
  measure: (running: Server, pool: Pool) => Promise<Values>,
): Promise<Values> {
  const running = await servers.start(server)
  const pool = openPool(running.url, connections)
  try {
    return await measure(running, pool)
  } finally {
    await pool.destroy()
    await running.stop()
  }
}

/** The peak is of the process's whole life, the rest of what happens during the run. */
async function observe(running: Server, count: number, run: () => Promise<Fired>): Promise<Values> {
  await running.stallMs()
  const before = running.cpuMs()
  const fired = await run()
  const after = running.cpuMs()
  const [peakMb, stallMs] = [running.peakMb(), await running.stallMs()]
  return {
    ...fired,
    ...(before === undefined || after === undefined ? {} : { cpuMs: (after - before) / count }),
    ...(peakMb === undefined ? {} : { peakMb }),
    ...(stallMs === undefined ? {} : { stallMs }),
  }
}
