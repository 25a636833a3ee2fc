// What a generation costs, from setting its price aside to taking what was delivered. Always in the caller's transaction.
import { microsPerCredit } from "../catalogue/price.ts"
import type { Queries } from "../database/database.ts"
import { GatewayError } from "../errors.ts"
import { accountOf, balanceOf, houseAccount, post } from "./ledger.ts"
import type { Purse } from "./ledger.ts"

export type Reservation = Purse & {
  generationId: string
  keyId: string
  micros: number
  /** The plan pays: what is set aside comes from the house, and what is left goes back to it. */
  unmetered: boolean
}

/** Sets the price aside. Throws `insufficient_credits`, with what is needed and what is there. */
export async function reserveCredits(tx: Queries, now: number, reservation: Reservation): Promise<void> {
  const { generationId, micros, unmetered, mode } = reservation
  if (micros === 0) return
  await countOnKey(tx, reservation, micros)
  const source = unmetered ? houseAccount(mode, "granted") : accountOf(reservation, "available")
  const reserved = await post(tx, now, {
    ...{ kind: "reserve", projectId: reservation.projectId, mode, generationId, reason: "set aside for a generation" },
    entries: [
      [source, -micros],
      [accountOf(reservation, "reserved"), micros],
    ],
  })
  if (!reserved) throw insufficient(micros, await balanceOf(tx, source), "The balance is too low")
}

function insufficient(needed: number, there: number, what: string): GatewayError {
  const [required, current] = [needed / microsPerCredit, Math.max(0, there) / microsPerCredit]
  const detail = `${what}: this may cost ${required} credits, and there are ${current}.`
  return new GatewayError({ code: "insufficient_credits", detail, credits: { required, current } })
}

/** A key may have a limit of its own, whatever its project has. */
async function countOnKey(tx: Queries, { keyId }: Reservation, micros: number): Promise<void> {
  const { numUpdatedRows } = await tx
    .updateTable("api_keys")
    .set((eb) => ({ spent_micros: eb("spent_micros", "+", micros) }))
    .where("id", "=", keyId)
    .where((eb) =>
      eb.or([eb("cap_micros", "is", null), eb(eb("spent_micros", "+", micros), "<=", eb.ref("cap_micros"))]),
    )
    .executeTakeFirstOrThrow()
  if (numUpdatedRows > 0n) return
  const key = tx.selectFrom("api_keys").select(["cap_micros", "spent_micros"]).where("id", "=", keyId)
  const { cap_micros, spent_micros } = await key.executeTakeFirstOrThrow()
  throw insufficient(micros, (cap_micros ?? 0) - spent_micros, "This key may not spend as much")
}

type Ended = { generationId: string; keyId: string; reservedMicros: number; chargedMicros: number } & Purse

/**
 * Takes what was delivered and gives the rest back: `settle` where anything was, else `release`. A generation has one of
 * the two, once: the table refuses a second.
 */
export async function settleCredits(tx: Queries, now: number, ended: Ended): Promise<void> {
  const { generationId, keyId, reservedMicros, mode, projectId } = ended
  if (reservedMicros === 0) return
  const charged = Math.min(ended.chargedMicros, reservedMicros)
  const source = await sourceOf(tx, generationId)
  // The key before the accounts, as where it was set aside: whoever takes them in two orders waits in a circle.
  await uncountOnKey(tx, keyId, reservedMicros - charged)
  const done = await post(tx, now, {
    ...{ kind: charged > 0 ? "settle" : "release", projectId, mode, generationId },
    reason: charged > 0 ? "pictures delivered" : "nothing delivered",
    entries: [
      [accountOf(ended, "reserved"), -reservedMicros],
      [houseAccount(mode, "revenue"), charged],
      [source, reservedMicros - charged],
    ],
  })
  if (!done) throw new Error(`less is set aside than generation ${generationId} has reserved`)
}

/** What was given back counts as not spent. */
export async function uncountOnKey(tx: Queries, keyId: string, micros: number): Promise<void> {
  await tx
    .updateTable("api_keys")
    .set((eb) => ({ spent_micros: eb("spent_micros", "-", micros) }))
    .where("id", "=", keyId)
    .execute()
}

/** The account that the price was taken from. */
export async function sourceOf(tx: Queries, generationId: string): Promise<string> {
  const { account_id } = await tx
    .selectFrom("entries")
    .innerJoin("postings", "postings.id", "entries.posting_id")
    .select("account_id")
    .where("postings.generation_id", "=", generationId)
    .where("postings.kind", "=", "reserve")
    .where("amount_micros", "<", 0)
    .executeTakeFirstOrThrow()
  return account_id
}
