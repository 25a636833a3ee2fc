// The calls made for a generation, as rows. `sent` is committed before the vendor is called, so that nobody who finds
// it later calls again.
import type { Queries } from "../database/database.ts"
import { prepare } from "../database/prepare.ts"
import type { AttemptRow } from "../database/tables/generations.ts"
import { newId } from "../ids.ts"
import type { ImageNotes } from "../images/images.ts"
import type { KeptPicture } from "../images/keep.ts"
import type { ProviderRequest, VendorBill, VendorFailure } from "../providers/provider.ts"

export type AttemptPicture = { picture: KeptPicture; notes: ImageNotes }

/** How to ask for a task, and how often in a row its finished picture could not be fetched. */
export type Check = { check: ProviderRequest; missed: number }

/** `missing`: why there are fewer pictures than were asked for. */
type Stored = { pictures: AttemptPicture[]; missing: VendorFailure[]; bill: VendorBill }

/** `next`: by which route the part is tried once more. */
type Failed = { failure: VendorFailure; next?: Way }

export type KeySource = AttemptRow["key_source"]

/** A vendor, and its own name of the model. */
export type Way = { provider: string; model: string }

export type Attempt = {
  id: string
  part: number
  ordinal: number
  provider: string
  vendorModel: string
  /** What of the generation's reservation is for this call. */
  reservedMicros: number
  keySource: KeySource
  dueAt: number
  sentAt: number
} & (
  | { state: "sent" }
  | ({ state: "pending" } & Check)
  | ({ state: "stored" } & Stored)
  | ({ state: "failed" } & Failed)
)

export const isFinal = (attempt: Attempt): boolean =>
  attempt.state === "stored" || (attempt.state === "failed" && attempt.next === undefined)

export async function insertSent(
  tx: Queries,
  generationId: string,
  call: Pick<Attempt, "part" | "ordinal" | "provider" | "vendorModel" | "keySource" | "reservedMicros"> & {
    now: number
  },
): Promise<Attempt> {
  const { now, ...facts } = call
  const { part, ordinal, provider, vendorModel, keySource, reservedMicros } = facts
  const id = newId("att")
  await insertAttempt(tx, {
    ...{ id, part, ordinal, provider, state: "sent", due_at: now, sent_at: now },
    generation_id: generationId,
    ...{ vendor_model: vendorModel, key_source: keySource },
    reserved_micros: reservedMicros,
    ...{ check_json: null, pictures_json: null, failure_json: null, usage_json: null, finished_at: null },
  })
  return { id, ...facts, dueAt: now, sentAt: now, state: "sent" }
}

const insertAttempt = prepare((tx, row: AttemptRow) => tx.insertInto("attempts").values(row))

/** What came of a call, to be written down. */
export type Step =
  | ({ state: "pending"; dueAt: number } & Check)
  | ({ state: "stored" } & Stored)
  | ({ state: "failed"; dueAt: number } & Failed)

export async function recordStep(tx: Queries, id: string, step: Step, now: number): Promise<void> {
  const change =
    step.state === "pending"
      ? {
          state: step.state,
          check_json: JSON.stringify({ check: step.check, missed: step.missed } satisfies Check),
          due_at: step.dueAt,
        }
      : step.state === "stored"
        ? {
            state: step.state,
            pictures_json: JSON.stringify(step.pictures),
            failure_json: step.missing.length > 0 ? JSON.stringify(step.missing) : null,
            usage_json: JSON.stringify(step.bill),
            finished_at: now,
          }
        : { state: step.state, failure_json: failureJson(step), due_at: step.dueAt, finished_at: now }
  await changes[step.state](tx, { id, ...change })
}

type Change = { id: string } & Partial<AttemptRow>

const changeOpen = () =>
  prepare((tx, { id, ...change }: Change) =>
    tx.updateTable("attempts").set(change).where("id", "=", id).where("state", "in", ["sent", "pending"]),
  )

// Each step changes columns of its own, and so has a text of its own.
const changes = { pending: changeOpen(), stored: changeOpen(), failed: changeOpen() }

const failureJson = ({ failure, next }: Failed): string => JSON.stringify({ ...failure, ...(next ? { next } : {}) })

/** The way that the first call of all went: it decided how the work was divided. */
export async function firstWay(queries: Queries, generationId: string): Promise<Way | undefined> {
  return (await selectFirst(queries, { generationId })).rows[0]
}

const selectFirst = prepare((queries, { generationId }: { generationId: string }) =>
  queries
    .selectFrom("attempts")
    .select(["provider", "vendor_model as model"])
    .where("generation_id", "=", generationId)
    .orderBy("ordinal")
    .limit(1),
)

/** The newest attempt of each part that has one, by part. */
export async function latestAttempts(queries: Queries, generationId: string): Promise<Map<number, Attempt>> {
  return new Map((await allAttempts(queries, generationId)).map((row) => [row.part, readAttempt(row)]))
}

/** Every call there was, the first tries of all parts before the second ones. */
export const allAttempts = async (queries: Queries, generationId: string): Promise<AttemptRow[]> =>
  (await selectAttempts(queries, { generationId })).rows

const selectAttempts = prepare((queries, { generationId }: { generationId: string }) =>
  queries.selectFrom("attempts").selectAll().where("generation_id", "=", generationId).orderBy("ordinal"),
)

function readAttempt(row: AttemptRow): Attempt {
  const { id, part, ordinal, provider, vendor_model: vendorModel, reserved_micros: reservedMicros } = row
  const names = { provider, vendorModel, keySource: row.key_source }
  const facts = { id, part, ordinal, ...names, reservedMicros, dueAt: row.due_at, sentAt: row.sent_at }
  const read = <T>(json: string | null) => JSON.parse(json ?? "null") as T
  switch (row.state) {
    case "sent":
      return { ...facts, state: "sent" }
    case "pending":
      return { ...facts, state: "pending", ...read<Check>(row.check_json) }
    case "stored":
      return {
        ...facts,
        state: "stored",
        pictures: read<AttemptPicture[]>(row.pictures_json),
        missing: read<VendorFailure[] | null>(row.failure_json) ?? [],
        bill: read<VendorBill>(row.usage_json),
      }
    case "failed": {
      const { next, ...failure } = read<VendorFailure & { next?: Way }>(row.failure_json)
      return { ...facts, state: "failed", failure, ...(next ? { next } : {}) }
    }
  }
}
