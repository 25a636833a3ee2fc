// What the rooms share while the server runs. Each function asks for the slice it uses: Pick<App, "database">.
import type { Plans } from "./accounts/plans.ts"
import type { OwnKeysOf } from "./accounts/vendorKeys.ts"
import type { Catalogue } from "./catalogue/model.ts"
import type { Config } from "./config.ts"
import type { Database } from "./database/database.ts"
import type { Signer } from "./derivatives/signer.ts"
import type { Workshop } from "./derivatives/workshop.ts"
import type { GuardedFetch } from "./egress/guarded.ts"
import type { GuardedPost } from "./egress/post.ts"
import type { Mode, Send } from "./egress/send.ts"
import type { Limiter } from "./http/limits.ts"
import type { Repeat } from "./http/repeat.ts"
import type { Inspector } from "./intake/inspector.ts"
import type { Log } from "./log.ts"
import type { Metrics } from "./observe/metrics.ts"
import type { Traces } from "./observe/traces.ts"
import type { Job, Queue } from "./queue/queue.ts"
import type { MasterKeys } from "./secrets/masterKeys.ts"
import type { Storage } from "./storage/storage.ts"

export type Clock = { /** Milliseconds since 1970. */ now: () => number }

/** Tells those who wait in this process that something about a subject has changed. */
export type Changes = {
  tell: (subject: string) => void
  /** Calls back at each change until the answer is called. */
  listen: (subject: string, onChange: () => void) => () => void
}

/** Fetches from an address that somebody else chose. */
export type FetchUrl = GuardedFetch["download"]

/** The way out for a kind of key: to the vendors, or to the sandbox. `download` is for links in vendors' answers. */
export type WayOut = { send: Send; download: FetchUrl }

export type App = {
  config: Config
  catalogue: Catalogue
  plans: Plans
  /** That an answer has reached its caller, for requests that an SDK may send again. */
  noteDelivered: (projectId: string, repeat: Repeat) => Promise<void>
  /** How often an address has sent a wrong key; each server's own. */
  limiter: Limiter
  /** How often a project has asked for what its plan counts; shared by all servers. */
  planLimiter: Limiter
  database: Database
  storage: Storage
  /** Checks and cleans pictures of callers, in processes of their own. */
  inspector: Inspector
  queue: Queue
  clock: Clock
  changes: Changes
  waysOut: Record<Mode, WayOut>
  /** For addresses that callers gave. */
  fetchUrl: FetchUrl
  /** For webhooks: sends to addresses that callers gave. */
  guardedPost: GuardedPost
  /** Where pictures are drawn anew. */
  workshop: Workshop
  /** Signs what was drawn anew, where the operator gives a key. */
  signer: Signer | undefined
  log: Log
  /** What an operator watches. */
  metrics: Metrics
  traces: Traces
  /** Starts a job that was added claimed, because its caller waits for it. */
  runJob: (job: Job) => void
  /** Says that a job may be due at that time. */
  wakeAt: (dueAt: number) => void
  /** Seal the secrets in the database. */
  masterKeys: MasterKeys
  /** Vendor keys that projects bring themselves. */
  vendorKeys: OwnKeysOf
  /** Signs links to pictures. */
  linkSecret: string
  /** The secrets follow from it that sign for URLs which requests name: 32 bytes, in base64url. */
  webhookKey: string
  /** Aborted when the server is told to stop: nothing new is taken on. */
  stopping: AbortSignal
  /** Aborted when what was under way is done: nobody is kept waiting any longer. */
  closing: AbortSignal
}
