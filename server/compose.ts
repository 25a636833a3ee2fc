// Puts the rooms together: the one place that knows which implementation stands behind each edge.
import { EventEmitter } from "node:events"
import { mkdir } from "node:fs/promises"
import { join } from "node:path"
import type { FastifyInstance } from "fastify"
import { pino } from "pino"
import { createProject, defaultProject } from "./accounts/keys.ts"
import { secretSetting } from "./accounts/settings.ts"
import type { App, Changes, WayOut } from "./app.ts"
import { allModels, createCatalogue } from "./catalogue/catalogue.ts"
import { withCompatible } from "./catalogue/compatible.ts"
import type { Config } from "./config.ts"
import { lockFolder } from "./database/lock.ts"
import { sqliteDatabase } from "./database/sqlite.ts"
import { phrase } from "./dialects/native/errors.ts"
import { readPolicy } from "./egress/address.ts"
import { createGuardedFetch } from "./egress/guarded.ts"
import { createNetworkSend } from "./egress/network.ts"
import { downloadThrough } from "./egress/through.ts"
import { runGeneration } from "./generations/run.ts"
import { runGenerationJob } from "./generations/start.ts"
import { createServer } from "./http/server.ts"
import { tableQueue } from "./queue/table.ts"
import { startWorker } from "./queue/worker.ts"
import { allRoutes } from "./routes.ts"
import type { Sandbox } from "./sandbox/sandbox.ts"
import { diskStorage } from "./storage/disk.ts"

/** What a command needs: the data folder, opened, without a server on it. */
export async function openData(config: Config) {
  await mkdir(config.dataFolder, { recursive: true, mode: 0o700 })
  const database = await sqliteDatabase(join(config.dataFolder, "atelier.sqlite"))
  const clock = { now: () => Date.now() }
  await createProject({ database, clock }, defaultProject)
  return { database, clock }
}

export type Atelier = {
  app: App
  /** Not listening yet. */
  server: FastifyInstance
  /** Takes nothing new on, waits for what is under way, closes everything. */
  stop: () => Promise<void>
}

/** Throws where another server works on the same data folder. */
export async function composeAtelier(config: Config): Promise<Atelier> {
  const catalogue = createCatalogue(withCompatible(allModels, config.compatibleModels))
  const { database, clock } = await openData(config)
  const unlock = lockFolder(join(config.dataFolder, "server.lock"))
  if (!unlock)
    throw new Error(`Another server already works on ${config.dataFolder}. Set ATELIER_DATA to another folder.`)
  const queue = tableQueue(database, clock)
  // This process is the only one, so whoever held a lease is dead.
  await queue.releaseAll()
  const stopping = new AbortController()
  const closing = new AbortController()
  const vendors = createNetworkSend()
  const app: App = {
    ...{ config, database, clock, queue, stopping: stopping.signal, closing: closing.signal },
    catalogue,
    storage: await diskStorage(join(config.dataFolder, "pictures")),
    changes: localChanges(),
    ...waysOut(config, vendors),
    log: pino({ level: config.logLevel }, pino.destination(2)),
    runJob: (job) => void worker.run(job),
    wakeAt: (dueAt) => worker.wake(dueAt),
    linkSecret: await secretSetting(database, "link-secret"),
  }
  const worker = startWorker(
    queue,
    { [runGenerationJob]: (job) => runGeneration(app, job) },
    {
      concurrency: config.concurrency,
      onError: (job, error) => app.log.error({ err: error, job: job.id, subject: job.subject }, "a job failed"),
    },
  )
  const server = await createServer({ app, routes: allRoutes, phrase })
  return {
    app,
    server,
    async stop() {
      stopping.abort()
      await worker.stop()
      closing.abort()
      await closeServer(server)
      await vendors.close()
      await database.close()
      unlock()
    },
  }
}

const lookForIdleEveryMs = 50

/** A connection that was busy when the closing began is idle after its answer, and would be held open for a minute. */
async function closeServer(server: FastifyInstance): Promise<void> {
  const looking = setInterval(() => server.server.closeIdleConnections(), lookForIdleEveryMs)
  await server.close().finally(() => clearInterval(looking))
}

function waysOut(config: Config, send: WayOut["send"]): Pick<App, "waysOut" | "fetchUrl"> {
  const { download } = createGuardedFetch({ policy: readPolicy({ allow: config.egressAllow }) })
  const sandbox = lazySandbox(config)
  return {
    waysOut: { live: { send, download }, test: { send: sandbox, download: downloadThrough(sandbox) } },
    fetchUrl: download,
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
