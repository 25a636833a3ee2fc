// The queue as a table of the product's own database.
import { randomUUID } from "node:crypto"
import { sql } from "kysely"
import type { Database, Queries } from "../database/database.ts"
import { leaseMs, LeaseLost } from "./queue.ts"
import type { Job, NewJob, Queue } from "./queue.ts"

type Clock = { now: () => number }

export function tableQueue(database: Database, clock: Clock): Queue {
  return {
    add: (tx, job) => add(tx, job, clock.now()),
    claim: (limit) => database.transaction((tx) => claim(tx, limit, clock.now())),
    renew: (job) => change(database.query, job, { leased_until: clock.now() + leaseMs }),
    hold,
    later: (tx, job, dueAt) => changeOrLose(tx, job, { leased_until: null, due_at: dueAt }),
    done,
    async releaseAll() {
      const freed = { leased_until: null, fence: sql<number>`fence + 1` }
      await database.query.updateTable("jobs").set(freed).execute()
    },
    nextDue: () => nextDue(database.query),
  }
}

async function add(tx: Queries, { kind, subject, dueAt, claimed }: NewJob, now: number): Promise<Job> {
  const id = randomUUID()
  const leased_until = claimed ? now + leaseMs : null
  await tx.insertInto("jobs").values({ id, kind, subject, due_at: dueAt, leased_until, fence: 1 }).execute()
  return { id, kind, subject, fence: 1 }
}

async function claim(tx: Queries, limit: number, now: number): Promise<Job[]> {
  const free = sql<boolean>`due_at <= ${now} and (leased_until is null or leased_until < ${now})`
  const due = await tx.selectFrom("jobs").selectAll().where(free).orderBy("due_at").limit(limit).execute()
  for (const { id, fence } of due) {
    const taken = { leased_until: now + leaseMs, fence: fence + 1 }
    await tx.updateTable("jobs").set(taken).where("id", "=", id).execute()
  }
  return due.map(({ id, kind, subject, fence }) => ({ id, kind, subject, fence: fence + 1 }))
}

/** Reads only: the heartbeat keeps the lease, and a claim in between would have changed the fence. */
async function hold(tx: Queries, job: Job): Promise<void> {
  const mine = tx.selectFrom("jobs").select("id").where("id", "=", job.id).where("fence", "=", job.fence)
  if (!(await mine.executeTakeFirst())) throw new LeaseLost(job)
}

type Change = { leased_until: number | null; due_at?: number }

/** False where the job has another fence by now, or is gone. */
async function change(queries: Queries, { id, fence }: Job, to: Change): Promise<boolean> {
  const changed = queries.updateTable("jobs").set(to).where("id", "=", id).where("fence", "=", fence)
  return (await changed.executeTakeFirstOrThrow()).numUpdatedRows > 0n
}

async function changeOrLose(tx: Queries, job: Job, to: Change): Promise<void> {
  if (!(await change(tx, job, to))) throw new LeaseLost(job)
}

async function done(tx: Queries, job: Job): Promise<void> {
  const gone = tx.deleteFrom("jobs").where("id", "=", job.id).where("fence", "=", job.fence)
  if ((await gone.executeTakeFirstOrThrow()).numDeletedRows === 0n) throw new LeaseLost(job)
}

async function nextDue(queries: Queries): Promise<number | undefined> {
  const earliest = sql<number>`coalesce(leased_until, due_at)`
  const row = await queries
    .selectFrom("jobs")
    .select((eb) => eb.fn.min(earliest).as("due"))
    .executeTakeFirst()
  return row?.due ?? undefined
}
