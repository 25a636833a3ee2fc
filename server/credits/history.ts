// Where credits came from and where they went: the postings of a project, newest first.
import type { Queries } from "../database/database.ts"
import { isAfter, pageOf } from "../database/pages.ts"
import type { EntryRow, PostingKind, PostingRow } from "../database/tables/credits.ts"
import { accountOf, houseAccount } from "./ledger.ts"
import type { Purse } from "./ledger.ts"

export type HistoryItem = {
  id: string
  kind: PostingKind
  /** What it is about: given, set aside, charged, given back; negative for what was taken. */
  amountMicros: number
  /** What it did to what the project may spend. */
  availableMicros: number
  generationId: string | null
  reason: string
  createdAt: number
}

type Asked = {
  limit: number
  after?: string | undefined
  /** What touches only the house's own accounts as well: for the operator. */
  house?: boolean
}

export async function listHistory(queries: Queries, purse: Purse, { limit, after, house = false }: Asked) {
  const own = [accountOf(purse, "available"), accountOf(purse, "reserved")]
  const all = queries
    .selectFrom("postings")
    .selectAll()
    .where("project_id", "=", purse.projectId)
    .where("mode", "=", purse.mode)
    .where(isAfter(after))
  const touching = all.where((eb) =>
    eb.exists(
      eb
        .selectFrom("entries")
        .select("account_id")
        .whereRef("posting_id", "=", "postings.id")
        .where("account_id", "in", own),
    ),
  )
  const rows = (house ? all : touching).orderBy("created_at", "desc").orderBy("id", "desc")
  const { page, next } = pageOf(await rows.limit(limit + 1).execute(), limit)
  const entries = await entriesOf(queries, page)
  return { items: page.map((row) => itemOf(row, purse, entries.get(row.id) ?? [])), next }
}

async function entriesOf(queries: Queries, postings: PostingRow[]): Promise<Map<string, EntryRow[]>> {
  if (postings.length === 0) return new Map()
  const ids = postings.map(({ id }) => id)
  const rows = await queries.selectFrom("entries").selectAll().where("posting_id", "in", ids).execute()
  return Map.groupBy(rows, ({ posting_id }) => posting_id)
}

function itemOf(row: PostingRow, purse: Purse, entries: EntryRow[]): HistoryItem {
  const on = (account: string) => entries.find(({ account_id }) => account_id === account)?.amount_micros ?? 0
  const available = on(accountOf(purse, "available"))
  const reserved = on(accountOf(purse, "reserved"))
  const revenue = on(houseAccount(purse.mode, "revenue"))
  const amounts: Record<PostingKind, number> = {
    grant: available,
    adjust: available + on(houseAccount(purse.mode, "lost")),
    reserve: reserved,
    settle: revenue,
    release: -reserved,
    refund: -revenue,
  }
  const { id, kind, generation_id: generationId, reason, created_at: createdAt } = row
  // Entries of nothing are not written, and what is taken from nothing would be -0.
  const [amountMicros, availableMicros] = [amounts[kind] || 0, available]
  return { id, kind, amountMicros, availableMicros, generationId, reason, createdAt }
}
