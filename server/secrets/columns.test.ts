import { join } from "node:path"
import { after, before, describe } from "node:test"
import { temporaryFolder } from "../../tests/harness.ts"
import { postgresMissing, startPostgres } from "../../tests/postgres.ts"
import type { Cluster } from "../../tests/postgres.ts"
import { postgresDatabase } from "../database/postgres.ts"
import { sqliteDatabase } from "../database/sqlite.ts"
import { describeColumns } from "./columns.contract.ts"

describeColumns("SQLite", () => sqliteDatabase(join(temporaryFolder(), "columns.sqlite")))

describe("on PostgreSQL", { skip: postgresMissing }, () => {
  let cluster: Cluster
  before(async () => {
    cluster = await startPostgres()
  })
  after(() => cluster.end())
  describeColumns("PostgreSQL", async () => postgresDatabase(await cluster.newDatabase()))
})
