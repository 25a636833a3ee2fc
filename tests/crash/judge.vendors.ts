// Rules about vendors' calls: announced before they are made, made once, followed to their end.
import type { Evidence } from "./evidence.ts"
import { wishOf, wishesById } from "./judge.read.ts"
import type { Rule } from "./judge.ts"
import type { VendorEntry } from "./vendors.ts"

type Ordered = VendorEntry & { act: "ordered" }

/** In the order they came: the vendor wrote them down once it had looked, and its looks overtake each other. */
const ordersOf = ({ vendors }: Pick<Evidence, "vendors">): Map<string, Ordered[]> =>
  Map.groupBy(
    vendors.filter((entry): entry is Ordered => entry.act === "ordered").toSorted((a, b) => a.call - b.call),
    ({ token }) => token,
  )

/**
 * When the vendor got its nth call for a wish, n attempts were committed. The vendor itself looked: what the table says
 * later could have been written later.
 */
export const noCallWithoutSent: Rule = (evidence) => {
  const attempts = Map.groupBy(evidence.tables.attempts, ({ generation_id }) => generation_id)
  const rows = Map.groupBy(evidence.tables.generations, (row) => wishOf(row))
  return [...ordersOf(evidence)].flatMap(([token, orders]) => {
    const written = (rows.get(token) ?? []).flatMap(({ id }) => attempts.get(id) ?? []).length
    const early = orders.flatMap(({ call, vendor, committed }, index) =>
      committed !== null && committed < index + 1
        ? [`call ${call} to ${vendor} for ${token.trim()} came when ${committed} of ${index + 1} were written down`]
        : [],
    )
    return orders.length > written
      ? [...early, `${orders.length} calls for ${token.trim()}, and ${written} written down`]
      : early
  })
}

/**
 * A vendor that may have worked is not asked again: beyond the calls that a generation takes, only those are made that
 * were refused without work.
 */
export const noneRepeatedBlindly: Rule = (evidence) => {
  const refused = new Set(evidence.vendors.flatMap(({ act, call }) => (act === "refused" ? [call] : [])))
  const wishes = wishesById(evidence.wishes)
  const generations = Map.groupBy(evidence.tables.generations, wishOf)
  return [...ordersOf(evidence)].flatMap(([token, orders]) => {
    const serious = orders.filter(({ call }) => !refused.has(call)).length
    const wanted = (wishes.get(token)?.calls ?? 0) * (generations.get(token)?.length ?? 0)
    return serious > wanted ? [`${token.trim()} takes ${wanted} calls, and vendors worked ${serious} times`] : []
  })
}

/** A task that the vendor has accepted is asked for until its picture is there, unless the caller called it off. */
export const tasksAreFollowed: Rule = ({ tables }) => {
  const canceled = new Set(tables.generations.flatMap(({ id, status }) => (status === "canceled" ? [id] : [])))
  return tables.attempts
    .filter(
      ({ check_json, state, generation_id }) =>
        check_json !== null && state !== "stored" && !canceled.has(generation_id),
    )
    .map(
      ({ id, generation_id, failure_json }) => `the task of ${id} for ${generation_id} was given up: ${failure_json}`,
    )
}

/** An unknown outcome has a cause: the server was killed meanwhile, or the vendor's answer did not come. */
export const givenUpForACause: Rule = ({ tables, vendors, nemesis }) => {
  const kills = nemesis.flatMap(({ act, at }) => (act === "killed" ? [at] : []))
  const spoiled = new Set(
    vendors.flatMap((entry) => (entry.act === "worked" && isLost(entry.mischief) ? [entry.token] : [])),
  )
  const tokens = new Map(tables.generations.map((row) => [row.id, wishOf(row)]))
  return tables.attempts.flatMap(({ id, generation_id, failure_json, sent_at, finished_at, state }) => {
    if (state !== "failed" || !failure_json?.includes(`"outcome_unknown"`)) return []
    const wasKilled = kills.some((at) => at >= sent_at && at <= (finished_at ?? 0))
    return wasKilled || spoiled.has(tokens.get(generation_id) ?? "")
      ? []
      : [`the call ${id} of ${generation_id} was given up, and nothing had happened to it`]
  })
}

const isLost = (mischief: string | null): boolean => mischief !== null && ["never", "broken", "half"].includes(mischief)
