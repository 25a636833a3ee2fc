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
  take: (key: string, limit: Limit, now: number) => Verdict
  /** The same, without counting. */
  look: (key: string, limit: Limit, now: number) => Verdict
}

const keysMax = 100_000

/** Kept in memory: a restart forgets what was asked before it. */
export function createLimiter(): Limiter {
  // When, by an even pace, the last request that was let through would have come.
  const arrivals = new Map<string, number>()

  function judge(key: string, limit: Limit, now: number, counts: boolean): Verdict {
    const { requests, seconds } = limit
    const intervalMs = (seconds * 1000) / requests
    const known = arrivals.get(key) ?? 0
    // Further ahead than the limit reaches, only a clock that was set back can have put it.
    const before = known - now > seconds * 1000 ? now : Math.max(known, now)
    const after = before + intervalMs
    // A hair's breadth, since thirds of a second do not add up exactly.
    const allowed = after - now <= seconds * 1000 + 0.001
    if (allowed && counts) remember(key, after, now)
    const arrival = allowed && counts ? after : before
    const room = seconds * 1000 - (arrival - now)
    return {
      ...{ allowed, limit },
      remaining: Math.max(0, Math.floor((room + 0.001) / intervalMs)),
      resetSeconds: Math.max(0, Math.ceil((arrival - now) / 1000)),
      retryAfterSeconds: allowed ? 0 : Math.max(1, Math.ceil((after - now) / 1000 - seconds)),
    }
  }

  function remember(key: string, arrival: number, now: number) {
    if (arrivals.size >= keysMax) for (const [old, at] of arrivals) if (at <= now) arrivals.delete(old)
    arrivals.set(key, arrival)
  }

  return {
    take: (key, limit, now) => judge(key, limit, now, true),
    look: (key, limit, now) => judge(key, limit, now, false),
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
