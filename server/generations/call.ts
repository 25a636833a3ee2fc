// One call to a vendor for a generation, from the request to pictures in storage.
import type { z } from "zod"
import type { App } from "../app.ts"
import { microsPerCredit } from "../catalogue/price.ts"
import { knownProvider } from "../providers/all.ts"
import type { Outcome, ProviderRequest, VendorBill, VendorFailure } from "../providers/provider.ts"
import { callVendor } from "../providers/run.ts"
import type { Answer } from "../providers/run.ts"
import type { Sealed } from "../storage/storage.ts"
import { addressOf, keyFor, keyGone } from "./access.ts"
import type { Attempt, Step, Way } from "./attempts.ts"
import { addEvent } from "./events.ts"
import { keepAnswer, keepPartial } from "./pictures.ts"
import { failureStep } from "./refusals.ts"
import { wayOut } from "./work.ts"
import type { Work } from "./work.ts"

// A vendor's cluster may not have heard of a task yet that it has just accepted.
const taskGraceMs = 15_000
const checkAgainMs = 2_000

/** Calls the vendor, or asks how far a task is, and says what to write down. Never rejects for what a vendor does. */
export async function askVendor(work: Work, attempt: Attempt): Promise<Step> {
  const { app, generation } = work
  const { provider: vendor } = attempt
  const begun = performance.now()
  const facts = { "atelier.vendor": vendor, "atelier.model": attempt.vendorModel, "atelier.generation": generation.id }
  const span = app.traces.start(`call ${vendor}`, { kind: "client", parent: generation.traceparent, facts })
  const step = await ask(work, attempt)
  const failure = step.state === "failed" ? step.failure.code : undefined
  span.end(failure)
  const outcome = failure ?? (step.state === "pending" ? "pending" : "ok")
  app.metrics.called({ vendor, mode: generation.mode, outcome, seconds: (performance.now() - begun) / 1000 })
  return step
}

async function ask(work: Work, attempt: Attempt): Promise<Step> {
  const { app } = work
  const provider = knownProvider(attempt.provider)
  const left = attempt.sentAt + provider.limits.deadlineMs - app.clock.now()
  if (left <= 0) return failedStep(app, { code: "provider_timeout" })
  const deadline = createDeadline(left, work.canceled)
  const { signal } = deadline
  try {
    const key = keyFor(work, attempt)
    if (key === undefined) return failedStep(app, keyGone(attempt))
    const request = attempt.state === "pending" ? attempt.check : await newRequest(work, attempt)
    const answer = await callVendor<Sealed>({
      ...{ provider, request, signal, send: wayOut(work).send, key, baseUrl: addressOf(work, provider.id) },
      openDraft: app.storage.draft,
      forget: (sealed) => sealed.discard(),
      pictureMaxBytes: app.config.pictureMaxMb * 1_000_000,
      onPartial: (partial) => keepPartial(work, attempt, partial),
    })
    return await nextStep(work, attempt, request, answer, signal)
  } catch (error) {
    return failureStep(app, error)
  } finally {
    deadline.clear()
  }
}

/** Like AbortSignal.timeout, but leaves no timer behind that runs for minutes after the call is over. */
function createDeadline(ms: number, canceled: AbortSignal) {
  const controller = new AbortController()
  const abort = () => controller.abort()
  const timer = setTimeout(abort, ms)
  canceled.addEventListener("abort", abort)
  if (canceled.aborted) abort()
  const clear = () => {
    clearTimeout(timer)
    canceled.removeEventListener("abort", abort)
  }
  return { signal: controller.signal, clear }
}

async function newRequest(work: Work, attempt: Attempt): Promise<ProviderRequest> {
  const { generation, parts } = work
  const references = await work.references()
  const seed = seedOf(work, attempt.part)
  const input = { ...generation.input, ...(seed === undefined ? {} : { seed }), n: parts[attempt.part]!, ...references }
  return knownProvider(attempt.provider).writeRequest(attempt.vendorModel, input)
}

/**
 * Several calls with one seed would make one picture several times, so each counts on from the pictures before it, or
 * down where the model takes no larger seed. A negative one means none.
 */
function seedOf({ app, generation, parts }: Work, part: number): number | undefined {
  const { seed } = generation.input as { seed?: number }
  if (typeof seed !== "number" || seed < 0) return seed
  const before = parts.slice(0, part).reduce((sum, count) => sum + count, 0)
  const field = app.catalogue.find(generation.model)?.parameters.shape["seed"] as z.ZodType | undefined
  return field?.safeParse(seed + before).success === false ? seed - before : seed + before
}

