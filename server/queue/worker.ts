// Does jobs as they fall due, a bounded number at a time, and keeps their leases alive meanwhile.
import { renewEveryMs } from "./queue.ts"
import type { Job, Queue } from "./queue.ts"

export type Handlers = Record<string, (job: Job) => Promise<void>>

export type Worker = {
  /** Does a job that this process added and claimed in one go, outside the limit: its caller is waiting. */
  run: (job: Job) => Promise<void>
  /** Says that something may be due now or at that time. */
  wake: (dueAt?: number) => void
  /** Takes nothing new on and waits for what is under way. */
  stop: () => Promise<void>
}

type Options = { concurrency: number; onError: (job: Job, error: unknown) => void }

// Another process may add jobs without this one hearing of it.
const lookEveryMs = 1_000

export function startWorker(queue: Queue, handlers: Handlers, { concurrency, onError }: Options): Worker {
  const running = new Set<Promise<void>>()
  let stopped = false
  let looking = false
  let again = false
  let timer: NodeJS.Timeout | undefined
  let timerAt = Number.POSITIVE_INFINITY

  async function perform(job: Job) {
    const heartbeat = setInterval(
      () => void queue.renew(job).catch((error: unknown) => onError(job, error)),
      renewEveryMs,
    )
    try {
      await handlers[job.kind]!(job)
    } catch (error) {
      // The lease runs out and the job is done again; a worker that failed once must not spin on it.
      onError(job, error)
    } finally {
      clearInterval(heartbeat)
    }
  }

  function track(job: Job): Promise<void> {
    const work = perform(job).finally(() => running.delete(work))
    running.add(work)
    return work
  }

  function schedule(at: number) {
    if (stopped || at >= timerAt) return
    clearTimeout(timer)
    timerAt = at
    timer = setTimeout(look, Math.max(0, at - Date.now()))
  }

  function look() {
    clearTimeout(timer)
    timerAt = Number.POSITIVE_INFINITY
    again = looking
    if (looking || stopped) return
    looking = true
    void takeDue()
      .catch(() => undefined)
      .finally(() => {
        looking = false
        schedule(again ? Date.now() : Date.now() + lookEveryMs)
      })
  }

  async function takeDue() {
    while (!stopped && running.size < concurrency) {
      const jobs = await queue.claim(concurrency - running.size)
      if (jobs.length === 0) break
      for (const job of jobs) void track(job).then(() => schedule(Date.now()))
    }
    const next = await queue.nextDue()
    if (next !== undefined && running.size < concurrency) schedule(Math.max(next, Date.now() + 1))
  }

  look()
  return {
    run: track,
    wake: (dueAt = Date.now()) => schedule(dueAt),
    async stop() {
      stopped = true
      clearTimeout(timer)
      await Promise.allSettled(running)
    },
  }
}
