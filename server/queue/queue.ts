// Work that must be done even if the process that took it on dies. Delivered at least once; a fence tells who may write.
import type { Queries } from "../database/database.ts"

export type Job = {
  id: string
  kind: string
  subject: string
  /** The number of this claim; a later claim has a higher one, and then this one's writes are refused. */
  fence: number
  /** Nobody began on it before its deadline: all that is left to do is to say so. */
  overdue: boolean
}

export type NewJob = {
  kind: string
  /** At most one job of a kind is there for a subject. */
  subject: string
  /** Milliseconds since 1970. */
  dueAt: number
  /** Whether the caller itself wants to start on it at once; then nobody else gets it while the lease holds. */
  claimed: boolean
  /** What a caller who wants to start at once has to leave room in. */
  room?: Room
  /** Whose turn it takes. Jobs of the house itself have none. */
  projectId?: string
  /** What it needs a place in, such as the vendor it is about to call; by default a lane for jobs of its kind. */
  lane?: string
  /** Within its project the higher goes first; 0 by default. */
  priority?: number
  /** When nobody has begun on it by then, it is handed out as overdue, past every limit. */
  deadlineAt?: number
}

/**
 * How many may be at work at once in the job's lane, and of its project's jobs of its kind. Where so many are, or others
 * wait in the lane already, the caller does not start: the job waits its turn like any other.
 */
export type Room = { lane?: number | undefined; project?: number | undefined }

/** How many may be at work at once. What is not named has no limit of its own. */
export type Limits = {
  lanes?: Record<string, number>
  /** Of a project's jobs of this kind, by the name of the project's plan. */
  perProject?: { kind: string; ofPlan: (plan: string) => number | undefined }
}

/** Where a job that is given back goes on. */
export type Onward = {
  lane?: string
  /** How many places of its lane it keeps while it waits, because something it began goes on elsewhere; 0 by default. */
  places?: number
}

export type Depth = { kind: string; state: "held" | "due" | "later"; jobs: number }[]

export type Queue = {
  /**
   * Adds a job inside the caller's transaction: it exists if, and only if, that commits. `claimed` tells whether it is
   * the caller's to start on.
   */
  add: (tx: Queries, job: NewJob) => Promise<Job & { claimed: boolean }>
  /**
   * Takes up to `count` jobs that are due and that nobody holds. The project with the fewest at work is next, and among
   * equals they take turns; of a project the job with the highest priority is next, and among equals the one due first.
   * Jobs whose lane or project is full are left for later. Every job that is held counts, whoever holds it.
   */
  claim: (count: number, limits?: Limits) => Promise<Job[]>
  /** Keeps the lease alive; false where it is no longer this claim's to keep. */
  renew: (job: Job) => Promise<boolean>
  /** Fails the caller's transaction with LeaseLost unless the job is still his. */
  hold: (tx: Queries, job: Job) => Promise<void>
  /** Gives the job back, to be done at a later time. It has begun, so its deadline is met. Fails as `hold` does. */
  later: (tx: Queries, job: Job, dueAt: number, onward?: Onward) => Promise<void>
  /** The job is done. Fails as `hold` does. */
  done: (tx: Queries, job: Job) => Promise<void>
  /** Removes a job that nobody is working on. False where there is none: whoever works on it has to be told. */
  cancel: (tx: Queries, job: Pick<NewJob, "kind" | "subject">) => Promise<boolean>
  /** Frees every lease. Only for a process that knows it is the only one. */
  releaseAll: () => Promise<void>
  /** How many jobs of each kind somebody is on, are due, and wait for their time. */
  depth: () => Promise<Depth>
  /** When the next job falls due that is not yet. */
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
