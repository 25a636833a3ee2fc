// So many at a time; the others wait, first come first served, for a while.
import { GatewayError } from "../errors.ts"

export type TurnLimits = { atOnceMax: number; waitingMax: number; waitMaxMs: number }

/**
 * Rejects with `unavailable` where too many wait already, or the wait is too long. Once `over` is aborted the work waits
 * no longer, and leaves its place to another.
 */
export type InTurn = <T>(work: () => Promise<T>, over?: AbortSignal) => Promise<T>

export function createTurns({ atOnceMax, waitingMax, waitMaxMs }: TurnLimits): InTurn {
  const waiting = new Set<() => void>()
  let taken = 0

  async function wait(over: AbortSignal | undefined) {
    if (over?.aborted || waiting.size >= waitingMax) throw tooMany()
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const leave = () => {
      waiting.delete(resolve)
      reject(tooMany())
    }
    const timer = setTimeout(leave, waitMaxMs)
    over?.addEventListener("abort", leave)
    waiting.add(resolve)
    try {
      await promise
    } finally {
      clearTimeout(timer)
      over?.removeEventListener("abort", leave)
    }
  }

  function give() {
    const [next] = waiting
    if (!next) return void taken--
    waiting.delete(next)
    next()
  }

  return async (work, over) => {
    if (taken < atOnceMax) taken++
    else await wait(over)
    try {
      return await work()
    } finally {
      give()
    }
  }
}

const tooMany = () =>
  new GatewayError({
    code: "unavailable",
    detail: "Too many pictures are waiting to be worked on; try again later.",
    retryAfterSeconds: 10,
  })
