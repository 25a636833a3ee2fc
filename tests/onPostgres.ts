// Tests that need a PostgreSQL of their own; skipped where none is installed.
import { after, before, describe } from "node:test"
import { postgresMissing, startPostgres } from "./postgres.ts"
import type { Cluster } from "./postgres.ts"

/** `closeAll` closes what the tests have opened. `newDatabase` answers the address of an empty one. */
export function describeOnPostgres(closeAll: () => Promise<void>, tests: (newDatabase: () => Promise<string>) => void) {
  describe("on PostgreSQL", { skip: postgresMissing }, () => {
    let cluster: Cluster
    before(async () => {
      cluster = await startPostgres()
    })
    after(async () => {
      await closeAll()
      await cluster.end()
    })
    tests(() => cluster.newDatabase())
  })
}
