// When a delivery is tried again, how long a slow receiver is left alone, and when it is given up.

const secondMs = 1_000
const minuteMs = 60 * secondMs
const hourMs = 60 * minuteMs
export const dayMs = 24 * hourMs

/** Before each try, counted from the one before: 75 h 35 min in all. */
const delaysMs = [
  0,
  5 * secondMs,
  5 * minuteMs,
  30 * minuteMs,
  2 * hourMs,
  5 * hourMs,
  10 * hourMs,
  14 * hourMs,
  20 * hourMs,
  24 * hourMs,
]

/** Milliseconds from the last of `tries` tries to the next; undefined where there is no other. `random` is 0 to 1. */
export function delayAfter(tries: number, random: number): number | undefined {
  const delay = delaysMs[tries]
  return delay === undefined ? undefined : Math.round(delay * (0.8 + 0.4 * random))
}

export const failingMaxMs = 5 * dayMs
export const replayMaxMs = 30 * dayMs
export const overlapMs = dayMs

const slowStatuses = [429, 502, 503, 504]
const pauseMs = minuteMs
const pauseMaxMs = dayMs

/** How long nothing is sent to a receiver that answered so. */
export function pauseAfter(status: number | undefined, retryAfter: string | undefined, now: number): number {
  if (status === undefined || (status >= 200 && status < 300)) return 0
  const wanted = retryAfter === undefined ? undefined : readRetryAfter(retryAfter, now)
  const pause = wanted ?? (slowStatuses.includes(status) ? pauseMs : 0)
  return Math.min(Math.max(0, pause), pauseMaxMs)
}

/** Seconds, or a date. */
function readRetryAfter(text: string, now: number): number | undefined {
  if (/^\d{1,9}$/.test(text)) return Number(text) * secondMs
  const date = Date.parse(text)
  return Number.isNaN(date) ? undefined : date - now
}
