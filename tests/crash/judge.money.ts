// Rules about credits: sets sum to zero, nobody is ever below zero, and what was set aside is closed once, as delivered.
import type { PostingRow } from "../../server/database/tables/credits.ts"
import type { Evidence } from "./evidence.ts"
import type { Rule } from "./judge.ts"

/** Each set of entries sums to zero, and those of each project's account to its balance; the house's have none. */
export const entriesSumToZero: Rule = ({ tables: { postings, entries, accounts } }) => {
  const byPosting = Map.groupBy(entries, ({ posting_id }) => posting_id)
  const byAccount = Map.groupBy(entries, ({ account_id }) => account_id)
  const sumOf = (some: { amount_micros: number }[] = []) =>
    some.reduce((sum, { amount_micros }) => sum + amount_micros, 0)
  return [
    ...postings
      .filter(({ id }) => sumOf(byPosting.get(id)) !== 0)
      .map(({ id, kind }) => `the ${kind} ${id} does not sum to zero`),
    ...accounts
      .filter(({ project_id }) => project_id !== null)
      .filter(({ id, balance_micros }) => sumOf(byAccount.get(id)) !== balance_micros)
      .map(({ id, balance_micros }) => `${id} says ${balance_micros}, and its entries ${sumOf(byAccount.get(id))}`),
  ]
}

/** Replays the entries in the order they were committed. */
export const balanceNeverBelowZero: Rule = ({ tables: { postings, entries, accounts } }) => {
  const byPosting = Map.groupBy(entries, ({ posting_id }) => posting_id)
  const guarded = new Set(accounts.filter(({ project_id }) => project_id !== null).map(({ id }) => id))
  const balances = new Map<string, number>()
  const faults = new Map<string, string>()
  for (const { id, kind } of postings)
    for (const { account_id, amount_micros } of byPosting.get(id) ?? []) {
      const balance = (balances.get(account_id) ?? 0) + amount_micros
      balances.set(account_id, balance)
      if (balance < 0 && guarded.has(account_id) && !faults.has(account_id))
        faults.set(account_id, `${account_id} falls to ${balance} by the ${kind} ${id}`)
    }
  return [...faults.values()]
}

const postingsByGeneration = ({ tables }: Pick<Evidence, "tables">): Map<string | null, PostingRow[]> =>
  Map.groupBy(tables.postings, ({ generation_id }) => generation_id)

/** What a generation says it has set aside was set aside for it, once. */
export const setAsideOnce: Rule = (evidence) => {
  const { generations, entries } = evidence.tables
  const postings = postingsByGeneration(evidence)
  const reserved = new Map(
    entries.flatMap(({ posting_id, account_id, amount_micros }) =>
      account_id.endsWith(":reserved") ? [[posting_id, amount_micros] as const] : [],
    ),
  )
  return generations.flatMap(({ id, reserved_micros }) => {
    const made = (postings.get(id) ?? []).filter(({ kind }) => kind === "reserve")
    const isRight = made.length === 1 && reserved.get(made[0]!.id) === reserved_micros
    return isRight ? [] : [`${made.length} times something was set aside for ${id}`]
  })
}

/**
 * One settle or one release for each generation that has ended, and nothing is set aside when all have. What was lost with
 * a vendor is an adjustment between accounts of the house, which touches nobody's.
 */
export const closedOnce: Rule = (evidence) => {
  const { generations, accounts, entries } = evidence.tables
  const postings = postingsByGeneration(evidence)
  const ofProjects = new Set(
    entries.flatMap(({ posting_id, account_id }) => (account_id.startsWith("house:") ? [] : [posting_id])),
  )
  const isClosing = ({ id, kind }: PostingRow) => kind !== "reserve" && (kind !== "adjust" || ofProjects.has(id))
  return [
    ...generations.flatMap(({ id, status, charged_micros }) => {
      const closing = (postings.get(id) ?? []).filter(isClosing).map(({ kind }) => kind)
      const wanted = charged_micros > 0 ? "settle" : "release"
      return closing.join() === wanted
        ? []
        : [`${id}, which has ${status}, was closed by ${closing.join(" and ") || "nothing"}`]
    }),
    ...accounts
      .filter(({ kind, balance_micros }) => kind === "reserved" && balance_micros !== 0)
      .map(({ id, balance_micros }) => `${id} still has ${balance_micros}`),
  ]
}

/** A success costs something, at most what was set aside, and that is what the house gets; anything else is free. */
export const chargedAsDelivered: Rule = (evidence) => {
  const { generations, entries } = evidence.tables
  const postings = postingsByGeneration(evidence)
  const byPosting = Map.groupBy(entries, ({ posting_id }) => posting_id)
  return generations.flatMap(({ id, status, reserved_micros, charged_micros }) => {
    const earned = (postings.get(id) ?? [])
      .flatMap((posting) => byPosting.get(posting.id) ?? [])
      .filter(({ account_id }) => account_id.endsWith(":revenue"))
      .reduce((sum, { amount_micros }) => sum + amount_micros, 0)
    const isFree = status !== "succeeded"
    const isRight = isFree ? earned === 0 : earned > 0 && earned <= reserved_micros
    return isRight && earned === charged_micros
      ? []
      : [`${id}, which has ${status}, was charged ${earned} of ${reserved_micros}`]
  })
}
