// Puts the rooms together: the one place that knows which implementation stands behind each edge.
import { EventEmitter } from "node:events"
import { join } from "node:path"
import type { FastifyInstance } from "fastify"
import { planOf, readPlans } from "./accounts/plans.ts"
import { rememberOwnKeys } from "./accounts/vendorKeys.ts"
import type { App, Changes, WayOut } from "./app.ts"
import { allModels, createCatalogue } from "./catalogue/catalogue.ts"
import { withCompatible } from "./catalogue/compatible.ts"
import type { Config } from "./config.ts"
import { startCreditChores } from "./credits/chores.ts"
import { openData, policyOf, webhookEdges } from "./data.ts"
import type { Data } from "./data.ts"
import { lockFolder } from "./database/lock.ts"
import { readSigner } from "./derivatives/signer.ts"
import { createWorkshop } from "./derivatives/workshop.ts"
import { phrase } from "./dialects/native/errors.ts"
import { createGuardedFetch } from "./egress/guarded.ts"
import { createNetworkSend } from "./egress/network.ts"
import { downloadThrough } from "./egress/through.ts"
import { laneLimits } from "./generations/lanes.ts"
import { noteDelivered } from "./generations/repeats.ts"
import { runGeneration } from "./generations/run.ts"
import { runGenerationJob } from "./generations/start.ts"
import { createLimiter } from "./http/limits.ts"
import { tableLimiter } from "./http/tableLimits.ts"
import { createServer } from "./http/server.ts"
import { startHousekeeping } from "./housekeeping.ts"
import { createInspector } from "./intake/inspector.ts"
import { createLog } from "./log.ts"
import { openObservers } from "./observe/observers.ts"
import type { Observers } from "./observe/observers.ts"
import type { Queue } from "./queue/queue.ts"
import { tableQueue } from "./queue/table.ts"
import { startWorker } from "./queue/worker.ts"
import type { Worker } from "./queue/worker.ts"
import { allRoutes } from "./routes.ts"
import type { Sandbox } from "./sandbox/sandbox.ts"
import { sealOlderSecrets } from "./secrets/before.ts"
import { lookAtSecrets, refuseUnsafe } from "./secrets/check.ts"
import type { Concern } from "./secrets/check.ts"
import { secretSetting } from "./secrets/settings.ts"
import { diskStorage } from "./storage/disk.ts"
import { deliverWebhook } from "./webhooks/deliver.ts"
import { deliverWebhookJob } from "./webhooks/deliveries.ts"
import { createSlots } from "./webhooks/slots.ts"

export type Atelier = {
  app: App
  /** Not listening yet. */
  server: FastifyInstance
  /** What the operator should know of his secrets. */
  concerns: Concern[]
  /** Takes nothing new on, waits for what is under way, closes everything. */
  stop: () => Promise<void>
}

/**
 * Throws where another server works on the same data folder, unless they meet in PostgreSQL, and where the start-up check
 * refuses its secrets.
 */
export async function composeAtelier(config: Config): Promise<Atelier> {
  const signer = readSigner(config)
  const catalogue = createCatalogue(withCompatible(allModels, config.compatibleModels))
  const data = await openData(config)
  const { database, clock } = data
  const concerns = await checkSecrets(data)
  const queue = tableQueue(database, clock)
  const unlock = config.databaseUrl === "" ? await beAlone(config, queue) : () => undefined
  const stopping = new AbortController()
  const closing = new AbortController()
  const vendors = createNetworkSend()
  const log = createLog(config.logLevel)
  const { close: closeObservers, ...observers } = await observersOf(config, queue)
  const app: App = {
    ...{ config, database, clock, queue, stopping: stopping.signal, closing: closing.signal },
    ...{ catalogue, signer, workshop: createWorkshop(log) },
    plans: readPlans(config.plans),
    limiter: createLimiter(),
    planLimiter: tableLimiter({ database, log }),
    noteDelivered: (projectId, repeat) => noteDelivered({ database, clock }, projectId, repeat),
    storage: await diskStorage(join(config.dataFolder, "pictures")),
    changes: localChanges(),
    ...waysOut(config, vendors),
    ...{ log, inspector: createInspector(log), ...observers },
    runJob: (job) => void worker.run(job),
    wakeAt: (dueAt) => worker.wake(dueAt),
    ...(await secretsIn(data)),
  }
  await sealOlderSecrets(app)
  tellConcerns(app, data, concerns)
  const worker: Worker = startWork(app)
  const server = await createServer({ app, routes: allRoutes, phrase })
  const stopChores = startChores(app)
  const running = { app, server, worker, stopChores, stopping, closing }
  const closeEdges = async () => {
    await vendors.close()
    await closeObservers()
    await database.close()
    unlock()
  }
  return { app, server, concerns, stop: () => stopAll(running).then(closeEdges) }
}

type Running = Pick<Atelier, "app" | "server"> & {
  worker: Worker
  stopChores: () => Promise<void>
  stopping: AbortController
  closing: AbortController
}

/** What is under way ends first, and then whoever waited for it is let go. */
async function stopAll({ app, server, worker, stopChores, stopping, closing }: Running): Promise<void> {
  stopping.abort()
  await worker.stop()
  await stopChores()
  closing.abort()
  app.workshop.close()
  await closeServer(server)
  app.inspector.close()
}

/** Throws where the server must not start; else answers what its operator should know. */
async function checkSecrets(data: Data): Promise<Concern[]> {
  const concerns = await lookAtSecrets(data)
  refuseUnsafe(concerns)
  return concerns
}

function tellConcerns({ log }: App, { closed }: Data, concerns: Concern[]) {
  for (const path of closed) log.warn({ path }, "others could read this; it was closed to them")
  for (const { what, says, do: advice } of concerns) log.warn({ what, advice }, says)
}

/** Sending traces takes 13 packages and a third of a second to load. */
const observersOf = ({ metricsAddress, tracesEndpoint }: Config, queue: Queue): Promise<Observers> =>
  openObservers({
    metricsAddress,
    queueDepth: () => queue.depth(),
    loadTraces:
      tracesEndpoint === ""
        ? undefined
        : async () => (await import("./observe/openTelemetry.ts")).createTraces(tracesEndpoint),
  })

const secretsIn = async (data: Data) => ({
  masterKeys: data.masterKeys,
  vendorKeys: rememberOwnKeys(data),
  linkSecret: await secretSetting(data, "link-secret"),
  ...(await webhookEdges(data)),
})

/** What is looked after while the server runs. Answers how to stop, which waits for what is under way. */
function startChores(app: App): () => Promise<void> {
  const stops = [startCreditChores(app), startHousekeeping(app)]
  return async () => {
    for (const stop of stops) await stop()
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
      limits: {
        lanes: laneLimits,
        perProject: { kind: runGenerationJob, ofPlan: (plan) => planOf(app.plans, plan).concurrent },
      },
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

function waysOut(config: Config, send: WayOut["send"]): Pick<App, "waysOut" | "fetchUrl"> {
  const { download } = createGuardedFetch({ policy: policyOf(config) })
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
