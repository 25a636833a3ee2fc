// Queries on the hot path, whose text is written once: composing one anew costs more than SQLite needs to run it.
import type { Compilable, CompiledQuery, DialectAdapter, QueryResult } from "kysely"
import type { Queries } from "./database.ts"

type Values = Record<string, unknown>

/** Stands for a value while the text is written, and finds it in what is given later. */
class Slot {
  readonly read: (given: unknown) => unknown

  constructor(read: (given: unknown) => unknown) {
    this.read = read
  }
}

type Write<Given, Row> = (queries: Queries, given: Given) => Compilable<Row>
type Run<Given, Row> = (queries: Queries, given: Given) => Promise<QueryResult<Row>>
type Written = { text: CompiledQuery; parameters: ((given: unknown) => unknown)[] }

/**
 * A query that differs by its values alone. `write` is called once for each engine, with something that stands for each
 * value, so it must not look at them; and the same names must be given every time.
 */
export const prepare = <Given extends Values, Row>(write: Write<Given, Row>): Run<Given, Row> =>
  writtenOnce(write, (given) => slotsFor(given, (all) => all as Given))

/** The same for several rows of one shape: written once for each number of them, of which there should be few. */
export function prepareRows<Given extends Values>(write: Write<Given[], unknown>): Run<Given[], unknown> {
  const byCount = new Map<number, Run<Given[], unknown>>()
  return (queries, rows) => {
    let run = byCount.get(rows.length)
    if (!run) {
      run = writtenOnce(write, (given) => given.map((row, at) => slotsFor(row, (all) => (all as Given[])[at]!)))
      byCount.set(rows.length, run)
    }
    return run(queries, rows)
  }
}

const slotsFor = <Given extends Values>(values: Given, rowIn: (given: unknown) => Values): Given =>
  Object.fromEntries(Object.keys(values).map((name) => [name, new Slot((given) => rowIn(given)[name])])) as Given

function writtenOnce<Given, Row>(write: Write<Given, Row>, slots: (given: Given) => Given): Run<Given, Row> {
  const known = new WeakMap<DialectAdapter, Written>()
  return (queries, given) => {
    const { adapter } = queries.getExecutor()
    let written = known.get(adapter)
    if (!written) {
      const text = write(queries, slots(given)).compile()
      // What is not a slot stands in the text for good.
      const parameters = text.parameters.map((one) => (one instanceof Slot ? one.read : () => one))
      known.set(adapter, (written = { text, parameters }))
    }
    const parameters = written.parameters.map((read) => read(given))
    return queries.executeQuery({ ...written.text, parameters } as CompiledQuery<Row>)
  }
}
