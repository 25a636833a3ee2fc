// So many at a time; the others wait, first come first served, for a while.
import { GatewayError } from "../errors.ts"

export type Turns = {
  /** Rejects with `unavailable` where too many wait already, or the wait is too long. */
  take: () => Promise<void>
  give: () => void
}

export type TurnLimits = { atOnceMax: number; waitingMax: number; waitMaxMs: number }

export function createTurns({ atOnceMax, waitingMax, waitMaxMs }: TurnLimits): Turns {
  const waiting: (() => void)[] = []
  let taken = 0
  return {
    async take() {
      if (taken < atOnceMax) {
        taken++
        return
      }
      if (waiting.length >= waitingMax) throw tooMany()
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      const begin = () => {
        clearTimeout(timer)
        resolve()
      }
      const timer = setTimeout(() => {
        waiting.splice(waiting.indexOf(begin), 1)
        reject(tooMany())
      }, waitMaxMs)
      waiting.push(begin)
      await promise
    },
    give() {
      const next = waiting.shift()
      if (next) next()
      else taken--
    },
  }
}

const tooMany = () =>
  new GatewayError({
    code: "unavailable",
    detail: "Too many pictures are waiting to be checked; try again later.",
    retryAfterSeconds: 10,
  })
