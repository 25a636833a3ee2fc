// Works on one accepted generation: calls the vendor as often as needed and allowed, keeps what comes, and ends it.
// May be stopped at any point and begun again: everything it has to know is in the rows.
import type { OwnKeys } from "../accounts/vendorKeys.ts"
import type { App } from "../app.ts"
import type { Given, Route } from "../catalogue/model.ts"
import { GatewayError } from "../errors.ts"
import type { Failure } from "../errors.ts"
import type { Queries } from "../database/database.ts"
import { prepare } from "../database/prepare.ts"
import type { GenerationRow } from "../database/tables/generations.ts"
import { knownProvider } from "../providers/all.ts"
import type { References } from "../providers/provider.ts"
import type { Job } from "../queue/queue.ts"
import { keySourceOf } from "./access.ts"
import { firstWay, insertSent, isFinal, latestAttempts, recordStep } from "./attempts.ts"
import type { Attempt, Step, Way } from "./attempts.ts"
import { askVendor } from "./call.ts"
import { addEvent } from "./events.ts"
import { failGeneration, finishIfComplete } from "./finish.ts"
import { generationRow, hasEnded, readGeneration } from "./generation.ts"
import type { Generation } from "./generation.ts"
import { onwardFrom } from "./lanes.ts"
import { loadReferences } from "./references.ts"
import { failureStep } from "./refusals.ts"
import { tellEnd } from "./story.ts"
import { findModel, routesFor } from "./routes.ts"
import type { Work } from "./work.ts"

export async function runGeneration(app: App, job: Job): Promise<void> {
  const row = await generationRow(app.database.query, job.subject)
  if (!row || hasEnded(row.status)) return app.database.transaction((tx) => app.queue.done(tx, job))
  const cancel = new AbortController()
  const unlisten = app.changes.listen(cancelSubject(row.id), () => cancel.abort())
  try {
    const attempts = await latestAttempts(app.database.query, row.id)
    const work = await prepareWork(app, job, row, attempts.size > 0, cancel.signal)
    if ("code" in work) return await giveUp(app, job, work)
    if (job.overdue && attempts.size === 0) return await giveUp(app, job, notBegun)
    await allOf(work.parts.map((_, part) => advance(work, part, attempts.get(part))))
    if (!work.over) await giveBack(work)
  } finally {
    unlisten()
  }
}

/** Rejects when the last has ended: a call under way brings something that has to be written down while the job is held. */
async function allOf(parts: Promise<void>[]): Promise<void> {
  for (const one of await Promise.allSettled(parts)) if (one.status === "rejected") throw one.reason
}

const notBegun: Failure = { code: "provider_busy", detail: "For a day there was no room for it with the vendor." }

export const cancelSubject = (id: string): string => `cancel ${id}`

/** A failure where the model or the way to its vendor is gone since the generation was accepted, and nothing is begun. */
async function prepareWork(
  app: App,
  job: Job,
  row: GenerationRow,
  wasBegun: boolean,
  canceled: AbortSignal,
): Promise<Work | Failure> {
  const generation = readGeneration(row, [])
  const given = givenOf(generation)
  const own = await app.vendorKeys.of(generation.projectId)
  const routes = routesNow(app, own, generation, given)
  const begun = wasBegun ? await firstWay(app.database.query, row.id) : undefined
  // What a vendor is at work on goes on, whatever has become of the ways to others.
  if (!begun && "code" in routes) return routes
  let loading: Promise<References> | undefined
  const references = () => (loading ??= loadNoted(app, generation, canceled))
  const open = "code" in routes ? [] : routes
  // What was divided stays so, though another route may be the first by now.
  const first = begun ?? open[0]!
  const perCall = knownProvider(first.provider).limits.imagesPerCall(first.model, generation.input)
  const parts = partsOf(generation.input.n, perCall)
  return { app, job, generation, given, routes: open, first, own, parts, references, canceled, over: false }
}

/** Marks that pictures behind links came with are noted before the vendor is called. */
async function loadNoted(app: App, generation: Generation, canceled: AbortSignal): Promise<References> {
  const { references, marks } = await loadReferences(app, generation.references, canceled)
  if (marks.length > 0) {
    const all = JSON.stringify([...new Set([...generation.inputMarks, ...marks])])
    const row = app.database.query.updateTable("generations").set({ input_marks_json: all })
    await row.where("id", "=", generation.id).execute()
  }
  return references
}

function routesNow(app: App, own: OwnKeys, { model, mode }: Generation, given: Given): Route[] | Failure {
  try {
    return routesFor(app, own, findModel(app, model), mode, given)
  } catch (error) {
    if (error instanceof GatewayError) return error.failure
    throw error
  }
}

