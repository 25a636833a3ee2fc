// Limits in the database: one count for all servers on it, and for whatever is started after them.
import { sql } from "kysely"
import type { App } from "../app.ts"
import { prepare } from "../database/prepare.ts"
import { clocksDifferMs, hairMs, judge, keysMax, verdictOf } from "./limits.ts"
import type { Limit, Limiter } from "./limits.ts"

type Needs = Pick<App, "database" | "log">

/** How old may be what a request is told that does not count. */
const lagMs = 1_000

/**
 * One statement judges and counts, so that no two are let through in one place. While the database does not answer,
 * this process goes on counting by itself.
 */
export function tableLimiter(app: Needs): Limiter {
  const seen = new Map<string, { arrival: number; at: number }>()

  function note(key: string, arrival: number, now: number): number {
    if (seen.size >= keysMax) for (const [old, { at }] of seen) if (now - at > lagMs) seen.delete(old)
    seen.set(key, { arrival, at: now })
    return arrival
  }

  async function orUndefined<T>(work: Promise<T>): Promise<T | undefined> {
    try {
      return await work
    } catch (error) {
      app.log.error({ err: error }, "the limits in the database could not be reached")
      return undefined
    }
  }

  const lastSeen = (key: string): number => seen.get(key)?.arrival ?? 0

  async function read(key: string, now: number): Promise<number> {
    const arrival = await orUndefined(arrivalOf(app, key))
    return arrival === undefined ? lastSeen(key) : note(key, arrival, now)
  }

  return {
    async take(key, limit, now) {
      const counted = await orUndefined(count(app, key, limit, now))
      if (counted === "one too many") return verdictOf(limit, await read(key, now), now, false)
      const own = judge(lastSeen(key), limit, now)
      const allowed = counted !== undefined || own.allowed
      return verdictOf(limit, allowed ? note(key, counted ?? own.after, now) : own.before, now, allowed)
    },
    async look(key, limit, now) {
      const isFresh = Math.abs(now - (seen.get(key)?.at ?? 0)) <= lagMs
      const { allowed, before } = judge(isFresh ? lastSeen(key) : await read(key, now), limit, now)
      return verdictOf(limit, before, now, allowed)
    },
  }
}

/** What `judge` does, as a statement. Answers the arrival of the one that it let through. */
async function count(
  { database }: Needs,
  name: string,
  { requests, seconds }: Limit,
  now: number,
): Promise<number | "one too many"> {
  const windowMs = seconds * 1000
  const intervalMs = windowMs / requests
  const times = { latest: now + windowMs + hairMs, mistaken: now + windowMs + clocksDifferMs }
  const { rows } = await countOne(database.query, { name, now, intervalMs, first: now + intervalMs, ...times })
  return rows[0]?.arrives_at ?? "one too many"
}

/** In milliseconds; an arrival above `mistaken` can only have come of a clock that was set back. */
type Counted = { name: string; now: number; intervalMs: number; first: number; latest: number; mistaken: number }

const countOne = prepare((queries, { name, now, intervalMs, first, latest, mistaken }: Counted) => {
  const number = (value: number) => sql<number>`cast(${value} as double precision)`
  const before = sql<number>`case
    when limits.arrives_at <= ${number(now)} or limits.arrives_at > ${number(mistaken)}
    then ${number(now)} else limits.arrives_at end`
  const after = sql<number>`${before} + ${number(intervalMs)}`
  return queries
    .insertInto("limits")
    .values({ name, arrives_at: number(first) })
    .onConflict((conflict) =>
      conflict
        .column("name")
        .doUpdateSet({ arrives_at: after })
        .where(sql<boolean>`${after} <= ${number(latest)}`),
    )
    .returning("arrives_at")
})

const arrivalOf = async ({ database }: Needs, name: string): Promise<number> =>
  (await selectArrival(database.query, { name })).rows[0]?.arrives_at ?? 0

const selectArrival = prepare((queries, { name }: { name: string }) =>
  queries.selectFrom("limits").select("arrives_at").where("name", "=", name),
)

/** Forgets up to `count` that are whole again: a name that is not there has all of its limit. Answers how many. */
export async function forgetWholeLimits(
  { database, clock }: Pick<App, "database" | "clock">,
  count: number,
): Promise<number> {
  const whole = sql<boolean>`arrives_at <= cast(${clock.now() - clocksDifferMs} as double precision)`
  const names = database.query.selectFrom("limits").select("name").where(whole).limit(count)
  const gone = database.query.deleteFrom("limits").where("name", "in", names).where(whole)
  return Number((await gone.executeTakeFirstOrThrow()).numDeletedRows)
}
