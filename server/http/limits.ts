// How often a project may ask for work, by the generic cell rate algorithm: as many at once as the plan has in an hour, and
// from then on evenly as they come back.

export type Limit = { requests: number; seconds: number }

export type Verdict = {
  allowed: boolean
  limit: Limit
  /** How many more would be let through now. */
  remaining: number
  /** Until the whole limit is there again. */
  resetSeconds: number
  /** Until one more would be let through; 0 where one would now. */
  retryAfterSeconds: number
}

export type Limiter = {
  /** Counts one request if it is let through. */
  take: (key: string, limit: Limit, now: number) => Promise<Verdict>
  /** The same, without counting. What is told may be a second old; what is let through never is. */
  look: (key: string, limit: Limit, now: number) => Promise<Verdict>
}

/** As much as the clocks of several servers may differ. */
export const clocksDifferMs = 60_000

// A hair's breadth, since thirds of a second do not add up exactly.
export const hairMs = 0.001

const intervalOf = ({ requests, seconds }: Limit): number => (seconds * 1000) / requests

/**
 * Whether one more may come, where by an even pace the last that was let through would have come at `known`. `before` is
 * that time as it counts now, and `after` what it is once one more is let through.
 */
export function judge(known: number, limit: Limit, now: number) {
  const windowMs = limit.seconds * 1000
  // Further ahead than the limit reaches, only a clock that was set back can have put it.
  const before = known - now > windowMs + clocksDifferMs ? now : Math.max(known, now)
  const after = before + intervalOf(limit)
  return { allowed: after - now <= windowMs + hairMs, before, after }
}

/** What is said of a request, where `arrival` is the last one's that was let through: its own, if it was. */
export function verdictOf(limit: Limit, arrival: number, now: number, allowed: boolean): Verdict {
  const { seconds } = limit
  const intervalMs = intervalOf(limit)
  const aheadMs = Math.max(0, arrival - now)
  return {
    ...{ allowed, limit },
    remaining: Math.max(0, Math.floor((seconds * 1000 - aheadMs + hairMs) / intervalMs)),
    resetSeconds: Math.ceil(aheadMs / 1000),
    retryAfterSeconds: allowed ? 0 : Math.max(1, Math.ceil((aheadMs + intervalMs) / 1000 - seconds)),
  }
}

export const keysMax = 100_000

/** Kept in memory: a restart forgets what was asked before it. */
export function createLimiter(): Limiter {
  const arrivals = new Map<string, number>()

  function remember(key: string, arrival: number, now: number) {
    if (arrivals.size >= keysMax) for (const [old, at] of arrivals) if (at <= now) arrivals.delete(old)
    arrivals.set(key, arrival)
  }

  return {
    async take(key, limit, now) {
      const { allowed, before, after } = judge(arrivals.get(key) ?? 0, limit, now)
      if (allowed) remember(key, after, now)
      return verdictOf(limit, allowed ? after : before, now, allowed)
    },
    async look(key, limit, now) {
      const { allowed, before } = judge(arrivals.get(key) ?? 0, limit, now)
      return verdictOf(limit, before, now, allowed)
    },
  }
}

/** The older headers that the documents promise, and those of the IETF's draft. */
export function limitHeaders({ limit, remaining, resetSeconds }: Verdict, now: number): Record<string, string> {
  const { requests, seconds } = limit
  return {
    "x-ratelimit-limit": String(requests),
    "x-ratelimit-remaining": String(remaining),
    "x-ratelimit-reset": String(Math.ceil(now / 1000) + resetSeconds),
    "ratelimit-policy": `"default";q=${requests};w=${seconds}`,
    ratelimit: `"default";r=${remaining};t=${resetSeconds}`,
  }
}
