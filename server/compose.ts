// Puts the rooms together: the one place that knows which implementation stands behind each edge.
import { EventEmitter } from "node:events"
import { mkdir } from "node:fs/promises"
import { join } from "node:path"
import type { FastifyInstance } from "fastify"
import { pino } from "pino"
import { createProject, defaultProject } from "./accounts/projects.ts"
import { secretSetting } from "./accounts/settings.ts"
import { readPlans } from "./accounts/plans.ts"
import type { App, Changes, Clock, WayOut } from "./app.ts"
import { allModels, createCatalogue } from "./catalogue/catalogue.ts"
import { withCompatible } from "./catalogue/compatible.ts"
import { microsPerCredit } from "./catalogue/price.ts"
import type { Config } from "./config.ts"
import { startCreditChores } from "./credits/chores.ts"
import { grantOnce } from "./credits/balance.ts"
import type { Database } from "./database/database.ts"
import { lockFolder } from "./database/lock.ts"
import { postgresDatabase } from "./database/postgres.ts"
import { sqliteDatabase } from "./database/sqlite.ts"
import { phrase } from "./dialects/native/errors.ts"
import { readPolicy } from "./egress/address.ts"
import { createGuardedFetch } from "./egress/guarded.ts"
import { createNetworkSend } from "./egress/network.ts"
import { createGuardedPost } from "./egress/post.ts"
import { downloadThrough } from "./egress/through.ts"
import { laneLimits } from "./generations/lanes.ts"
import { noteDelivered } from "./generations/repeats.ts"
import { runGeneration } from "./generations/run.ts"
import { runGenerationJob } from "./generations/start.ts"
import { createLimiter } from "./http/limits.ts"
import { createServer } from "./http/server.ts"
import { createInspector } from "./intake/inspector.ts"
import type { Queue } from "./queue/queue.ts"
import { tableQueue } from "./queue/table.ts"
import { startWorker } from "./queue/worker.ts"
import type { Worker } from "./queue/worker.ts"
import { allRoutes } from "./routes.ts"
import type { Sandbox } from "./sandbox/sandbox.ts"
import { diskStorage } from "./storage/disk.ts"
import { deliverWebhook } from "./webhooks/deliver.ts"
import { deliverWebhookJob } from "./webhooks/deliveries.ts"
import { createSlots } from "./webhooks/slots.ts"

/** What a command needs: the data folder, opened, without a server on it. */
export async function openData(config: Config) {
  await mkdir(config.dataFolder, { recursive: true, mode: 0o700 })
  const database =
    config.databaseUrl === ""
      ? await sqliteDatabase(join(config.dataFolder, "atelier.sqlite"))
      : await postgresDatabase(config.databaseUrl)
  const clock = { now: () => Date.now() }
  await createProject({ database, clock }, { id: defaultProject })
  await giveTestBalance(database, clock)
  return { database, clock }
}

// Enough to try everything with, so that the first run needs no ceremony.
const testCredits = 100_000

async function giveTestBalance(database: Database, clock: Clock) {
  const purse = { projectId: defaultProject, mode: "test" } as const
  await grantOnce({ database, clock }, purse, testCredits * microsPerCredit, "to begin with")
}

export type Atelier = {
  app: App
  /** Not listening yet. */
  server: FastifyInstance
  /** Takes nothing new on, waits for what is under way, closes everything. */
  stop: () => Promise<void>
}

