// What a generation costs, from setting its price aside to taking what was delivered. Always in the caller's transaction.
import { microsPerCredit } from "../catalogue/price.ts"
import type { Queries } from "../database/database.ts"
import { prepare } from "../database/prepare.ts"
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
  const { numAffectedRows = 0n } = await addSpending(tx, { keyId, micros })
  if (numAffectedRows > 0n) return
  const key = tx.selectFrom("api_keys").select(["cap_micros", "spent_micros"]).where("id", "=", keyId)
  const { cap_micros, spent_micros } = await key.executeTakeFirstOrThrow()
  throw insufficient(micros, (cap_micros ?? 0) - spent_micros, "This key may not spend as much")
}

type Spending = { keyId: string; micros: number }

const addSpending = prepare((tx, { keyId, micros }: Spending) =>
  tx
    .updateTable("api_keys")
    .set((eb) => ({ spent_micros: eb("spent_micros", "+", micros) }))
    .where("id", "=", keyId)
    .where((eb) =>
      eb.or([eb("cap_micros", "is", null), eb(eb("spent_micros", "+", micros), "<=", eb.ref("cap_micros"))]),
    ),
)

type Ended = { generationId: string; keyId: string; reservedMicros: number; chargedMicros: number } & Purse

/**
 * Takes what was delivered and gives the rest back: `settle` where anything was, else `release`. A generation has one of
 * the two, once: the table refuses a second.
 */
export async function settleCredits(tx: Queries, now: number, ended: Ended): Promise<void> {
  const { generationId, keyId, reservedMicros, mode, projectId } = ended
  if (reservedMicros === 0) return
  const charged = Math.min(ended.chargedMicros, reservedMicros)
  const left = reservedMicros - charged
  const back: [account: string, micros: number][] = left > 0 ? [[await sourceOf(tx, generationId), left]] : []
  // The key before the accounts, as where it was set aside: whoever takes them in two orders waits in a circle.
  if (left > 0) await uncountOnKey(tx, keyId, left)
  const done = await post(tx, now, {
    ...{ kind: charged > 0 ? "settle" : "release", projectId, mode, generationId },
    reason: charged > 0 ? "pictures delivered" : "nothing delivered",
    entries: [[accountOf(ended, "reserved"), -reservedMicros], [houseAccount(mode, "revenue"), charged], ...back],
  })
  if (!done) throw new Error(`less is set aside than generation ${generationId} has reserved`)
}

/** What was given back counts as not spent. */
export async function uncountOnKey(tx: Queries, keyId: string, micros: number): Promise<void> {
  await takeSpending(tx, { keyId, micros })
}

const takeSpending = prepare((tx, { keyId, micros }: Spending) =>
  tx
    .updateTable("api_keys")
    .set((eb) => ({ spent_micros: eb("spent_micros", "-", micros) }))
    .where("id", "=", keyId),
)

/** The account that the price was taken from. */
export async function sourceOf(tx: Queries, generationId: string): Promise<string> {
  const [source] = (await selectSource(tx, { generationId })).rows
  if (!source) throw new Error(`nothing was set aside for generation ${generationId}`)
  return source.account_id
}

const selectSource = prepare((tx, { generationId }: { generationId: string }) =>
  tx
    .selectFrom("entries")
    .innerJoin("postings", "postings.id", "entries.posting_id")
    .select("account_id")
    .where("postings.generation_id", "=", generationId)
    .where("postings.kind", "=", "reserve")
    .where("amount_micros", "<", 0),
)
