// Accepts a request: checked, written down, and only then answered.
import type { App } from "../app.ts"
import { allowsModel, isUnmetered, planOf } from "../accounts/plans.ts"
import type { Plan } from "../accounts/plans.ts"
import type { Given, Input, Model } from "../catalogue/model.ts"
import { quote } from "../catalogue/price.ts"
import type { Quote } from "../catalogue/price.ts"
import { readInput } from "../catalogue/read.ts"
import { reserveCredits } from "../credits/reserve.ts"
import { prepare } from "../database/prepare.ts"
import type { GenerationRow } from "../database/tables/generations.ts"
import { GatewayError } from "../errors.ts"
import { newId } from "../ids.ts"
import { promiseName } from "../images/names.ts"
import { addEvent } from "./events.ts"
import { readGeneration } from "./generation.ts"
import type { Caller, Generation, Reference } from "./generation.ts"
import { joinSameWork } from "./naming.ts"
import type { WantedName } from "./naming.ts"
import { laneLimits, laneOf } from "./lanes.ts"
import { joinRepeat, throwIfInProgress } from "./repeats.ts"
import type { Repeat } from "./repeats.ts"
import { keepReferences } from "./references.ts"
import type { Received } from "./references.ts"
import { findModel, routesFor } from "./routes.ts"
import { checkMarked } from "./unmarked.ts"

export type NewGeneration = {
  dialect: string
  /** Any name the catalogue knows the model by. */
  model: string
  parameters: Record<string, unknown>
  /** Where the parameters stand in the request ("input."), for messages about them. */
  at?: string
  /** What the dialect passed over on purpose, for the caller to read. */
  warnings?: string[]
  received: Received
  /** Aborted when the caller hangs up: his pictures then wait no longer to be checked. What is accepted goes on. */
  signal?: AbortSignal
  /** Where the request says by what it is known if it is sent again. */
  repeat?: Repeat | undefined
  /** A URL that wants to be told of the end, and where its caller reaches this server, for links. */
  webhook?: { url: string; origin: string } | undefined
  /** Whether the caller waits for the end: then this process starts at once, past the queue, where there is room. */
  waited: boolean
  /** The caller's own name for the picture. Who asks for the very same under it is given what there is already. */
  imageName?: WantedName
}

type Needs = Pick<
  App,
  | "config"
  | "catalogue"
  | "database"
  | "storage"
  | "inspector"
  | "queue"
  | "clock"
  | "runJob"
  | "wakeAt"
  | "guardedPost"
  | "plans"
  | "vendorKeys"
>

export const runGenerationJob = "run-generation"

// Whoever asked a day ago has most likely stopped waiting.
const beginWithinMs = 86_400_000

/**
 * Accepts a request. Once it resolves the generation is on disk, and will end in one of its three ways whatever
 * happens to this process. Throws `unknown_model`, `model_retired`, `provider_unavailable` and `invalid_request`.
 */
export async function startGeneration(app: Needs, caller: Caller, wanted: NewGeneration): Promise<Generation> {
  const model = findModel(app, wanted.model)
  const read = readInput(model, wanted.parameters, wanted.at)
  checkMarked(app, read.input, wanted.at)
  const given = { input: read.input, images: read.images.length, mask: read.mask !== undefined }
  const own = await app.vendorKeys.of(caller.projectId)
  const [route] = routesFor(app, own, model, caller.mode, given)
  const plan = planOf(app.plans, caller.plan)
  checkAllowed(plan, caller, model.id)
  const unmetered = isUnmetered(plan, caller.mode)
  const price = priceOf(model, given, unmetered)
  if (wanted.webhook) await app.guardedPost.check(wanted.webhook.url)
  const { references, marks } = await keepReferences(app, caller.projectId, read, wanted)
  const now = app.clock.now()
  const row = newRow(caller, wanted, { model: model.id, input: read.input, references, marks, price, now })
  const begun = await app.database.transaction(async (tx) => {
    const same =
      (await joinSameWork(tx, now, caller.projectId, wanted.imageName)) ??
      (await joinRepeat(tx, now, caller.projectId, wanted.repeat, row.id))
    if (same) return same
    await insertGeneration(tx, row)
    await promiseName(tx, row)
    await reserveCredits(tx, now, { ...caller, generationId: row.id, micros: price.micros, unmetered })
    await addEvent(tx, now, row.id, { type: "queued" })
    const lane = laneOf(caller.mode, route!.provider)
    const turn = { projectId: caller.projectId, lane, room: { lane: laneLimits[lane], project: plan.concurrent } }
    const when = { dueAt: now, deadlineAt: now + beginWithinMs, claimed: wanted.waited }
    return app.queue.add(tx, { kind: runGenerationJob, subject: row.id, ...turn, ...when })
  })
  if ("status" in begun) return replay(begun, wanted)
  if (begun.claimed) app.runJob(begun)
  else app.wakeAt(now)
  return readGeneration(row, [])
}

const insertGeneration = prepare((tx, row: GenerationRow) => tx.insertInto("generations").values(row))

function replay(row: GenerationRow, { repeat, waited }: NewGeneration): Generation {
  if (repeat) {
    repeat.onReplay()
    throwIfInProgress(repeat, row, waited)
  }
  return readGeneration(row, [])
}

type Price = Pick<Quote, "micros" | "microsPerPicture">

type Checked = { model: string; input: Input; references: Reference[]; marks: string[]; price: Price; now: number }

function newRow(
  caller: Caller,
  wanted: NewGeneration,
  { model, input, references, marks, price, now }: Checked,
): GenerationRow {
  return {
    id: newId("gen"),
    project_id: caller.projectId,
    key_id: caller.keyId,
    mode: caller.mode,
    dialect: wanted.dialect,
    model,
    input_json: JSON.stringify(input),
    references_json: JSON.stringify(references),
    input_marks_json: JSON.stringify(marks),
    warnings_json: JSON.stringify(wanted.warnings ?? []),
    image_name: wanted.imageName?.name ?? null,
    image_fingerprint: wanted.imageName?.fingerprint ?? null,
    webhook_url: wanted.webhook?.url ?? null,
    webhook_origin: wanted.webhook?.origin ?? null,
    status: "queued",
    failure_json: null,
    usage_json: null,
    price_micros: price.microsPerPicture,
    reserved_micros: price.micros,
    charged_micros: 0,
    request_id: caller.request?.id ?? null,
    traceparent: caller.request?.traceparent ?? null,
    created_at: now,
    started_at: null,
    finished_at: null,
  }
}

function checkAllowed(plan: Plan, { models }: Caller, model: string) {
  const detail = !allowsModel(plan.models, model)
    ? `The plan ${plan.title} does not include ${model}.`
    : models !== null && !allowsModel(models, model)
      ? `This key may not use ${model}.`
      : undefined
  if (detail === undefined) return
  throw new GatewayError({ code: "model_not_allowed", detail, problems: [{ param: "model", message: detail }] })
}

/** Where the house pays anyway, a model need not have a price. */
function priceOf(model: Model, given: Given, unmetered: boolean): Price {
  const price = quote(model, given)
  if (price) return price
  if (unmetered) return { micros: 0, microsPerPicture: 0 }
  throw new GatewayError({ code: "price_missing", detail: `The operator has not set a price for ${model.id}.` })
}
