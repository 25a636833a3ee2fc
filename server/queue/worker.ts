// Does jobs as they fall due, a bounded number at a time, and keeps their leases alive meanwhile.
import { renewEveryMs } from "./queue.ts"
import type { Job, Limits, Queue } from "./queue.ts"

export type Handlers = Record<string, (job: Job) => Promise<void>>

export type Worker = {
  /** Does a job that this process added and claimed in one go, outside the limit: its caller is waiting. */
  run: (job: Job) => Promise<void>
  /** Says that something may be due now or at that time. */
  wake: (dueAt?: number) => void
  /** Takes nothing new on and waits for what is under way. */
  stop: () => Promise<void>
}

export type WorkerOptions = {
  concurrency: number
  limits?: Limits
  onError: (job: Job, error: unknown) => void
}

// Another process may add jobs without this one hearing of it.
const lookEveryMs = 1_000

export function startWorker(queue: Queue, handlers: Handlers, options: WorkerOptions): Worker {
  // A project alone may have all there is, also what further servers on the same database can do.
  const { concurrency, limits = {}, onError } = options
  const running = new Set<Promise<void>>()
  const alarm = createAlarm(look)
  let looking: Promise<void> | undefined
  let rungMeanwhile = false
  let stopped = false

  function track(job: Job): Promise<void> {
    const work = perform(queue, handlers, job, onError).finally(() => {
      running.delete(work)
      // Its end may have made room in a lane or for its project.
      alarm.set(Date.now())
    })
    running.add(work)
    return work
  }

  function look() {
    rungMeanwhile = looking !== undefined
    if (stopped || looking) return
    looking = takeDue()
      .catch(() => undefined)
      .finally(() => {
        looking = undefined
        alarm.set(Date.now() + (rungMeanwhile ? 0 : lookEveryMs))
      })
  }

  async function takeDue() {
    while (!stopped && running.size < concurrency) {
      const jobs = await queue.claim(concurrency - running.size, limits)
      if (jobs.length === 0) break
      for (const job of jobs) void track(job)
    }
    // What is due and was not handed out waits for room, and is looked for when a job ends.
    const next = await queue.nextDue()
    if (next !== undefined && running.size < concurrency) alarm.set(Math.max(next, Date.now() + 1))
  }

  look()
  return {
    run: track,
    wake: (dueAt = Date.now()) => alarm.set(dueAt),
    async stop() {
      stopped = true
      alarm.stop()
      // What it claims at this moment is under way as well.
      await looking
      await Promise.allSettled(running)
    },
  }
}

async function perform(queue: Queue, handlers: Handlers, job: Job, onError: WorkerOptions["onError"]) {
  const renew = () => void queue.renew(job).catch((error: unknown) => onError(job, error))
  const heartbeat = setInterval(renew, renewEveryMs)
  try {
    await handlers[job.kind]!(job)
  } catch (error) {
    // The lease runs out and the job is done again; a job that failed once must not be spun on.
    onError(job, error)
  } finally {
    clearInterval(heartbeat)
  }
}

// A timer set to more rings at once. Ringing early does no harm: nothing is due, and it is set again.
const timerMaxMs = 2 ** 31 - 1

/** Rings at the earliest of the times it was set to, and then has to be set again. */
function createAlarm(ring: () => void) {
  let timer: NodeJS.Timeout | undefined
  let earliest = Number.POSITIVE_INFINITY
  let stopped = false
  return {
    set(at: number) {
      if (stopped || at >= earliest) return
      clearTimeout(timer)
      earliest = at
      timer = setTimeout(
        () => {
          earliest = Number.POSITIVE_INFINITY
          ring()
        },
        Math.min(Math.max(0, at - Date.now()), timerMaxMs),
      )
    },
    stop() {
      stopped = true
      clearTimeout(timer)
    },
  }
}
