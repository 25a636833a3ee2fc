// What a run was like, in numbers, and what the judge has found.
import type { Crash } from "./crash.ts"
import type { Fault } from "./judge.ts"
import type { Evidence } from "./evidence.ts"

const count = <T>(all: T[], isOne: (one: T) => boolean): number => all.filter(isOne).length

const by = (words: string[]): string =>
  [...Map.groupBy(words, (word) => word)]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([word, all]) => `${all.length} ${word}`)
    .join(", ")

export function sayFigures({ evidence, tookMs }: Pick<Crash, "evidence" | "tookMs">): string {
  const { client, vendors, nemesis, receiver, tables, wishes } = evidence
  const broken = count(client, ({ act }) => act === "broken")
  const sent = count(client, ({ act }) => act === "asking")
  const mischief = vendors.flatMap((entry) => (entry.act === "worked" && entry.mischief ? [entry.mischief] : []))
  const refused = vendors.flatMap((entry) => (entry.act === "refused" ? [`refused with ${entry.status}`] : []))
  const ordered = count(vendors, ({ act }) => act === "ordered")
  const unseen = count(vendors, (entry) => entry.act === "ordered" && entry.committed === null)
  const lines: [string, string][] = [
    ["time", `${Math.round(tookMs / 1000)} s`],
    ["kills", by(nemesis.flatMap((entry) => (entry.act === "killed" ? [entry.when] : [])))],
    ["wishes", `${wishes.length}, sent in ${sent} requests, ${broken} of which broke`],
    ["answers", by(client.flatMap((entry) => (entry.act === "answered" ? [String(entry.status)] : [])))],
    ["generations", `${tables.generations.length}: ${by(tables.generations.map(({ status }) => status))}`],
    ["failures", by(failuresOf(evidence))],
    ["vendor calls", `${ordered}, ${unseen} of which could not look into the database`],
    ["mischief", by([...mischief, ...refused])],
    ["pictures", `${tables.images.length}`],
    ["postings", by(tables.postings.map(({ kind }) => kind))],
    [
      "webhooks",
      `${by(tables.deliveries.map(({ status }) => status))}; messages ${by(receiver.map(({ answer }) => answer))}`,
    ],
  ]
  return lines.map(([name, text]) => `${name.padEnd(13)}${text}`).join("\n")
}

const failuresOf = ({ tables }: Evidence): string[] =>
  tables.generations.flatMap(({ failure_json }) =>
    failure_json === null ? [] : [(JSON.parse(failure_json) as { code: string }).code],
  )

const shownMax = 5

/** By rule, the first few of each. */
export function sayFaults(faults: Fault[]): string {
  if (faults.length === 0) return "The judge found nothing."
  const groups = [...Map.groupBy(faults, ({ rule }) => rule)].map(([rule, all]) => {
    const shown = all.slice(0, shownMax).map(({ what }) => `  ${what}`)
    return [`${rule}: ${all.length}`, ...shown, ...(all.length > shownMax ? ["  …"] : [])].join("\n")
  })
  return `The judge found ${faults.length} faults.\n${groups.join("\n")}`
}