const givenOf = ({ input, references }: Generation): Given => ({
  input,
  images: references.filter(({ role }) => role === "image").length,
  mask: references.some(({ role }) => role === "mask"),
})

async function giveUp(app: App, job: Job, failure: Failure): Promise<void> {
  await app.database.transaction(async (tx) => {
    await app.queue.done(tx, job)
    await failGeneration(app, tx, job.subject, failure, app.clock.now())
  })
  app.changes.tell(job.subject)
  await tellEnd(app, job.subject)
}

function partsOf(wanted: number, perCall: number): number[] {
  const parts: number[] = []
  for (let left = wanted; left > 0; left -= perCall) parts.push(Math.min(left, perCall))
  return parts
}

/** Takes one part a step further, if there is a step to take now. */
async function advance(work: Work, part: number, attempt: Attempt | undefined): Promise<void> {
  const now = work.app.clock.now()
  if (!attempt) return begin(work, part, 1, work.routes[0] ?? work.first)
  if (isFinal(attempt) || (attempt.dueAt > now && attempt.state !== "sent")) return
  if (attempt.state === "sent") {
    // Somebody called the vendor and died before the answer was written down. Calling again could pay twice.
    return record(work, attempt, { state: "failed", failure: { code: "outcome_unknown" }, dueAt: now })
  }
  if (attempt.state === "failed") return begin(work, part, attempt.ordinal + 1, attempt.next!)
  await record(work, attempt, await askVendor(work, attempt))
}

/** Makes a new call: first it is written down that it was made, then it is made. */
async function begin(work: Work, part: number, ordinal: number, { provider, model: vendorModel }: Way): Promise<void> {
  const { app, generation, job, own } = work
  const keySource = keySourceOf(app, own, provider) ?? "server"
  const references = await work.references().catch((error: unknown) => failureStep(app, error))
  const now = app.clock.now()
  const attempt = await app.database.transaction(async (tx) => {
    await app.queue.hold(tx, job)
    const reserved = await markRunning(tx, generation.id, now)
    if (reserved === undefined) return undefined
    const reservedMicros = shareOf(reserved, work.parts, part)
    return insertSent(tx, generation.id, { part, ordinal, provider, vendorModel, keySource, reservedMicros, now })
  })
  if (!attempt) return
  app.changes.tell(generation.id)
  await record(work, attempt, "state" in references ? references : await askVendor(work, attempt))
}

/** What of the reservation is for one part, by the pictures that it shall make. */
const shareOf = (micros: number, parts: number[], part: number): number =>
  Math.floor((micros * parts[part]!) / parts.reduce((sum, count) => sum + count, 0))

/** Answers what is set aside for all of it; undefined where the generation has ended meanwhile. */
async function markRunning(tx: Queries, id: string, now: number): Promise<number | undefined> {
  const [queued] = (await startQueued(tx, { id, now })).rows
  if (queued) {
    await addEvent(tx, now, id, { type: "running" })
    return queued.reserved_micros
  }
  const row = await generationRow(tx, id)
  return row?.status === "running" ? row.reserved_micros : undefined
}

const startQueued = prepare((tx, { id, now }: { id: string; now: number }) =>
  tx
    .updateTable("generations")
    .set({ status: "running", started_at: now })
    .where("id", "=", id)
    .where("status", "=", "queued")
    .returning("reserved_micros"),
)

async function record(work: Work, attempt: Attempt, step: Step): Promise<void> {
  const { app, generation, job } = work
  const now = app.clock.now()
  const write = async (tx: Queries) => {
    await app.queue.hold(tx, job)
    await recordStep(tx, attempt.id, step, now)
    const ended = await finishIfComplete(app, tx, generation.id, work.parts.length, now)
    // With several parts under way the others still have to write down what came of theirs.
    if (ended && work.parts.length === 1) await app.queue.done(tx, job)
    work.over ||= ended !== false && work.parts.length === 1
    return ended
  }
  const ended = await app.database.transaction(write, { patient: true })
  app.changes.tell(generation.id)
  if (ended === "now") await tellEnd(app, generation.id)
}

/** Ends this round: for good, or until the next step is due. */
async function giveBack({ app, generation, job, parts }: Work): Promise<void> {
  const dueAt = await app.database.transaction(async (tx) => {
    const row = await generationRow(tx, generation.id)
    if (!row || hasEnded(row.status)) {
      await app.queue.done(tx, job)
      return undefined
    }
    const attempts = await latestAttempts(tx, generation.id)
    const open = parts.map((_, part) => attempts.get(part)).filter((one) => !one || !isFinal(one))
    const next = Math.min(...open.map((one) => one?.dueAt ?? app.clock.now()))
    await app.queue.later(tx, job, next, onwardFrom(generation.mode, open))
    return next
  })
  if (dueAt !== undefined) app.wakeAt(dueAt)
}
