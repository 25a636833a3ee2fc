// The one source of truth. Code above this room does not know which engine it runs on.
import type { Kysely } from "kysely"
import type { Tables } from "./tables.ts"

export type Queries = Kysely<Tables>

export type Manner = {
  /** Tries until it is done, for work that nobody waits for and that would be lost: what a vendor has answered. */
  patient?: boolean
}

export type Database = {
  /**
   * For reading, and for writes that may be lost with the machine's power. Never inside `transaction`: use what it hands
   * over.
   */
  query: Queries
  /**
   * Everything or nothing, as if nobody else were there meanwhile. The work may only talk to the database: others wait
   * for it to end, and it may be done several times before it counts. A statement that is refused undoes all of it, so
   * an error must leave the work. Throws `unavailable` where others are in its way for too long.
   */
  transaction: <T>(work: (tx: Queries) => Promise<T>, manner?: Manner) => Promise<T>
  /** Resolves if it answers now; for the readiness check. */
  check: () => Promise<void>
  close: () => Promise<void>
}
