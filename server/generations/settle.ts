// What the end of a generation comes to: for its caller what was delivered, for the house what a vendor may bill for the rest.
import { bookLosses } from "../credits/losses.ts"
import type { Loss } from "../credits/losses.ts"
import { settleCredits } from "../credits/reserve.ts"
import type { Queries } from "../database/database.ts"
import type { GenerationRow } from "../database/tables/generations.ts"
import { latestAttempts } from "./attempts.ts"
import type { Attempt } from "./attempts.ts"

/** What was delivered; never above what is set aside. */
export const chargeOf = (row: GenerationRow, attempts: Attempt[]): number =>
  Math.min(
    attempts.reduce((sum, attempt) => sum + costOf(row, attempt), 0),
    row.reserved_micros,
  )

/** A picture costs at the most what it was quoted at, whatever the vendor says that it cost. */
function costOf({ price_micros }: GenerationRow, attempt: Attempt): number {
  if (attempt.state !== "stored") return 0
  const quoted = attempt.pictures.length * price_micros
  return Math.min(Math.max(0, attempt.bill.micros ?? quoted), quoted)
}

type End = { attempts: Attempt[]; chargedMicros: number; lossOf: (attempt: Attempt) => Lost | undefined }

/** In the transaction of the end, so that nothing is set aside for what is over. */
async function settle(tx: Queries, now: number, row: GenerationRow, { attempts, chargedMicros, lossOf }: End) {
  const { id: generationId, project_id: projectId, key_id: keyId, mode } = row
  const reservedMicros = row.reserved_micros
  await settleCredits(tx, now, { projectId, keyId, mode, generationId, reservedMicros, chargedMicros })
  const losses = attempts.flatMap((attempt): Loss[] => {
    const lost = lossOf(attempt)
    const { id: attemptId, provider, vendorModel } = attempt
    return lost ? [{ attemptId, provider, vendorModel, ...lost }] : []
  })
  await bookLosses(tx, now, { projectId, mode, generationId }, losses)
}

type Lost = { micros: number; reason: string }

/** All calls have ended, and their pictures are delivered. */
export const settleDelivered = (tx: Queries, now: number, row: GenerationRow, attempts: Attempt[]): Promise<void> =>
  settle(tx, now, row, { attempts, chargedMicros: chargeOf(row, attempts), lossOf: unanswered })

/** Nothing is delivered, whatever the calls have come to. `why` is a word for the operator: "canceled". */
export async function settleUndelivered(tx: Queries, now: number, row: GenerationRow, why: string): Promise<void> {
  const attempts = [...(await latestAttempts(tx, row.id)).values()]
  const lossOf = (attempt: Attempt): Lost | undefined => {
    if (attempt.state === "failed") return unanswered(attempt)
    return attempt.state === "stored"
      ? { micros: costOf(row, attempt), reason: `${why} when the vendor had delivered` }
      : { micros: attempt.reservedMicros, reason: `${why} while the vendor worked` }
  }
  await settle(tx, now, row, { attempts, chargedMicros: 0, lossOf })
}

/** The vendor was called, and nobody knows whether it did the work. */
function unanswered(attempt: Attempt): Lost | undefined {
  if (attempt.state !== "failed" || attempt.failure.untouched === true) return undefined
  const reason = whyUnknown[attempt.failure.code]
  return reason === undefined ? undefined : { micros: attempt.reservedMicros, reason }
}

const whyUnknown: Partial<Record<string, string>> = {
  outcome_unknown: "the outcome is unknown",
  provider_timeout: "the vendor did not answer in time",
}
