// How far a generation is, and how long it will likely take: from its place in line, its vendor's word, and what pictures
// of the same model have taken before.
import type { App } from "../app.ts"
import type { Queries } from "../database/database.ts"
import { prepare } from "../database/prepare.ts"
import type { Generation } from "./generation.ts"

export type Progress = {
  /** 0 to 100 in whole numbers; 100 when it has succeeded and not before. */
  progress: number
  /** Until the end; 0 when it is there. */
  estimatedSeconds: number
}

export type State = {
  phase: "queued" | "running" | "succeeded" | "over"
  /** Since the vendor was first called. */
  runningMs: number
  /** What pictures of this model usually take. */
  usualMs: number
  /** How many generations are to be begun before this one, and how many are worked on at once. */
  ahead: number
  atOnce: number
  /** The most that the vendor has told, in percent. */
  told: number
}

/**
 * Comes near the end and never quite there, however long it takes: what takes ten times as long as usual still moves.
 * With the same `usualMs` it never falls as time goes by.
 */
export function progressOf({ phase, runningMs, usualMs, ahead, atOnce, told }: State): Progress {
  if (phase === "succeeded") return { progress: 100, estimatedSeconds: 0 }
  const passed = Math.max(0, runningMs) / usualMs
  const byTime = phase === "queued" ? 0 : 95 * (1 - Math.exp(-1.5 * passed))
  const progress = Math.min(99, Math.floor(Math.max(byTime, Math.min(told, 99))))
  if (phase === "over") return { progress, estimatedSeconds: 0 }
  const rounds = phase === "queued" ? 1 + Math.floor(ahead / Math.max(1, atOnce)) : 1
  const leftMs = Math.max(usualMs * rounds - Math.max(0, runningMs), usualMs / 10)
  return { progress, estimatedSeconds: Math.ceil(leftMs / 1000) }
}

// Before a model has made its first picture here.
const unknownMs = 20_000
const sampleSize = 50

/**
 * The middle of what the last successes took, of those that had ended when this one was accepted: so that it stays the
 * same for as long as somebody looks.
 */
async function usualOf(queries: Queries, { model, mode, createdAt }: Generation): Promise<number> {
  const { rows } = await selectLast(queries, { model, mode, createdAt })
  const took = rows
    .map(({ started_at, finished_at }) => finished_at! - (started_at ?? finished_at!))
    .sort((a, b) => a - b)
  return Math.max(1, took[took.length >> 1] ?? unknownMs)
}

const selectLast = prepare((queries, { model, mode, createdAt }: Pick<Generation, "model" | "mode" | "createdAt">) =>
  queries
    .selectFrom("generations")
    .select(["started_at", "finished_at"])
    .where("model", "=", model)
    .where("mode", "=", mode)
    .where("status", "=", "succeeded")
    .where("finished_at", "<=", createdAt)
    .orderBy("finished_at", "desc")
    .limit(sampleSize),
)

// Further back in line nobody is told more than that it takes long: a backlog can be long, and who waits asks often.
const roundsMax = 100

/** When those were accepted that have not begun, the first of them: no further than it matters. */
async function lineNow(queries: Queries, atOnce: number): Promise<number[]> {
  const line = queries.selectFrom("generations").select("created_at").where("status", "=", "queued")
  const rows = await line
    .orderBy("created_at")
    .limit(roundsMax * atOnce)
    .execute()
  return rows.map(({ created_at }) => created_at)
}

/** How many of the times, which are in order, are before this one. */
function countBefore(times: number[], time: number): number {
  let [from, to] = [0, times.length]
  while (from < to) {
    const middle = (from + to) >> 1
    if (times[middle]! < time) from = middle + 1
    else to = middle
  }
  return from
}

async function toldOf(queries: Queries, id: string): Promise<number> {
  const { rows } = await selectTold(queries, { id })
  return Math.max(
    0,
    ...rows.map(({ data_json }) => Number((JSON.parse(data_json) as { percent?: number }).percent ?? 0)),
  )
}

const selectTold = prepare((queries, { id }: { id: string }) =>
  queries.selectFrom("events").select("data_json").where("generation_id", "=", id).where("type", "=", "progress"),
)

type Known = {
  /** By generation: it never changes. */
  usual: Map<string, Promise<number>>
  line: Promise<number[]>
  lineUntil: number
}

const usualMax = 10_000
const lineKnownForMs = 1_000
// Who waits asks again and again, and none of this has to be read anew for each answer.
const knownOf = new WeakMap<Queries, Known>()

function known(queries: Queries): Known {
  const last = knownOf.get(queries)
  if (last) return last
  const nothing = { usual: new Map(), line: Promise.resolve([]), lineUntil: 0 }
  knownOf.set(queries, nothing)
  return nothing
}

function knownUsual(queries: Queries, generation: Generation): Promise<number> {
  const { usual } = known(queries)
  const last = usual.get(generation.id)
  if (last) return last
  if (usual.size >= usualMax) usual.clear()
  const reading = usualOf(queries, generation)
  usual.set(generation.id, reading)
  reading.catch(() => usual.delete(generation.id))
  return reading
}

/** As it was at most a second ago. */
async function knownAhead(queries: Queries, { createdAt }: Generation, atOnce: number, now: number): Promise<number> {
  const last = known(queries)
  if (now >= last.lineUntil || last.lineUntil > now + lineKnownForMs) {
    last.line = lineNow(queries, atOnce)
    last.lineUntil = now + lineKnownForMs
    last.line.catch(() => (last.lineUntil = 0))
  }
  return countBefore(await last.line, createdAt)
}

const phases = {
  queued: "queued",
  running: "running",
  succeeded: "succeeded",
  failed: "over",
  canceled: "over",
} as const

/** As it is now. */
export async function progressNow(
  { database, clock, config }: Pick<App, "database" | "clock" | "config">,
  generation: Generation,
): Promise<Progress> {
  const { id, status, startedAt, finishedAt } = generation
  if (status === "succeeded") return { progress: 100, estimatedSeconds: 0 }
  const { query } = database
  const now = clock.now()
  return progressOf({
    phase: phases[status],
    runningMs: startedAt === undefined ? 0 : (finishedAt ?? now) - startedAt,
    usualMs: await knownUsual(query, generation),
    ahead: status === "queued" ? await knownAhead(query, generation, config.concurrency, now) : 0,
    atOnce: config.concurrency,
    told: await toldOf(query, id),
  })
}
