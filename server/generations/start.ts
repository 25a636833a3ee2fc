// Accepts a request: checked, written down, and only then answered.
import type { App } from "../app.ts"
import { readInput } from "../catalogue/read.ts"
import { newId } from "../ids.ts"
import { addEvent } from "./events.ts"
import { readGeneration } from "./generation.ts"
import type { Caller, Generation } from "./generation.ts"
import { keepReferences } from "./references.ts"
import type { Received } from "./references.ts"
import { findModel, routesFor } from "./routes.ts"

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
  /** Whether the caller waits for the end: then this process starts at once, past the queue. */
  waited: boolean
}

type Needs = Pick<App, "config" | "catalogue" | "database" | "storage" | "queue" | "clock" | "runJob" | "wakeAt">

export const runGenerationJob = "run-generation"

/**
 * Accepts a request. Once it resolves the generation is on disk, and will end in one of its three ways whatever
 * happens to this process. Throws `unknown_model`, `model_retired`, `provider_unavailable` and `invalid_request`.
 */
export async function startGeneration(app: Needs, caller: Caller, wanted: NewGeneration): Promise<Generation> {
  const model = findModel(app, wanted.model)
  const read = readInput(model, wanted.parameters, wanted.at)
  const given = { input: read.input, images: read.images.length, mask: read.mask !== undefined }
  routesFor(app, model, caller.mode, given)
  const references = await keepReferences(app, caller.projectId, read, wanted.received)
  const now = app.clock.now()
  const row = {
    id: newId("gen"),
    project_id: caller.projectId,
    key_id: caller.keyId,
    mode: caller.mode,
    dialect: wanted.dialect,
    model: model.id,
    input_json: JSON.stringify(read.input),
    references_json: JSON.stringify(references),
    warnings_json: JSON.stringify(wanted.warnings ?? []),
    status: "queued" as const,
    failure_json: null,
    usage_json: null,
    created_at: now,
    started_at: null,
    finished_at: null,
  }
  const job = await app.database.transaction(async (tx) => {
    await tx.insertInto("generations").values(row).execute()
    await addEvent(tx, now, row.id, { type: "queued" })
    return app.queue.add(tx, { kind: runGenerationJob, subject: row.id, dueAt: now, claimed: wanted.waited })
  })
  if (wanted.waited) app.runJob(job)
  else app.wakeAt(now)
  return readGeneration(row, [])
}
