// Balances: giving credits, showing what there is, and proving that the entries come to it.
import { sql } from "kysely"
import type { ExpressionBuilder } from "kysely"
import type { App } from "../app.ts"
import type { Queries } from "../database/database.ts"
import type { Tables } from "../database/tables.ts"
import { GatewayError } from "../errors.ts"
import { accountOf, balanceOf, houseAccount, post } from "./ledger.ts"
import type { Purse } from "./ledger.ts"

export type Balance = { availableMicros: number; reservedMicros: number }

export async function showBalance(queries: Queries, purse: Purse): Promise<Balance> {
  return {
    availableMicros: await balanceOf(queries, accountOf(purse, "available")),
    reservedMicros: await balanceOf(queries, accountOf(purse, "reserved")),
  }
}

/** Gives credits, or takes them back where the amount is negative. Throws `insufficient_credits` where they are not there. */
export async function grantCredits(
  app: Pick<App, "database" | "clock">,
  purse: Purse,
  micros: number,
  reason: string,
): Promise<Balance> {
  const kind = micros < 0 ? "adjust" : "grant"
  await app.database.transaction(async (tx) => {
    if (!(await give(tx, app.clock.now(), { ...purse, kind, micros, reason })))
      throw new GatewayError({ code: "insufficient_credits", detail: "There is not as much to take back." })
  })
  return showBalance(app.database.query, purse)
}

/** The same, unless it was given for that reason before. False where it was. */
export async function grantOnce(
  { database, clock }: Pick<App, "database" | "clock">,
  purse: Purse,
  micros: number,
  reason: string,
): Promise<boolean> {
  return database.transaction(async (tx) => {
    const before = tx.selectFrom("postings").select("id").where("project_id", "=", purse.projectId)
    const same = before.where("mode", "=", purse.mode).where("kind", "=", "grant").where("reason", "=", reason)
    if (await same.executeTakeFirst()) return false
    return give(tx, clock.now(), { ...purse, kind: "grant", micros, reason })
  })
}

type Gift = Purse & { kind: "grant" | "adjust"; micros: number; reason: string }

const give = (tx: Queries, now: number, { micros, ...gift }: Gift): Promise<boolean> =>
  post(tx, now, {
    ...gift,
    entries: [
      [houseAccount(gift.mode, "granted"), -micros],
      [accountOf(gift, "available"), micros],
    ],
  })

export type Verified = {
  accounts: number
  entries: number
  /** What is wrong; empty where everything comes out. */
  faults: string[]
}

/** Sums every entry anew: each set to zero, each project's to its balance, and what was lost to the list of it. */
export async function verifyLedger(queries: Queries): Promise<Verified> {
  const total = sql<number>`coalesce(sum(amount_micros), 0)`
  const unbalanced = await queries
    .selectFrom("entries")
    .select(["posting_id", total.as("sum")])
    .groupBy("posting_id")
    .having(total, "!=", 0)
    .execute()
  const accounts = await queries
    .selectFrom("accounts")
    .leftJoin("entries", "entries.account_id", "accounts.id")
    .select(["accounts.id", "accounts.balance_micros", total.as("sum")])
    // The house's have no balance of their own.
    .where("accounts.project_id", "is not", null)
    .groupBy(["accounts.id", "accounts.balance_micros"])
    .execute()
  const listed = (eb: ExpressionBuilder<Tables, "accounts">) =>
    eb
      .selectFrom("losses")
      .innerJoin("generations", "generations.id", "losses.generation_id")
      .whereRef("generations.mode", "=", "accounts.mode")
      .select(total.as("sum"))
  const entered = (eb: ExpressionBuilder<Tables, "accounts">) =>
    eb.selectFrom("entries").whereRef("entries.account_id", "=", "accounts.id").select(total.as("sum"))
  const lost = await queries
    .selectFrom("accounts")
    .select((eb) => ["id", entered(eb).as("sum"), listed(eb).as("listed")])
    .where("id", "in", [houseAccount("live", "lost"), houseAccount("test", "lost")])
    .execute()
  const counts = await queries
    .selectFrom("entries")
    .select((eb) => eb.fn.countAll<number>().as("entries"))
    .select((eb) => eb.fn.count<number>("account_id").distinct().as("accounts"))
    .executeTakeFirstOrThrow()
  const faults = [
    ...unbalanced.map(({ posting_id, sum }) => `posting ${posting_id} does not sum to zero but to ${sum}`),
    ...accounts.flatMap(({ id, balance_micros, sum }) => [
      ...(Number(sum) === balance_micros ? [] : [`account ${id} says ${balance_micros}, its entries ${sum}`]),
      ...(balance_micros < 0 ? [`account ${id} is below zero`] : []),
    ]),
    ...lost.flatMap(({ id, sum, listed }) =>
      sum === listed ? [] : [`account ${id} has ${sum}, the list of losses ${listed}`],
    ),
  ]
  return { ...counts, faults }
}
