// The results as people read them: what was to be reached, and one table of numbers and ratios, in Markdown.
import { median } from "./load.ts"
import { names, polls } from "./scenarios.ts"
import type { Values } from "./scenarios.ts"

/** The median over all rounds of one server in one scenario. */
export type Result = { scenario: string; server: string; values: Values }

/** Of all results of a server in a scenario, in the order in which they first come. */
export function medians(results: Result[]): Result[] {
  const groups = Map.groupBy(results, ({ scenario, server }) => `${scenario}: ${server}`)
  return [...groups.values()].map((group) => {
    const { scenario, server, values } = group[0]!
    const keys = Object.keys(values) as (keyof Values)[]
    const middle = keys.map((key) => [key, median(group.flatMap((result) => result.values[key] ?? []))])
    return { scenario, server, values: Object.fromEntries(middle) as Values }
  })
}

type Find = (scenario: string, server: string) => Values | undefined

type Target = {
  what: string
  unit: "×" | " MB" | " ms" | "/s"
  /** The value may not be above this, or, where `atLeast` is set, not below; without one it is only told. */
  bound?: number
  atLeast?: true
  /** Undefined where it could not be measured. */
  value: (find: Find) => number | undefined
}

const concurrencies = [1, 16, 64]

const ratio = (find: Find, scenario: string, server: string, other: string): number | undefined =>
  timesOf(find(scenario, server), find(scenario, other))

/** How many times the CPU of the other. */
const timesOf = (one: Values | undefined, other: Values | undefined): number | undefined =>
  one?.cpuMs === undefined || other?.cpuMs === undefined ? undefined : one.cpuMs / other.cpuMs

/** At every concurrency that was measured. */
const ratios = (find: Find, server: string, other: string): (number | undefined)[] =>
  concurrencies.map((concurrency) => ratio(find, names.pictures(concurrency), server, other))

const known = (values: (number | undefined)[]): number[] => values.filter((value) => value !== undefined)
const largest = (values: (number | undefined)[]): number | undefined => known(values).toSorted((a, b) => b - a)[0]
const smallest = (values: (number | undefined)[]): number | undefined => known(values).toSorted((a, b) => a - b)[0]

const ours = ["Atelier, link", "Atelier, base64"]

const targets: Target[] = [
  {
    ...{ what: "store and answer a link: CPU, of the tuned proxy's", unit: "×", bound: 2.5 },
    value: (find) => largest(ratios(find, "Atelier, link", "tuned proxy")),
  },
  {
    ...{ what: "store and answer base64: CPU, of the tuned proxy's", unit: "×", bound: 4 },
    value: (find) => largest(ratios(find, "Atelier, base64", "tuned proxy")),
  },
  {
    ...{ what: "a link: less CPU than the naive server", unit: "×", bound: 3, atLeast: true },
    value: (find) => smallest(ratios(find, "naive, link", "Atelier, link")),
  },
  {
    ...{ what: "base64: less CPU than the naive server", unit: "×", bound: 3, atLeast: true },
    value: (find) => smallest(ratios(find, "naive, base64", "Atelier, base64")),
  },
  {
    ...{ what: "64 answers of 20 MB at once: resident memory", unit: " MB", bound: 250 },
    value: (find) => largest(ours.map((server) => find(names.large, server)?.peakMb)),
  },
  {
    ...{ what: "the worst stall of the event loop, in any scenario with pictures", unit: " ms", bound: 30 },
    value: (find) =>
      largest(
        [...concurrencies.map(names.pictures), names.large, names.steady].flatMap((scenario) =>
          ours.map((server) => find(scenario, server)?.stallMs),
        ),
      ),
  },
  {
    ...{ what: "GET of a stored picture: CPU, of nginx's", unit: "×", bound: 1.5 },
    value: (find) => ratio(find, names.get, "Atelier", "nginx"),
  },
  {
    ...{ what: "accepting a request, durable when it is answered: the middle of 16 at a time", unit: " ms", bound: 2 },
    value: (find) => find(names.accept, "Atelier")?.p50Ms,
  },
  {
    ...{ what: "accepting a request: CPU, of an answer that reads nothing", unit: "×" },
    value: (find) => timesOf(find(names.accept, "Atelier"), find(names.status, polls.nothing)),
  },
  {
    ...{ what: "status polls on one core, of a running one", unit: "/s", bound: 5_000, atLeast: true },
    value: (find) => find(names.status, polls.running)?.perSecond,
  },
  {
    ...{ what: "status polls on one core, of one with a picture", unit: "/s", bound: 5_000, atLeast: true },
    value: (find) => find(names.status, polls.done)?.perSecond,
  },
  {
    ...{ what: "a status poll: CPU, of an answer that reads nothing", unit: "×" },
    value: (find) => timesOf(find(names.status, polls.running), find(names.status, polls.nothing)),
  },
]

export type Verdict = {
  what: string
  unit: string
  bound?: number
  atLeast: boolean
  value?: number
  reached?: boolean
}

export function judge(results: Result[]): Verdict[] {
  const find: Find = (scenario, server) =>
    results.find((result) => result.scenario === scenario && result.server === server)?.values
  return targets.map(({ what, unit, bound, atLeast = false, value: read }) => {
    const value = read(find)
    const measured = value === undefined ? {} : { value }
    if (bound === undefined) return { what, unit, atLeast, ...measured }
    const reached = value === undefined ? {} : { reached: atLeast ? value >= bound : value <= bound }
    return { what, unit, bound, atLeast, ...measured, ...reached }
  })
}

export function writeVerdicts(verdicts: Verdict[]): string {
  const rows = verdicts.map(({ what, unit, bound, atLeast, value, reached }) => {
    const measured = value === undefined ? "not measured here" : digits(value) + unit
    const wanted = bound === undefined ? "–" : `${atLeast ? "≥" : "≤"} ${bound}${unit}`
    return [what, wanted, measured, reached === undefined ? "" : reached ? "✓" : "✗"]
  })
  return markdown(["to reach", "bound", "measured", ""], rows)
}

/** In each scenario the server that the others are compared with. */
const references = ["tuned proxy", "nginx"]

export function writeResults(results: Result[]): string {
  const rows = results.map(({ scenario, server, values }) => {
    const reference = results.find((other) => other.scenario === scenario && references.includes(other.server))
    const { cpuMs, perSecond, p50Ms, p99Ms, peakMb, stallMs } = values
    const times = cpuMs !== undefined && reference?.values.cpuMs ? cpuMs / reference.values.cpuMs : undefined
    return [scenario, server, ...[cpuMs, times, perSecond, p50Ms, p99Ms, peakMb, stallMs].map(digits)]
  })
  const heads = ["CPU ms each", "ratio", "per second", "p50 ms", "p99 ms", "peak MB", "stall ms"]
  return markdown(["scenario", "server", ...heads], rows)
}

/** Three figures that count; a dash where there is no number. */
function digits(value: number | undefined): string {
  if (value === undefined) return "–"
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)
}

function markdown(heads: string[], rows: string[][]): string {
  const widths = heads.map((head, column) => Math.max(head.length, 3, ...rows.map((row) => row[column]!.length)))
  const line = (cells: string[]) => `| ${cells.map((cell, column) => cell.padEnd(widths[column]!)).join(" | ")} |`
  return [line(heads), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n")
}
