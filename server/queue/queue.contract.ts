// What every queue promises: work is never lost, never done by two at a time, and whoever lost it changes nothing more.
import assert from "node:assert/strict"
import { beforeEach, describe, it } from "node:test"
import type { Database } from "../database/database.ts"
import { leaseMs, LeaseLost } from "./queue.ts"
import type { Job, NewJob, Queue } from "./queue.ts"
import { describeTurns } from "./turns.contract.ts"

/** A queue on an empty database; `another` is the same one as another process sees it. */
export type OpenQueue = { queue: Queue; database: Database; another: Queue }

const start = 1_700_000_000_000

export function describeQueue(name: string, open: (clock: { now: () => number }) => Promise<OpenQueue>) {
  const clock = { now: () => now }
  let now = start
  let queue: Queue
  let database: Database
  let another: Queue

  const add = (subject: string, facts: Partial<NewJob> = {}): Promise<Job> =>
    database.transaction((tx) => queue.add(tx, { kind: "paint", subject, dueAt: start, claimed: false, ...facts }))
  const subjects = (jobs: Job[]) => jobs.map(({ subject }) => subject)
  const hold = (job: Job) => database.transaction((tx) => queue.hold(tx, job))

  describe(`queue: ${name}`, () => {
    beforeEach(async () => {
      now = start
      ;({ queue, database, another } = await open(clock))
    })

    it("gives jobs that are due, the earliest first, each to one only", async () => {
      await add("second", { dueAt: start - 5 })
      await add("later", { dueAt: start + 1 })
      await add("first", { dueAt: start - 10 })
      await add("third")
      assert.deepEqual(subjects(await queue.claim(2)), ["first", "second"])
      assert.deepEqual(subjects(await queue.claim(10)), ["third"])
      assert.deepEqual(await queue.claim(10), [])
      now = start + 1
      assert.deepEqual(subjects(await queue.claim(10)), ["later"])
    })

    it("has a job if, and only if, the transaction that added it commits", async () => {
      const failing = database.transaction(async (tx) => {
        await queue.add(tx, { kind: "paint", subject: "never", dueAt: start, claimed: false })
        throw new Error("changed my mind")
      })
      await assert.rejects(failing, /changed my mind/)
      assert.deepEqual(await queue.claim(10), [])
      assert.equal(await queue.nextDue(), undefined)
    })

    it("has at most one job of a kind for a subject", async () => {
      await add("same")
      await assert.rejects(add("same"))
      await add("same", { kind: "frame" })
      assert.equal((await queue.claim(10)).length, 2)
    })

    it("keeps a job for who added it claimed, for as long as the lease", async () => {
      const mine = await add("mine", { claimed: true })
      now = start + leaseMs - 1
      assert.deepEqual(await queue.claim(10), [])
      await hold(mine)
      now = start + leaseMs
      const [taken] = await queue.claim(10)
      assert.ok(taken && taken.fence > mine.fence)
    })

    it("keeps a lease alive while it is renewed, and says when somebody else has the job", async () => {
      await add("long")
      const [job] = await queue.claim(1)
      for (let round = 0; round < 5; round++) {
        now += leaseMs - 1
        assert.equal(await queue.renew(job!), true)
        assert.deepEqual(await queue.claim(1), [])
      }
      now += leaseMs + 1
      assert.equal((await queue.claim(1)).length, 1)
      assert.equal(await queue.renew(job!), false)
    })

    it("undoes everything that who lost the job writes along", async () => {
      await add("contested")
      const [late] = await queue.claim(1)
      now += leaseMs + 1
      const [current] = await queue.claim(1)
      for (const act of [queue.hold, queue.done, (tx: never, job: Job) => queue.later(tx, job, now)]) {
        const writing = database.transaction(async (tx) => {
          await tx.insertInto("settings").values({ name: "spoiled", value: "1" }).execute()
          await act(tx as never, late!)
        })
        await assert.rejects(writing, LeaseLost)
      }
      assert.deepEqual(
        await database.query.selectFrom("settings").selectAll().where("name", "=", "spoiled").execute(),
        [],
      )
      await hold(current!)
      await database.transaction((tx) => queue.done(tx, current!))
      await assert.rejects(hold(current!), LeaseLost, "a job that is done is nobody's")
      await assert.rejects(
        database.transaction((tx) => queue.done(tx, current!)),
        LeaseLost,
      )
    })

    it("gives a job back for a later time, to anyone", async () => {
      await add("step by step")
      const [job] = await queue.claim(1)
      await database.transaction((tx) => queue.later(tx, job!, start + 500))
      assert.equal(await queue.nextDue(), start + 500)
      assert.deepEqual(await queue.claim(1), [])
      now = start + 500
      const [next] = await queue.claim(1)
      assert.equal(next!.id, job!.id)
      await assert.rejects(hold(job!), LeaseLost)
    })

    it("takes a new job for a subject once the old one is done", async () => {
      await add("again")
      const [job] = await queue.claim(1)
      await database.transaction((tx) => queue.done(tx, job!))
      assert.equal(await queue.nextDue(), undefined)
      await add("again")
      assert.deepEqual(subjects(await queue.claim(1)), ["again"])
    })

    it("says when there is something to do next, leases that run out included", async () => {
      assert.equal(await queue.nextDue(), undefined)
      await add("tomorrow", { dueAt: start + 86_400_000 })
      assert.equal(await queue.nextDue(), start + 86_400_000)
      await add("now")
      assert.equal(await queue.nextDue(), start + 86_400_000, "what is due already is there to be claimed")
      await queue.claim(1)
      assert.equal(await queue.nextDue(), start + leaseMs)
    })

    it("frees every lease for a process that knows it is alone, and stops who held one", async () => {
      await add("free")
      const [job] = await queue.claim(1)
      const added = await add("claimed", { claimed: true })
      await queue.releaseAll()
      for (const one of [job!, added]) await assert.rejects(hold(one), LeaseLost)
      assert.equal((await queue.claim(10)).length, 2)
    })

    it("gives each job to one of many that ask at the same time, and none of them to another process", async () => {
      for (let number = 0; number < 40; number++) await add(`job ${number}`)
      const others = subjects(await another.claim(10))
      const claims = Array.from({ length: 15 }, () => queue.claim(3))
      const claimed = [...others, ...subjects((await Promise.all(claims)).flat()), ...subjects(await another.claim(10))]
      assert.equal(claimed.length, 40)
      assert.equal(new Set(claimed).size, 40)
    })
  })

  describeTurns(name, open)
}
