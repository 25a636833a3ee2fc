// The ledger: sets of entries that sum to zero, only ever added. Projects' balances are kept beside them, in the same
// transaction; what the house has is summed when somebody asks.
import type { Queries } from "../database/database.ts"
import { prepare, prepareRows } from "../database/prepare.ts"
import type { AccountRow, EntryRow, PostingKind, PostingRow } from "../database/tables/credits.ts"
import type { Mode } from "../egress/send.ts"
import { newId } from "../ids.ts"

/** Whose money it is: a project's, apart for live and test keys. */
export type Purse = { projectId: string; mode: Mode }

export type Posting = Purse & {
  kind: PostingKind
  generationId?: string
  reason: string
  /** Micro-credits by account, negative for what leaves it. */
  entries: [account: string, micros: number][]
}

export const accountOf = ({ projectId, mode }: Purse, kind: "available" | "reserved"): string =>
  `${projectId}:${mode}:${kind}`

/**
 * What the house gives away stands on one of its accounts as a debt, what it earns on another, and on a third the work
 * that it paid a vendor for and that nobody paid it for.
 */
export const houseAccount = (mode: Mode, kind: "granted" | "revenue" | "lost"): string => `house:${mode}:${kind}`

// No project may be called that.
const isOfHouse = (account: string): boolean => account.startsWith("house:")

/**
 * Adds a set of entries. False where an account would fall below zero: then nothing is added, and the caller's
 * transaction has to end without it.
 */
export async function post(tx: Queries, now: number, posting: Posting): Promise<boolean> {
  const { kind, projectId, mode, generationId = null, reason } = posting
  const entries = posting.entries.filter(([, micros]) => micros !== 0)
  const sum = entries.reduce((total, [, micros]) => total + micros, 0)
  if (sum !== 0 || !entries.every(([, micros]) => Number.isSafeInteger(micros)))
    throw new Error(`entries of ${kind} do not balance: ${JSON.stringify(entries)}`)
  if (!(await moveAll(tx, entries))) return false
  const id = newId("pst")
  const closes = kind === "settle" || kind === "release" ? generationId : null
  const row = { id, kind, project_id: projectId, mode, generation_id: generationId, closes, reason, created_at: now }
  await insertPosting(tx, row)
  const rows = entries.map(([account_id, amount_micros]) => ({ posting_id: id, account_id, amount_micros }))
  if (rows.length > 0) await insertEntries(tx, rows)
  return true
}

const insertPosting = prepare((tx, row: PostingRow) => tx.insertInto("postings").values(row))
const insertEntries = prepareRows((tx, rows: EntryRow[]) => tx.insertInto("entries").values(rows))

/**
 * In one order, whichever way the money goes, so that two sets never wait for each other. Not on the house's accounts:
 * they may fall as low as they like, and a row that all work of all projects changes would let through one at a time.
 */
async function moveAll(tx: Queries, entries: Posting["entries"]): Promise<boolean> {
  const ordered = entries
    .filter(([account]) => !isOfHouse(account))
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
  for (const [index, [account, micros]] of ordered.entries()) {
    if (await move(tx, account, micros)) continue
    for (const [moved, back] of ordered.slice(0, index)) await move(tx, moved, -back)
    return false
  }
  return true
}

/** Changes a balance, unless it would fall below zero. */
async function move(tx: Queries, account: string, micros: number): Promise<boolean> {
  const { numAffectedRows = 0n } = await changeBalance(tx, { account, micros, least: -micros })
  if (numAffectedRows > 0n) return true
  // From one that is not there nothing can be taken.
  if (micros < 0) return false
  await openAccount(tx, account, micros)
  return true
}

const changeBalance = prepare((tx, { account, micros, least }: { account: string; micros: number; least: number }) =>
  tx
    .updateTable("accounts")
    .set((eb) => ({ balance_micros: eb("balance_micros", "+", micros) }))
    .where("id", "=", account)
    .where("balance_micros", ">=", least),
)

async function openAccount(tx: Queries, id: string, balance_micros: number): Promise<void> {
  const [project_id, mode, kind] = id.split(":") as [string, Mode, AccountRow["kind"]]
  await tx.insertInto("accounts").values({ id, project_id, mode, kind, balance_micros }).execute()
}

/** Zero where nothing was ever put on it. */
export async function balanceOf(queries: Queries, account: string): Promise<number> {
  if (isOfHouse(account)) {
    const sum = queries.selectFrom("entries").select((eb) => eb.fn.sum<number | null>("amount_micros").as("balance"))
    return (await sum.where("account_id", "=", account).executeTakeFirstOrThrow()).balance ?? 0
  }
  const row = queries.selectFrom("accounts").select("balance_micros").where("id", "=", account)
  return (await row.executeTakeFirst())?.balance_micros ?? 0
}
