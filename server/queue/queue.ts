// Work that must be done even if the process that took it on dies. Delivered at least once; a fence tells who may write.
import type { Queries } from "../database/database.ts"

export type Job = {
  id: string
  kind: string
  subject: string
  /** The number of this claim; a later claim has a higher one, and then this one's writes are refused. */
  fence: number
}

export type NewJob = {
  kind: string
  /** At most one job of a kind is there for a subject. */
  subject: string
  /** Milliseconds since 1970. */
  dueAt: number
  /** Whether the caller itself starts on it at once; then nobody else gets it while the lease holds. */
  claimed: boolean
}

export type Queue = {
  /** Adds a job inside the caller's transaction: it exists if, and only if, that commits. */
  add: (tx: Queries, job: NewJob) => Promise<Job>
  /** Takes up to `limit` jobs that are due and that nobody holds. */
  claim: (limit: number) => Promise<Job[]>
  /** Keeps the lease alive; false where someone else has the job by now. */
  renew: (job: Job) => Promise<boolean>
  /** Fails the caller's transaction with LeaseLost unless the job is still his. */
  hold: (tx: Queries, job: Job) => Promise<void>
  /** Gives the job back, to be done at a later time. Fails as `hold` does. */
  later: (tx: Queries, job: Job, dueAt: number) => Promise<void>
  /** The job is done. Fails as `hold` does. */
  done: (tx: Queries, job: Job) => Promise<void>
  /** Frees every lease. Only for a process that knows it is the only one. */
  releaseAll: () => Promise<void>
  /** When the next job that nobody holds is due. */
  nextDue: () => Promise<number | undefined>
}

export const leaseMs = 30_000
export const renewEveryMs = 10_000

export class LeaseLost extends Error {
  constructor(job: Job) {
    super(`job ${job.id} was taken over by another worker`)
    this.name = "LeaseLost"
  }
}
