// How far a generation is, and how long it will likely take: from its place in line, its vendor's word, and what pictures
// of the same model have taken before.
import type { App } from "../app.ts"
import type { Queries } from "../database/database.ts"
import { hasEnded } from "./generation.ts"
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
  const rows = await queries
    .selectFrom("generations")
    .select(["started_at", "finished_at"])
    .where("model", "=", model)
    .where("mode", "=", mode)
    .where("status", "=", "succeeded")
    .where("finished_at", "<=", createdAt)
    .orderBy("finished_at", "desc")
    .limit(sampleSize)
    .execute()
  const took = rows
    .map(({ started_at, finished_at }) => finished_at! - (started_at ?? finished_at!))
    .sort((a, b) => a - b)
  return Math.max(1, took[took.length >> 1] ?? unknownMs)
}

// Further back in line nobody is told more than that it takes long: counting a backlog is dear, and who waits asks often.
const roundsMax = 100

/** Counts no further than it matters. */
async function aheadOf(queries: Queries, { createdAt }: Generation, atOnce: number): Promise<number> {
  const { count } = await queries
    .selectFrom(({ selectFrom }) =>
      selectFrom("generations")
        .select("created_at")
        .where("status", "=", "queued")
        .where("created_at", "<", createdAt)
        .limit(roundsMax * atOnce)
        .as("ahead"),
    )
    .select((eb) => eb.fn.countAll<number>().as("count"))
    .executeTakeFirstOrThrow()
  return Number(count)
}

async function toldOf(queries: Queries, id: string): Promise<number> {
  const events = queries.selectFrom("events").select("data_json").where("generation_id", "=", id)
  const rows = await events.where("type", "=", "progress").execute()
  return Math.max(
    0,
    ...rows.map(({ data_json }) => Number((JSON.parse(data_json) as { percent?: number }).percent ?? 0)),
  )
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
  const until = finishedAt ?? clock.now()
  return progressOf({
    phase: phases[status],
    runningMs: startedAt === undefined ? 0 : until - startedAt,
    usualMs: await usualOf(query, generation),
    ahead: hasEnded(status) || status === "running" ? 0 : await aheadOf(query, generation, config.concurrency),
    atOnce: config.concurrency,
    told: await toldOf(query, id),
  })
}
