// The queue as a table of the product's own database.
import { randomUUID } from "node:crypto"
import { sql } from "kysely"
import type { Database, Queries } from "../database/database.ts"
import { prepare } from "../database/prepare.ts"
import type { JobRow } from "../database/tables/queue.ts"
import { claim } from "./claim.ts"
import { leaseMs, LeaseLost } from "./queue.ts"
import type { Depth, Job, Limits, NewJob, Onward, Queue } from "./queue.ts"
import { fits } from "./room.ts"

type Clock = { now: () => number }

export function tableQueue(database: Database, clock: Clock): Queue {
  return {
    add: (tx, job) => add(tx, job, clock.now()),
    claim: (count, limits) => claimIfAny(database, count, limits, clock.now()),
    renew: (job) => renew(database.query, job, clock.now()),
    hold,
    later: (tx, job, dueAt, onward) => later(tx, job, dueAt, onward),
    done,
    cancel: (tx, job) => cancel(tx, job, clock.now()),
    releaseAll: () => releaseAll(database.query, clock.now()),
    depth: () => depth(database.query, clock.now()),
    nextDue: () => nextDue(database.query, clock.now()),
  }
}

async function add(tx: Queries, wanted: NewJob, now: number): Promise<Job & { claimed: boolean }> {
  const { kind, subject, dueAt, projectId = "", lane = kind, priority = 0, deadlineAt, room = {} } = wanted
  const claimed = wanted.claimed && (await fits(tx, { kind, projectId, lane }, room, now))
  const id = randomUUID()
  const until = now + leaseMs
  const times = claimed
    ? { due_at: until, leased_until: until }
    : { due_at: Math.min(dueAt, deadlineAt ?? dueAt), leased_until: null }
  const turn = { project_id: projectId, lane, places: 0, priority, deadline_at: deadlineAt ?? null }
  await insertJob(tx, { id, kind, subject, ...times, ...turn, fence: 1 })
  return { id, kind, subject, fence: 1, overdue: false, claimed }
}

const insertJob = prepare((tx, row: JobRow) => tx.insertInto("jobs").values(row))

/** A transaction costs others their turn, and most looks find nothing. */
async function claimIfAny(database: Database, count: number, limits: Limits = {}, now: number): Promise<Job[]> {
  if ((await selectDue(database.query, { now })).rows.length === 0) return []
  return database.transaction((tx) => claim(tx, count, limits, now))
}

const selectDue = prepare((queries, { now }: { now: number }) =>
  queries.selectFrom("jobs").select("id").where("due_at", "<=", now).orderBy("due_at").limit(1),
)

// Held by a worker: the lease runs, and the job falls due again with its end.
const isHeld = sql<boolean>`leased_until is not null and due_at = leased_until`

/** False where the job has another fence by now, was given back meanwhile, or is gone. */
async function renew(queries: Queries, { id, fence }: Job, now: number): Promise<boolean> {
  const until = { due_at: now + leaseMs, leased_until: now + leaseMs }
  const mine = queries.updateTable("jobs").set(until).where("id", "=", id).where("fence", "=", fence).where(isHeld)
  return (await mine.executeTakeFirstOrThrow()).numUpdatedRows > 0n
}

/** Reads only: the heartbeat keeps the lease, and a claim in between would have changed the fence. */
async function hold(tx: Queries, job: Job): Promise<void> {
  const { id, fence } = job
  if ((await selectMine(tx, { id, fence })).rows.length === 0) throw new LeaseLost(job)
}

type Claimed = { id: string; fence: number }

const selectMine = prepare((tx, { id, fence }: Claimed) =>
  tx.selectFrom("jobs").select("id").where("id", "=", id).where("fence", "=", fence),
)

async function later(tx: Queries, job: Job, dueAt: number, { lane, places = 0 }: Onward = {}): Promise<void> {
  // Places are kept a while longer than the job waits, until somebody has had the time to take it.
  const leased_until = places > 0 ? dueAt + leaseMs : null
  const { id, fence } = job
  const change = { id, fence, due_at: dueAt, leased_until, places, deadline_at: null }
  const changed = lane === undefined ? await updateMine(tx, change) : await moveMine(tx, { ...change, lane })
  if (changed.numAffectedRows === 0n) throw new LeaseLost(job)
}

const changeMine = () =>
  prepare((tx, { id, fence, ...change }: Claimed & Partial<JobRow>) =>
    tx.updateTable("jobs").set(change).where("id", "=", id).where("fence", "=", fence),
  )

// The lane is a column more, and so another text.
const [updateMine, moveMine] = [changeMine(), changeMine()]

async function done(tx: Queries, job: Job): Promise<void> {
  const { id, fence } = job
  if ((await deleteMine(tx, { id, fence })).numAffectedRows === 0n) throw new LeaseLost(job)
}

const deleteMine = prepare((tx, { id, fence }: Claimed) =>
  tx.deleteFrom("jobs").where("id", "=", id).where("fence", "=", fence),
)

async function cancel(tx: Queries, { kind, subject }: Pick<NewJob, "kind" | "subject">, now: number): Promise<boolean> {
  const isFree = sql<boolean>`(leased_until is null or due_at <> leased_until or leased_until <= ${now})`
  const gone = tx.deleteFrom("jobs").where("kind", "=", kind).where("subject", "=", subject).where(isFree)
  return (await gone.executeTakeFirstOrThrow()).numDeletedRows > 0n
}

async function releaseAll(queries: Queries, now: number): Promise<void> {
  const freed = { leased_until: null, due_at: now, fence: sql<number>`fence + 1` }
  await queries.updateTable("jobs").set(freed).where(isHeld).execute()
}

async function depth(queries: Queries, now: number): Promise<Depth> {
  const state = sql<Depth[number]["state"]>`case
    when ${isHeld} and leased_until > ${now} then 'held' when due_at <= ${now} then 'due' else 'later' end`
  const counted = queries
    .selectFrom("jobs")
    .select(["kind", state.as("state"), sql<number>`count(*)`.as("jobs")])
    .groupBy(["kind", sql`2`])
  return counted.execute()
}

async function nextDue(queries: Queries, now: number): Promise<number | undefined> {
  return (await selectNext(queries, { now })).rows[0]?.due ?? undefined
}

const selectNext = prepare((queries, { now }: { now: number }) =>
  queries
    .selectFrom("jobs")
    .select((eb) => eb.fn.min("due_at").as("due"))
    .where("due_at", ">", now),
)
