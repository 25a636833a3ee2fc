// Queries on the hot path, whose text is written once: composing one anew costs more than SQLite needs to run it.
import type { Compilable, CompiledQuery, DialectAdapter, QueryResult } from "kysely"
import type { Queries } from "./database.ts"

/** Stands for a value while the text is written. */
class Slot {
  readonly name: string

  constructor(name: string) {
    this.name = name
  }
}

type Written = { text: CompiledQuery; values: (given: Record<string, unknown>) => unknown[] }

/**
 * A query that differs by its values alone. `write` is called once for each engine, with something that stands for each
 * value, so it must not look at them; and the same names must be given every time.
 */
export function prepare<Values extends Record<string, unknown>, Row>(
  write: (queries: Queries, values: Values) => Compilable<Row>,
): (queries: Queries, values: Values) => Promise<QueryResult<Row>> {
  const written = new WeakMap<DialectAdapter, Written>()
  return (queries, values) => {
    const { adapter } = queries.getExecutor()
    let known = written.get(adapter)
    if (!known) written.set(adapter, (known = writeOnce(queries, values, write)))
    const query = { ...known.text, parameters: known.values(values) } as CompiledQuery<Row>
    return queries.executeQuery(query)
  }
}

function writeOnce<Values extends Record<string, unknown>>(
  queries: Queries,
  values: Values,
  write: (queries: Queries, values: Values) => Compilable,
): Written {
  const slots = Object.fromEntries(Object.keys(values).map((name) => [name, new Slot(name)]))
  const text = write(queries, slots as Values).compile()
  const names = text.parameters.map((one) => (one instanceof Slot ? one.name : undefined))
  const fixed = text.parameters
  return { text, values: (given) => names.map((name, at) => (name === undefined ? fixed[at] : given[name])) }
}
