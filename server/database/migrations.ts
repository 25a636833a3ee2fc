// How the tables came to be, in order. What has landed is never edited; changes are further entries.
import { sql } from "kysely"
import type { Kysely } from "kysely"
import { guards } from "./guards.ts"
import { firstLight } from "./migrations/0001-first-light.ts"
import { money } from "./migrations/0002-money.ts"
import { imageNames } from "./migrations/0003-image-names.ts"
import { fairQueue } from "./migrations/0004-fair-queue.ts"
import { webhooks } from "./migrations/0005-webhooks.ts"
import { repeats } from "./migrations/0006-repeats.ts"
import { progress } from "./migrations/0008-progress.ts"
import { people } from "./migrations/0009-people.ts"
import { costs } from "./migrations/0010-costs.ts"
import { limitsAndSweeps } from "./migrations/0011-limits.ts"
import { inputMarks } from "./migrations/0012-input-marks.ts"
import { marks } from "./migrations/0013-marks.ts"
import { vendorKeys } from "./migrations/0014-vendor-keys.ts"
import { houseSums } from "./migrations/0015-house-sums.ts"
import { keyLimits } from "./migrations/0016-key-limits.ts"
import { observed } from "./migrations/0017-observed.ts"

/** One text for both, but where the two differ. */
type Statement = string | Record<Engine, string>
export type Engine = "sqlite" | "postgres"
export type Migration = { name: string; statements: Statement[] }

const migrations: Migration[] = [
  firstLight,
  money,
  imageNames,
  fairQueue,
  webhooks,
  repeats,
  { name: "0007-guards", statements: guards },
  progress,
  people,
  costs,
  limitsAndSweeps,
  inputMarks,
  marks,
  vendorKeys,
  houseSums,
  keyLimits,
  observed,
]

// Any number, as long as nobody else on the database uses it: "atelier" on a telephone.
const lockNumber = 2_835_437

/** Brings the tables up to date; safe to call at every start, also by several servers at once. */
export async function migrate(database: Kysely<unknown>, engine: Engine) {
  await database.connection().execute(async (connection) => {
    if (engine === "sqlite") return apply(connection, engine)
    await sql`select pg_advisory_lock(${sql.lit(lockNumber)})`.execute(connection)
    try {
      await apply(connection, engine)
    } finally {
      await sql`select pg_advisory_unlock(${sql.lit(lockNumber)})`.execute(connection)
    }
  })
}

async function apply(connection: Kysely<unknown>, engine: Engine) {
  await sql`create table if not exists migrations (name varchar(64) primary key, applied_at bigint not null)`.execute(
    connection,
  )
  for (const { name, statements } of migrations) {
    await connection.transaction().execute(async (tx) => {
      const applied = await sql`select name from migrations where name = ${name}`.execute(tx)
      if (applied.rows.length > 0) return
      for (const statement of statements)
        await sql.raw(typeof statement === "string" ? statement : statement[engine]).execute(tx)
      await sql`insert into migrations (name, applied_at) values (${name}, ${Date.now()})`.execute(tx)
    })
  }
}
