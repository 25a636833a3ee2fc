// PostgreSQL: one database for any number of servers. What two transactions do to each other's rows is found out by the
// database, and whoever it sends back begins again.
import { setTimeout as sleep } from "node:timers/promises"
import { Kysely, PostgresDialect, sql } from "kysely"
import type { PostgresPool, PostgresPoolClient } from "kysely"
import pg from "pg"
import { GatewayError } from "../errors.ts"
import type { Database, Queries } from "./database.ts"
import { migrate } from "./migrations.ts"
import type { Tables } from "./tables.ts"

const connectionsMax = 20
// More at once send each other back so often that they take longer: docs/decisions/0011.
const transactionsMax = 4
const connectMaxMs = 10_000
// A server that froze in a transaction must not hold its rows for ever.
const idleInTransactionMaxMs = 30_000

/**
 * Connects, and brings the tables up to date. The address is in no message: it may hold a password. Whom others send back
 * for `retryMaxMs` is refused.
 */
export async function postgresDatabase(url: string, retryMaxMs = 10_000): Promise<Database> {
  const pool = new pg.Pool({
    ...{ connectionString: url, application_name: "atelier", keepAlive: true, types: { getTypeParser } },
    ...{ max: connectionsMax, connectionTimeoutMillis: connectMaxMs },
    idle_in_transaction_session_timeout: idleInTransactionMaxMs,
  })
  // A connection that breaks fails the query on it. Without a listener it would end the process as well.
  pool.on("error", () => undefined)
  pool.on("connect", (client) => client.on("error", () => undefined))
  const query = new Kysely<Tables>({ dialect: new PostgresDialect({ pool: refusingNul(pool) }) })
  try {
    await migrate(query as Kysely<unknown>, "postgres")
  } catch (error) {
    await query.destroy()
    throw new Error(`The database of ATELIER_DATABASE_URL cannot be used: ${reasonOf(error)}`, { cause: error })
  }
  const inTurn = createTurns(transactionsMax)
  return {
    query,
    transaction: (work, { patient = false } = {}) =>
      inTurn(() => serializable(query, work, patient ? Number.POSITIVE_INFINITY : retryMaxMs)),
    check: async () => void (await sql`select 1`.execute(query)),
    close: () => query.destroy(),
  }
}

/** A name with several addresses fails with an error that has no message of its own. */
const reasonOf = (error: unknown): string => {
  const { message, code } = error as { message?: string; code?: string }
  return message || code || "it does not answer"
}

/** PostgreSQL has no text with a NUL in it, and would not say whose fault that is. */
function refusingNul(pool: pg.Pool): PostgresPool {
  const connect = async (): Promise<PostgresPoolClient> => {
    const client = await pool.connect()
    const query = async (text: string, values: unknown[]) => {
      if (values.some((value) => typeof value === "string" && value.includes("\0")))
        throw new GatewayError({ code: "invalid_request", detail: "Text may not hold the character NUL." })
      return client.query(text, values)
    }
    // Cursors are not used here.
    return { query: query as unknown as PostgresPoolClient["query"], release: (broken) => client.release(broken) }
  }
  return { connect, end: () => pool.end(), options: pool.options }
}

const { INT8, NUMERIC } = pg.types.builtins

/** Like SQLite: whole numbers are numbers, and one too large to be told exactly is refused. A sum of them is NUMERIC. */
const getTypeParser = ((type: number, format?: "text" | "binary") =>
  type === INT8 || type === NUMERIC
    ? readNumber
    : pg.types.getTypeParser(type, format as "text")) as typeof pg.types.getTypeParser

function readNumber(text: string): number {
  const value = Number(text)
  if (Math.abs(value) > Number.MAX_SAFE_INTEGER) throw new RangeError(`${text} is too large for a number`)
  return value
}

// Sent back by the database: as a whole the transactions under way could not have been done one after another.
const metAnother = ["40001", "40P01"]
// Two that chose the same next number may look like this too; else it is the caller's own doing.
const taken = "23505"
const takenTriesMax = 4
const pauseMaxMs = 100

/** The work is done again from its beginning, so it may change nothing but the database. */
async function serializable<T>(query: Queries, work: (tx: Queries) => Promise<T>, maxMs: number): Promise<T> {
  const end = performance.now() + maxMs
  for (let tries = 1; ; tries++) {
    try {
      return await query.transaction().setIsolationLevel("serializable").execute(work)
    } catch (error) {
      const { code = "" } = error as { code?: string }
      const sentBack = metAnother.includes(code)
      if (!sentBack && (code !== taken || tries >= takenTriesMax)) throw error
      if (performance.now() > end) throw sentBack ? tooBusy(error) : error
      await sleep(Math.random() * Math.min(2 ** tries, pauseMaxMs))
    }
  }
}

/** Nothing of it was kept, so that it may be asked for again. */
const tooBusy = (cause: unknown): GatewayError =>
  new GatewayError(
    { code: "unavailable", detail: "The database is too busy now; nothing was done.", retryAfterSeconds: 1 },
    cause,
  )

/** At most so many pieces of work at once; the others wait in the order they came. */
function createTurns(max: number) {
  const waiting: (() => void)[] = []
  let busy = 0
  return async <T>(work: () => Promise<T>): Promise<T> => {
    if (busy >= max) await new Promise<void>((resolve) => waiting.push(resolve))
    else busy++
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next) next()
      else busy--
    }
  }
}
