// The queue told as plainly as possible, in a list: what the real ones do is compared with it, act by act.
import assert from "node:assert/strict"
import type { Database } from "../database/database.ts"
import { leaseMs, LeaseLost } from "./queue.ts"
import type { Job, Limits, Queue, Room } from "./queue.ts"

export type Act =
  | {
      act: "add"
      project: string
      lane: string
      priority: number
      delay: number
      deadline: number | undefined
      claimed: boolean
      room: Room
    }
  | { act: "claim"; count: number }
  | { act: "done"; which: number }
  | { act: "cancel"; which: number }
  | { act: "renew"; which: number }
  | { act: "later"; which: number; delay: number; lane: string; places: number }
  | { act: "pass"; ms: number }

type Known = {
  job: Job
  project: string
  lane: string
  priority: number
  places: number
  /** When it may be taken. */
  dueAt: number
  deadlineAt: number
  /** Somebody is on it until it falls due again. */
  held: boolean
  /** Until then its places are kept. */
  keptUntil: number
}

type Needs = {
  queues: [Queue, Queue]
  database: Database
  clock: { now: () => number }
  pass: (ms: number) => void
  limits: Limits
  /** The project's plan. */
  planOf: (project: string) => string
}

export function createModel({ queues, database, clock, pass, limits, planOf }: Needs) {
  const [queue] = queues
  let known: Known[] = []
  /** Everything that was ever handed out, so that late comers try too. */
  const handed: Job[] = []
  let count = 0

  const isHeld = (one: Known) => one.held && one.dueAt > clock.now()
  const isOverdue = (one: Known) => one.deadlineAt <= clock.now()
  const atWork = () => known.filter((one) => isHeld(one) || one.keptUntil > clock.now())
  const countOf = (project: string) => atWork().filter((one) => one.project === project).length
  const placesIn = (lane: string) =>
    atWork()
      .filter((one) => one.lane === lane)
      .reduce((sum, { places }) => sum + Math.max(1, places), 0)
  const busyOf = (project: string) => known.filter((one) => one.project === project && isHeld(one)).length
  const hasRoom = ({ lane, project }: Known) =>
    placesIn(lane) < (limits.lanes?.[lane] ?? Infinity) &&
    countOf(project) < (limits.perProject?.ofPlan(planOf(project)) ?? Infinity)
  const takeable = () =>
    known.filter((one) => one.dueAt <= clock.now() && (one.places > 0 || isOverdue(one) || hasRoom(one)))

  /** Lower goes first, of one project. */
  const rank = (one: Known) => [isOverdue(one) ? 0 : 1, one.places > 0 ? 0 : 1, -one.priority, one.dueAt]

  async function claim(wanted: number) {
    const jobs = await queues[count++ % 2]!.claim(wanted, limits)
    for (const job of jobs) {
      const able = takeable()
      const one = able.find(({ job: { id } }) => id === job.id)
      assert.ok(one, "it was there to be taken")
      assert.equal(busyOf(one.project), Math.min(...able.map(({ project }) => busyOf(project))))
      for (const other of able.filter(({ project }) => project === one.project))
        assert.ok(compare(rank(one), rank(other)) <= 0, "the best of its project")
      assert.equal(job.overdue, isOverdue(one))
      assert.ok(job.fence > one.job.fence)
      Object.assign(one, { job, held: true, dueAt: clock.now() + leaseMs, keptUntil: clock.now() + leaseMs })
      handed.push(job)
    }
    if (jobs.length < wanted) assert.deepEqual(takeable(), [], "nothing that could be taken is left")
  }

  function mayBeginAtOnce(project: string, lane: string, room: Room): boolean {
    if (room.lane === undefined && room.project === undefined) return true
    const before = (one: Known) => one.lane === lane && (room.lane !== undefined || one.project === project)
    const hasRoomNow = placesIn(lane) < (room.lane ?? Infinity) && countOf(project) < (room.project ?? Infinity)
    return hasRoomNow && !known.some((one) => before(one) && one.dueAt <= clock.now())
  }

  async function add({ project, lane, priority, delay, deadline, room, ...wish }: Act & { act: "add" }) {
    const now = clock.now()
    const claimed = wish.claimed && mayBeginAtOnce(project, lane, room)
    const deadlineAt = deadline === undefined ? undefined : now + deadline
    const facts = {
      kind: "paint",
      subject: `${count++}`,
      projectId: project,
      lane,
      priority,
      room,
      claimed: wish.claimed,
    }
    const wanted = { ...facts, dueAt: now + delay, ...(deadlineAt === undefined ? {} : { deadlineAt }) }
    const job = await database.transaction((tx) => queue.add(tx, wanted))
    assert.equal(job.claimed, claimed)
    const dueAt = claimed ? now + leaseMs : Math.min(now + delay, deadlineAt ?? Infinity)
    const turn = { project, lane, priority, places: 0, dueAt, deadlineAt: deadlineAt ?? Infinity }
    known.push({ job, ...turn, held: claimed, keptUntil: claimed ? dueAt : 0 })
    if (claimed) handed.push(job)
  }

  /** Whoever has the fence of the job may; all others are told that they lost it. */
  async function write(which: number, work: (job: Job) => Promise<void>, then: (one: Known) => void) {
    const job = handed[which % handed.length]
    if (!job) return
    const owned = known.find((one) => one.job.id === job.id && one.job.fence === job.fence)
    if (!owned) return assert.rejects(work(job), LeaseLost)
    await work(job)
    then(owned)
  }

  const remove = (one: Known) => (known = known.filter((other) => other !== one))

  async function renew(which: number) {
    const job = handed[which % handed.length]
    if (!job) return
    const owned = known.find((one) => one.job.id === job.id && one.job.fence === job.fence && one.held)
    assert.equal(await queue.renew(job), owned !== undefined)
    if (owned) Object.assign(owned, { dueAt: clock.now() + leaseMs, keptUntil: clock.now() + leaseMs })
  }

  async function cancel(which: number) {
    const one = known[which % known.length]
    if (!one) return
    const canceled = await database.transaction((tx) => queue.cancel(tx, one.job))
    assert.equal(canceled, !isHeld(one))
    if (canceled) remove(one)
  }

  async function later({ which, delay, lane, places }: Act & { act: "later" }) {
    const dueAt = clock.now() + delay
    const work = (job: Job) => database.transaction((tx) => queue.later(tx, job, dueAt, { lane, places }))
    const keptUntil = places > 0 ? dueAt + leaseMs : 0
    await write(which, work, (one) =>
      Object.assign(one, { held: false, dueAt, lane, places, keptUntil, deadlineAt: Infinity }),
    )
  }

  async function perform(act: Act): Promise<void> {
    if (act.act === "add") await add(act)
    else if (act.act === "claim") await claim(act.count)
    else if (act.act === "done")
      await write(act.which, (job) => database.transaction((tx) => queue.done(tx, job)), remove)
    else if (act.act === "later") await later(act)
    else if (act.act === "cancel") await cancel(act.which)
    else if (act.act === "renew") await renew(act.which)
    else pass(act.ms)
    const next = known.map(({ dueAt }) => dueAt).filter((dueAt) => dueAt > clock.now())
    assert.equal(await queue.nextDue(), next.length > 0 ? Math.min(...next) : undefined)
  }

  return { perform }
}

function compare(one: number[], other: number[]): number {
  const at = one.findIndex((value, index) => value !== other[index])
  return at < 0 ? 0 : one[at]! - other[at]!
}
