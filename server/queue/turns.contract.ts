// What every queue promises of turns: fair between projects, by priority within one, never more than the limits allow.
import assert from "node:assert/strict"
import { beforeEach, describe, it } from "node:test"
import fc from "fast-check"
import type { Database } from "../database/database.ts"
import { createModel } from "./model.contract.ts"
import type { Act } from "./model.contract.ts"
import { leaseMs, LeaseLost } from "./queue.ts"
import type { Limits, Job, NewJob, Queue } from "./queue.ts"
import type { OpenQueue } from "./queue.contract.ts"

const start = 1_700_000_000_000

/** The projects' plans; there is no project c. */
const plans: Record<string, string> = { a: "small", b: "large" }
const perProject = (small: number, large?: number): Limits => ({
  perProject: { kind: "paint", ofPlan: (plan) => ({ small, large })[plan] },
})

export function describeTurns(name: string, open: (clock: { now: () => number }) => Promise<OpenQueue>) {
  const clock = { now: () => now }
  let now = start
  let queue: Queue
  let database: Database
  let another: Queue

  const add = (projectId: string, subject: string, facts: Partial<NewJob> = {}) =>
    database.transaction((tx) =>
      queue.add(tx, { kind: "paint", subject, projectId, dueAt: now, claimed: false, ...facts }),
    )
  const addMany = (projectId: string, count: number, facts: Partial<NewJob> = {}) =>
    Promise.all(Array.from({ length: count }, (_, number) => add(projectId, `${projectId} ${number}`, facts)))
  const subjects = (jobs: Job[]) => jobs.map(({ subject }) => subject)
  const hold = (job: Job) => database.transaction((tx) => queue.hold(tx, job))
  const done = (job: Job) => database.transaction((tx) => queue.done(tx, job))

  describe(`queue, whose turn it is: ${name}`, () => {
    beforeEach(async () => {
      now = start
      ;({ queue, database, another } = await open(clock))
      const rows = Object.entries(plans).map(([id, plan]) => ({
        id,
        name: id,
        plan,
        logs_prompts: 0,
        created_at: start,
      }))
      await database.query.insertInto("projects").values(rows).execute()
    })

    it("keeps another project's first job waiting for one slot at most behind a thousand", async () => {
      await addMany("a", 1000)
      const busy = await queue.claim(8)
      await add("b", "first of b")
      await done(busy[0]!)
      assert.deepEqual(subjects(await queue.claim(1)), ["first of b"])
    })

    it("takes turns where nobody has anything at work", async () => {
      for (const project of ["a", "b", "c"]) await addMany(project, 3)
      const served: string[] = []
      for (let round = 0; round < 9; round++) {
        const [job] = await (round % 2 === 0 ? queue : another).claim(1)
        served.push(job!.subject[0]!)
        await done(job!)
      }
      assert.deepEqual(served.join(""), "abcabcabc")
    })

    it("gives a project's jobs by priority, and those of one priority as they fell due", async () => {
      await add("a", "late", { dueAt: start - 1 })
      await add("a", "low", { dueAt: start - 9, priority: -1 })
      await add("a", "high", { priority: 5 })
      await add("a", "early", { dueAt: start - 5 })
      await add("a", "not yet", { dueAt: start + 1, priority: 9 })
      assert.deepEqual(subjects(await queue.claim(10)), ["high", "early", "late", "low"])
    })

    it("leaves what waits for a full lane, and counts what a caller waits for and what another process holds", async () => {
      const limits = { lanes: { vendor: 3 } }
      await add("a", "waited for", { lane: "vendor", claimed: true })
      await addMany("b", 3, { lane: "vendor" })
      await add("b", "elsewhere", { lane: "other", priority: -1 })
      const [first] = await another.claim(1, limits)
      assert.equal((await queue.claim(10, limits)).length, 2, "one more for the vendor, and the other lane's")
      assert.deepEqual(await queue.claim(10, limits), [])
      assert.equal(await queue.nextDue(), start + leaseMs, "what waits for room is not said to be due next")
      await done(first!)
      assert.equal((await queue.claim(10, limits)).length, 1)
    })

    it("frees the place of who let his lease run out", async () => {
      const limits = { lanes: { vendor: 1 } }
      await addMany("a", 2, { lane: "vendor" })
      assert.equal((await queue.claim(10, limits)).length, 1)
      now += leaseMs
      const [next] = await queue.claim(10, limits)
      assert.ok(next)
      assert.deepEqual(await queue.claim(10, limits), [])
      await assert.rejects(hold({ ...next, fence: next.fence - 1 }), LeaseLost)
    })

    it("lets no project have more at work than its plan lets it, however many places each takes", async () => {
      await addMany("a", 5)
      await addMany("b", 4)
      await addMany("c", 2)
      const jobs = await queue.claim(20, perProject(2, 3))
      const projects = subjects(jobs).map((subject) => subject[0])
      assert.deepEqual(projects.toSorted().join(""), "aabbbcc")
      const first = jobs.find(({ subject }) => subject.startsWith("a"))
      await database.transaction((tx) => queue.later(tx, first!, now + 500, { places: 4 }))
      assert.deepEqual(await queue.claim(20, perProject(2, 3)), [], "one that goes on elsewhere is at work")
      assert.equal((await another.claim(20, perProject(3, 3))).length, 1, "a job counts once")
    })

    it("counts of a project's jobs only those of the kind that the plan limits", async () => {
      await addMany("a", 3, { kind: "tell" })
      await addMany("a", 3)
      const kinds = (await queue.claim(20, perProject(2))).map(({ kind }) => kind)
      assert.deepEqual(kinds.toSorted(), ["paint", "paint", "tell", "tell", "tell"])
    })

    it("goes by the plan that the project has now", async () => {
      await addMany("a", 5)
      assert.equal((await queue.claim(20, perProject(2, 4))).length, 2)
      await database.query.updateTable("projects").set({ plan: "large" }).where("id", "=", "a").execute()
      assert.equal((await queue.claim(20, perProject(2, 4))).length, 2)
    })

    it("lets a caller start at once only where there is room, at two servers together as well", async () => {
      const claimedOf = async (project: string, count: number, facts: Partial<NewJob>) => {
        const jobs = await addMany(project, count, { claimed: true, ...facts })
        return jobs.filter(({ claimed }) => claimed).length
      }
      assert.equal(await claimedOf("a", 6, { room: { project: 2 } }), 2)
      assert.equal(await claimedOf("b", 6, { lane: "vendor", room: { lane: 3, project: 5 } }), 3)
      assert.equal(await claimedOf("c", 6, { lane: "vendor", room: {} }), 6, "without a limit nobody waits")
      const later = await queue.claim(20, { lanes: { vendor: 4 }, ...perProject(2) })
      assert.deepEqual(later, [], "those who did not start wait for room like all others")
    })

    it("lets no caller start before those who wait in the lane", async () => {
      await add("a", "patient", { lane: "vendor" })
      const late = (projectId: string, room: NewJob["room"]) =>
        add(projectId, `late ${projectId}`, { lane: "vendor", claimed: true, ...(room ? { room } : {}) })
      assert.equal((await late("b", { lane: 9 })).claimed, false)
      assert.equal((await late("a", { project: 9 })).claimed, false)
      assert.equal((await late("c", { project: 9 })).claimed, true, "in a lane with room for all, others are no reason")
      assert.deepEqual(subjects(await queue.claim(1)), ["patient"])
    })

    it("keeps places for what goes on elsewhere, and never keeps their owner waiting for room", async () => {
      const limits = { lanes: { vendor: 2 } }
      await addMany("a", 3, { lane: "vendor" })
      const [job] = await queue.claim(1, limits)
      await database.transaction((tx) => queue.later(tx, job!, now + 500, { places: 2 }))
      assert.deepEqual(await queue.claim(10, limits), [])
      now += 500
      assert.deepEqual(subjects(await queue.claim(10, limits)), [job!.subject])
    })

    it("moves a job to another lane", async () => {
      await add("a", "moving", { lane: "full" })
      const [job] = await queue.claim(1, { lanes: { full: 1 } })
      await database.transaction((tx) => queue.later(tx, job!, now, { lane: "free" }))
      assert.equal((await queue.claim(1, { lanes: { full: 0 } })).length, 1)
    })

    it("hands out as overdue what nobody began on before its deadline, past every limit", async () => {
      await add("a", "patient", { lane: "vendor", dueAt: start - 1 })
      await add("a", "impatient", { lane: "vendor", deadlineAt: start + 100 })
      await add("a", "delayed", { dueAt: start + 1000, deadlineAt: start + 100 })
      const full = { lanes: { vendor: 0 } }
      assert.deepEqual(await queue.claim(10, full), [])
      assert.equal(await queue.nextDue(), start + 100)
      now = start + 100
      const jobs = await queue.claim(10, full)
      assert.deepEqual(subjects(jobs).toSorted(), ["delayed", "impatient"])
      assert.ok(jobs.every(({ overdue }) => overdue))
      await database.transaction((tx) => queue.cancel(tx, { kind: "paint", subject: "patient" }))
      for (const job of jobs) await database.transaction((tx) => queue.later(tx, job, now))
      assert.deepEqual(
        (await queue.claim(10)).map(({ overdue }) => overdue),
        [false, false],
        "what has begun has met its deadline",
      )
    })

    it("removes what waits, and leaves what somebody works on to him", async () => {
      await addMany("a", 2)
      const [job] = await queue.claim(1)
      const cancel = (subject: string) => database.transaction((tx) => queue.cancel(tx, { kind: "paint", subject }))
      assert.equal(await cancel(job!.subject), false)
      assert.equal(await cancel(job!.subject === "a 0" ? "a 1" : "a 0"), true)
      assert.equal(await cancel("never there"), false)
      assert.deepEqual(await queue.claim(10), [])
      await done(job!)
    })

    it("does as a simple model of it does, whatever happens in whatever order", async () => {
      const project = fc.constantFrom("a", "b", "c")
      const lane = fc.constantFrom("x", "y", "z")
      const soon = fc.oneof(fc.integer({ min: 0, max: 3_000 }), fc.integer({ min: 0, max: 40_000 }))
      const which = fc.nat(12)
      const act: fc.Arbitrary<Act> = fc.oneof(
        { weight: 4, arbitrary: addActs(project, lane, soon) },
        { weight: 3, arbitrary: fc.record({ act: fc.constant("claim"), count: fc.integer({ min: 1, max: 5 }) }) },
        { weight: 2, arbitrary: fc.record({ act: fc.constant("done"), which }) },
        { weight: 2, arbitrary: fc.record({ act: fc.constant("later"), which, delay: soon, lane, places: fc.nat(2) }) },
        fc.record({ act: fc.constant("cancel"), which }),
        fc.record({ act: fc.constant("renew"), which }),
        { weight: 2, arbitrary: fc.record({ act: fc.constant("pass"), ms: soon }) },
      ) as fc.Arbitrary<Act>
      const perPlan = fc.tuple(fc.nat(3), fc.nat(4)).map(([small, large]) => perProject(small, large))
      const lanes = fc.record({ lanes: fc.record({ x: fc.nat(2), y: fc.nat(3) }) })
      const limits = fc.tuple(lanes, perPlan).map(([some, others]): Limits => ({ ...some, ...others }))
      await fc.assert(
        fc.asyncProperty(fc.array(act, { minLength: 10, maxLength: 80 }), limits, async (acts, some) => {
          await database.query.deleteFrom("jobs").execute()
          const pass = (ms: number) => (now += ms)
          const model = createModel({
            queues: [queue, another],
            database,
            clock,
            pass,
            limits: some,
            planOf: (project) => plans[project] ?? "",
          })
          for (const one of acts) await model.perform(one)
        }),
        { numRuns: 60 },
      )
    })
  })
}

const nil = { nil: undefined }

const addActs = (project: fc.Arbitrary<string>, lane: fc.Arbitrary<string>, soon: fc.Arbitrary<number>) =>
  fc.record({
    act: fc.constant("add"),
    project,
    lane,
    priority: fc.integer({ min: -1, max: 1 }),
    delay: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, soon),
    deadline: fc.option(soon, { nil: undefined, freq: 4 }),
    claimed: fc.boolean(),
    room: fc.record({ lane: fc.option(fc.nat(3), nil), project: fc.option(fc.nat(3), nil) }),
  })
