// Opens the data of an installation: for the server, and for commands that work beside it.
import { mkdir } from "node:fs/promises"
import { join } from "node:path"
import { createProject, defaultProject } from "./accounts/projects.ts"
import type { App, Clock } from "./app.ts"
import { microsPerCredit } from "./catalogue/price.ts"
import type { Config } from "./config.ts"
import { grantOnce } from "./credits/balance.ts"
import type { Database } from "./database/database.ts"
import { postgresDatabase } from "./database/postgres.ts"
import { sqliteDatabase } from "./database/sqlite.ts"
import { readPolicy } from "./egress/address.ts"
import { createGuardedPost } from "./egress/post.ts"
import { tableQueue } from "./queue/table.ts"
import { closeOwnFiles } from "./secrets/check.ts"
import { readyMasterKeys } from "./secrets/ready.ts"
import { secretSetting } from "./secrets/settings.ts"

/** The data folder, opened; whoever opens it closes the database. */
export async function openData(config: Config) {
  await mkdir(config.dataFolder, { recursive: true, mode: 0o700 })
  const closed = await closeOwnFiles(config)
  const database =
    config.databaseUrl === ""
      ? await sqliteDatabase(join(config.dataFolder, "atelier.sqlite"))
      : await postgresDatabase(config.databaseUrl)
  const clock = { now: () => Date.now() }
  await createProject({ database, clock }, { id: defaultProject })
  await giveTestBalance(database, clock)
  return { config, database, clock, masterKeys: await readyMasterKeys(config, database.query), closed }
}

export type Data = Awaited<ReturnType<typeof openData>>

type WebhookEdges = Pick<App, "webhookKey" | "guardedPost">

/** What seals the secrets of webhooks, and the door through which they go. */
export async function webhookEdges(data: Data): Promise<WebhookEdges> {
  return {
    webhookKey: await secretSetting(data, "webhook-seal"),
    guardedPost: createGuardedPost({ policy: policyOf(data.config) }),
  }
}

export const policyOf = ({ egressAllow: allow, egressPorts: ports }: Config) => readPolicy({ allow, ports })

/** What a command about webhooks needs besides. What it adds to the queue, a server finds by looking. */
export async function openWebhooks(data: Data) {
  const { database, clock } = data
  return { ...(await webhookEdges(data)), queue: tableQueue(database, clock), wakeAt: () => undefined }
}

// Enough to try everything with, so that the first run needs no ceremony.
const testCredits = 100_000

async function giveTestBalance(database: Database, clock: Clock) {
  const purse = { projectId: defaultProject, mode: "test" } as const
  await grantOnce({ database, clock }, purse, testCredits * microsPerCredit, "to begin with")
}
