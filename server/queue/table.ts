// The queue as a table of the product's own database.
import { randomUUID } from "node:crypto"
import { sql } from "kysely"
import type { Database, Queries } from "../database/database.ts"
import { leaseMs, LeaseLost } from "./queue.ts"
import type { Job, NewJob, Queue } from "./queue.ts"

type Clock = { now: () => number }

export function tableQueue(database: Database, clock: Clock): Queue {
  const free = (now: number) => sql<boolean>`due_at <= ${now} and (leased_until is null or leased_until < ${now})`

  async function owned(tx: Queries, job: Job, changed: Promise<{ numUpdatedRows: bigint }>) {
    if ((await changed).numUpdatedRows === 0n) throw new LeaseLost(job)
  }

  const mine = (tx: Queries, job: Job) => tx.updateTable("jobs").where("id", "=", job.id).where("fence", "=", job.fence)

  return {
    async add(tx, { kind, subject, dueAt, claimed }: NewJob) {
      const id = randomUUID()
      const leased_until = claimed ? clock.now() + leaseMs : null
      await tx.insertInto("jobs").values({ id, kind, subject, due_at: dueAt, leased_until, fence: 1 }).execute()
      return { id, kind, subject, fence: 1 }
    },
    async claim(limit) {
      const now = clock.now()
      return database.transaction(async (tx) => {
        const due = await tx.selectFrom("jobs").selectAll().where(free(now)).orderBy("due_at").limit(limit).execute()
        for (const { id } of due) {
          const taken = tx.updateTable("jobs").set({ leased_until: now + leaseMs, fence: sql`fence + 1` })
          await taken.where("id", "=", id).execute()
        }
        return due.map(({ id, kind, subject, fence }) => ({ id, kind, subject, fence: fence + 1 }))
      })
    },
    async renew(job) {
      const until = { leased_until: clock.now() + leaseMs }
      const { numUpdatedRows } = await mine(database.query, job).set(until).executeTakeFirstOrThrow()
      return numUpdatedRows > 0n
    },
    hold: (tx, job) =>
      owned(
        tx,
        job,
        mine(tx, job)
          .set({ leased_until: clock.now() + leaseMs })
          .executeTakeFirstOrThrow(),
      ),
    later: (tx, job, dueAt) =>
      owned(tx, job, mine(tx, job).set({ leased_until: null, due_at: dueAt }).executeTakeFirstOrThrow()),
    async done(tx, job) {
      const gone = tx.deleteFrom("jobs").where("id", "=", job.id).where("fence", "=", job.fence)
      if ((await gone.executeTakeFirstOrThrow()).numDeletedRows === 0n) throw new LeaseLost(job)
    },
    async releaseAll() {
      await database.query
        .updateTable("jobs")
        .set({ leased_until: null, fence: sql`fence + 1` })
        .execute()
    },
    async nextDue() {
      const row = await database.query
        .selectFrom("jobs")
        .select((eb) => eb.fn.min(sql<number>`coalesce(leased_until, due_at)`).as("due"))
        .executeTakeFirst()
      return row?.due ?? undefined
    },
  }
}