async function nextStep(
  work: Work,
  attempt: Attempt,
  request: ProviderRequest,
  { outcome, pictures, cause }: Answer<Sealed>,
  signal: AbortSignal,
): Promise<Step> {
  const { app, generation } = work
  if (outcome.state === "failed") {
    const { code } = outcome.failure
    app.log.warn({ generation: generation.id, attempt: attempt.id, code, cause }, "a vendor call failed")
    return isWorthAsking(work, attempt, outcome) ? checkAgain(work, request) : retryStep(work, attempt, outcome.failure)
  }
  if (outcome.state === "pending") {
    const check = outcome.check ?? request
    await tellProgress(work, outcome.progress)
    return { state: "pending", check, missed: 0, dueAt: app.clock.now() + outcome.checkAfterMs }
  }
  const kept = await keepAnswer(work, attempt, outcome.pictures, pictures, signal)
  if (typeof kept !== "string")
    return { state: "stored", pictures: kept, missing: outcome.missing ?? [], bill: priced(work, outcome.bill) }
  // The vendor made the picture, and it is paid for; asking again yields a fresh link to it.
  if (kept === "unreachable" && attempt.state === "pending" && attempt.missed < missedMax)
    return checkAgain(work, request, attempt.missed + 1)
  return failedStep(app, { code: "provider_error", detail: `The vendor's picture is ${kept}.` })
}

/** A vendor's own word on what the work cost, or on the tokens that it took, goes before our price for it. */
function priced({ app, generation, given }: Work, bill: VendorBill = {}): VendorBill {
  const { costCredits, usage } = bill
  if (costCredits !== undefined) return { ...bill, micros: Math.round(costCredits * microsPerCredit) }
  const ofTokens = app.catalogue.find(generation.model)?.bill
  // No picture is made of no tokens: such a vendor counts none.
  return ofTokens && usage && usage.output_tokens > 0 ? { ...bill, micros: ofTokens(given, usage) } : bill
}

// Waiting twice as long each time, about two minutes in all.
const missedMax = 6

const checkAgain = ({ app }: Work, check: ProviderRequest, missed = 0): Step => ({
  state: "pending",
  check,
  missed,
  dueAt: app.clock.now() + checkAgainMs * 2 ** Math.max(0, missed - 1),
})

/** Whether a failed look at a running task says nothing about the task, so that it is looked at again. */
function isWorthAsking({ app }: Work, attempt: Attempt, outcome: Outcome & { state: "failed" }): boolean {
  if (attempt.state !== "pending") return false
  const { code } = outcome.failure
  if (code === "outcome_unknown") return app.clock.now() < attempt.sentAt + taskGraceMs
  return isTransport(outcome.failure)
}

// An adapter names what the vendor said of the task; what the transport met has no `task` about it.
const isTransport = ({ code, ofTask }: VendorFailure): boolean =>
  ofTask !== true && (code === "provider_busy" || code === "provider_error" || code === "provider_timeout")

const failedStep = (app: Pick<App, "clock">, failure: VendorFailure) => ({
  state: "failed" as const,
  failure,
  dueAt: app.clock.now(),
})

/** Says where the part goes on after a failure, if the vendor surely did no work for it. */
function retryStep(work: Work, attempt: Attempt, failure: VendorFailure): Step {
  const { app } = work
  if (!isUntouched(attempt, failure)) return failedStep(app, failure)
  const other = otherRoute(work, attempt)
  if (other) return { ...failedStep(app, failure), next: other }
  const waitMs = (failure.retryAfterSeconds ?? 2 ** (attempt.ordinal - 1)) * 1000
  const again = mayTryAgain(attempt, failure) ? { next: wayOf(attempt) } : {}
  return { state: "failed", failure, dueAt: app.clock.now() + waitMs, ...again }
}

/** Where a task runs, only what the vendor says of it means that nothing was done: a refused question does not. */
const isUntouched = ({ state }: Attempt, { untouched, ofTask }: VendorFailure): boolean =>
  untouched === true && (state !== "pending" || ofTask === true)

const wayOf = ({ provider, vendorModel: model }: Attempt): Way => ({ provider, model })

/** The next route after the one that failed, if it makes as many pictures in one call. */
function otherRoute({ routes, parts, generation }: Work, attempt: Attempt): Way | undefined {
  const here = routes.findIndex(({ provider, model }) => provider === attempt.provider && model === attempt.vendorModel)
  const able = ({ provider, model }: Way) =>
    knownProvider(provider).limits.imagesPerCall(model, generation.input) >= parts[attempt.part]!
  const found = here < 0 ? undefined : routes.slice(here + 1).find(able)
  return found && { provider: found.provider, model: found.model }
}

/** Tries of one part. A vendor that was only busy may be asked once more than one that failed. */
const attemptsMax = ({ code }: VendorFailure): number => (code === "provider_busy" ? 3 : 2)

const mayTryAgain = (attempt: Attempt, failure: VendorFailure): boolean =>
  (failure.code === "provider_busy" || failure.code === "provider_error") && attempt.ordinal < attemptsMax(failure)

async function tellProgress({ app, generation, job }: Work, percent: number | undefined): Promise<void> {
  if (percent === undefined) return
  await app.database.transaction(async (tx) => {
    await app.queue.hold(tx, job)
    await addEvent(tx, app.clock.now(), generation.id, { type: "progress", data: { percent: Math.round(percent) } })
  })
}