/** Throws where another server works on the same data folder, unless they meet in PostgreSQL. */
export async function composeAtelier(config: Config): Promise<Atelier> {
  const catalogue = createCatalogue(withCompatible(allModels, config.compatibleModels))
  const { database, clock } = await openData(config)
  const queue = tableQueue(database, clock)
  const unlock = config.databaseUrl === "" ? await beAlone(config, queue) : () => undefined
  const stopping = new AbortController()
  const closing = new AbortController()
  const vendors = createNetworkSend()
  const log = pino({ level: config.logLevel }, pino.destination(2))
  const app: App = {
    ...{ config, database, clock, queue, stopping: stopping.signal, closing: closing.signal },
    catalogue,
    plans: readPlans(config.plans),
    limiter: createLimiter(),
    noteDelivered: (projectId, repeat) => noteDelivered({ database, clock }, projectId, repeat),
    storage: await diskStorage(join(config.dataFolder, "pictures")),
    changes: localChanges(),
    inspector: createInspector(log),
    ...waysOut(config, vendors),
    log,
    runJob: (job) => void worker.run(job),
    wakeAt: (dueAt) => worker.wake(dueAt),
    linkSecret: await secretSetting(database, "link-secret"),
    webhookKey: await secretSetting(database, "webhook-seal"),
  }
  const worker: Worker = startWork(app)
  const server = await createServer({ app, routes: allRoutes, phrase })
  const stopChores = startCreditChores(app)
  return {
    app,
    server,
    async stop() {
      stopping.abort()
      await worker.stop()
      await stopChores()
      closing.abort()
      await closeServer(server)
      app.inspector.close()
      await vendors.close()
      await database.close()
      unlock()
    },
  }
}

/** Works off what the queue holds. */
function startWork(app: App): Worker {
  const { config } = app
  // Half of the jobs at once, so that slow receivers leave room for generations.
  const webhookSlots = createSlots(Math.ceil(config.concurrency / 2))
  return startWorker(
    app.queue,
    {
      [runGenerationJob]: (job) => runGeneration(app, job),
      [deliverWebhookJob]: (job) => deliverWebhook(app, webhookSlots, job),
    },
    {
      concurrency: config.concurrency,
      limits: { lanes: laneLimits },
      onError: (job, error) => app.log.error({ err: error, job: job.id, subject: job.subject }, "a job failed"),
    },
  )
}

async function beAlone({ dataFolder }: Config, queue: Queue): Promise<() => void> {
  const unlock = lockFolder(join(dataFolder, "server.lock"))
  if (!unlock) throw new Error(`Another server already works on ${dataFolder}. Set ATELIER_DATA to another folder.`)
  // This process is the only one, so whoever held a lease is dead.
  await queue.releaseAll()
  return unlock
}

const lookForIdleEveryMs = 50

/** A connection that was busy when the closing began is idle after its answer, and would be held open for a minute. */
async function closeServer(server: FastifyInstance): Promise<void> {
  const looking = setInterval(() => server.server.closeIdleConnections(), lookForIdleEveryMs)
  await server.close().finally(() => clearInterval(looking))
}

function waysOut(config: Config, send: WayOut["send"]): Pick<App, "waysOut" | "fetchUrl" | "guardedPost"> {
  const policy = readPolicy({ allow: config.egressAllow })
  const { download } = createGuardedFetch({ policy })
  const sandbox = lazySandbox(config)
  return {
    waysOut: { live: { send, download }, test: { send: sandbox, download: downloadThrough(sandbox) } },
    fetchUrl: download,
    guardedPost: createGuardedPost({ policy }),
  }
}

/** Loaded with the first test key's request: the painter's libraries cost a live server 40 MB that it never uses. */
function lazySandbox(config: Config): Sandbox {
  const load = async () => {
    const { createSandbox } = await import("./sandbox/sandbox.ts")
    return createSandbox({ pace: config.sandboxPace, folder: join(config.dataFolder, "sandbox") })
  }
  let sandbox: Promise<Sandbox> | undefined
  return async (...request) => (await (sandbox ??= load()))(...request)
}

function localChanges(): Changes {
  const emitter = new EventEmitter().setMaxListeners(0)
  return {
    tell: (subject) => void emitter.emit(subject),
    listen(subject, onChange) {
      emitter.on(subject, onChange)
      return () => void emitter.off(subject, onChange)
    },
  }
}
