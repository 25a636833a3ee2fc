// The calls made for a generation, as rows. `sent` is committed before the vendor is called, so that nobody who finds
// it later calls again.
import type { Queries } from "../database/database.ts"
import type { AttemptRow } from "../database/tables.ts"
import { newId } from "../ids.ts"
import type { ImageNotes } from "../images/images.ts"
import type { KeptPicture } from "../images/keep.ts"
import type { ProviderRequest, VendorBill, VendorFailure } from "../providers/provider.ts"

export type AttemptPicture = { picture: KeptPicture; notes: ImageNotes }

/** How to ask for a task, and how often in a row its finished picture could not be fetched. */
export type Check = { check: ProviderRequest; missed: number }

export type Attempt = {
  id: string
  part: number
  ordinal: number
  provider: string
  vendorModel: string
  dueAt: number
  sentAt: number
} & (
  | { state: "sent" }
  | ({ state: "pending" } & Check)
  | { state: "stored"; pictures: AttemptPicture[]; bill: VendorBill }
  | { state: "failed"; failure: VendorFailure }
)

/** Tries of one part. A vendor that was only busy may be asked once more than one that failed. */
const attemptsMax = ({ code }: VendorFailure): number => (code === "provider_busy" ? 3 : 2)

/** Whether the part may be tried once more: only where the vendor surely did no work. */
const mayTryAgain = (attempt: Attempt): boolean =>
  attempt.state === "failed" &&
  attempt.failure.untouched === true &&
  isPassing(attempt.failure) &&
  attempt.ordinal < attemptsMax(attempt.failure)

const isPassing = ({ code }: VendorFailure): boolean => code === "provider_busy" || code === "provider_error"

export const isFinal = (attempt: Attempt): boolean =>
  attempt.state === "stored" || (attempt.state === "failed" && !mayTryAgain(attempt))

export async function insertSent(
  tx: Queries,
  generationId: string,
  call: { part: number; ordinal: number; provider: string; vendorModel: string; now: number },
): Promise<Attempt> {
  const { part, ordinal, provider, vendorModel, now } = call
  const id = newId("att")
  await tx
    .insertInto("attempts")
    .values({
      ...{ id, part, ordinal, provider, state: "sent", due_at: now, sent_at: now },
      generation_id: generationId,
      vendor_model: vendorModel,
      ...{ check_json: null, pictures_json: null, failure_json: null, usage_json: null, finished_at: null },
    })
    .execute()
  return { id, part, ordinal, provider, vendorModel, dueAt: now, sentAt: now, state: "sent" }
}

/** What came of a call, to be written down. */
export type Step =
  | ({ state: "pending"; dueAt: number } & Check)
  | { state: "stored"; pictures: AttemptPicture[]; bill: VendorBill }
  | { state: "failed"; failure: VendorFailure; dueAt: number }

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
            usage_json: JSON.stringify(step.bill),
            finished_at: now,
          }
        : { state: step.state, failure_json: JSON.stringify(step.failure), due_at: step.dueAt, finished_at: now }
  await tx.updateTable("attempts").set(change).where("id", "=", id).where("state", "in", ["sent", "pending"]).execute()
}

/** The newest attempt of each part that has one, by part. */
export async function latestAttempts(queries: Queries, generationId: string): Promise<Map<number, Attempt>> {
  const rows = queries.selectFrom("attempts").selectAll().where("generation_id", "=", generationId).orderBy("ordinal")
  return new Map((await rows.execute()).map((row) => [row.part, readAttempt(row)]))
}

function readAttempt(row: AttemptRow): Attempt {
  const { id, part, ordinal, provider } = row
  const facts = { id, part, ordinal, provider, vendorModel: row.vendor_model, dueAt: row.due_at, sentAt: row.sent_at }
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
        bill: read<VendorBill>(row.usage_json),
      }
    case "failed":
      return { ...facts, state: "failed", failure: read<VendorFailure>(row.failure_json) }
  }
}
