// One crash test from its empty folder to its verdict.
import { mkdtempSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { baseUrlNameOf, keyNameOf } from "../../server/config.ts"
import { allProviders } from "../../server/providers/all.ts"
import { call } from "../calls.ts"
import { environmentOf, root, runAtelier, temporaryFolder } from "../harness.ts"
import type { Environment } from "../harness.ts"
import { startClient } from "./client.ts"
import type { Client } from "./client.ts"
import type { Target } from "./dialects.ts"
import { gatherEvidence, logNames } from "./evidence.ts"
import type { Endpoint, Evidence } from "./evidence.ts"
import { startHelper } from "./helper.ts"
import { judge } from "./judge.ts"
import type { Fault } from "./judge.ts"
import { startNemesis } from "./nemesis.ts"
import { openReader } from "./reader.ts"
import type { Place } from "./reader.ts"
import type { Owner } from "./wishes.ts"

export type CrashOptions = {
  wishes: number
  kills: number
  seed: number
  callers: number
  /** The address of an empty database; SQLite without it. */
  postgres?: string | undefined
  /** The project under test. */
  from?: string
  /** Leaves the folder with logs and data behind. */
  keep?: boolean
  /** How long a server that is at work is left alone at the most. */
  lifeMaxMs?: number
  /** How long nothing may move after the last start while there is something to do. */
  patienceMs?: number
}

export type Crash = { folder: string; evidence: Evidence; faults: Fault[]; tookMs: number }

const liveVendors = ["openai", "bfl", "google"]
// The poor project runs out of credits on the way.
const credits: Record<Owner, number> = { rich: 1_000_000, poor: 5 }
// The receiver is tried again after five seconds, and then only after minutes.
const nextTryMs = 8_000

export async function crash(options: CrashOptions): Promise<Crash> {
  const { wishes, kills, seed, callers, postgres, from = root, keep = false } = options
  const { lifeMaxMs = 12_000, patienceMs = 60_000 } = options
  const startedAt = performance.now()
  const folder = keep ? mkdtempSync(join(tmpdir(), "atelier-crash-")) : temporaryFolder()
  const place: Place = { folder: join(folder, "data"), postgres }
  const path = (name: keyof typeof logNames) => join(folder, logNames[name])
  const vendors = await startHelper("vendors.ts", { path: path("vendors"), seed, place })
  const receiver = await startHelper("receiver.ts", { path: path("receiver"), seed })
  const environment = writeEnvironment(folder, place, vendors.url)
  const keys = await makeProjects(environmentOf(place.folder, environment), from)
  let answered = () => 0
  const nemesis = startNemesis({
    ...{ path: path("nemesis"), seed, kills, wishes, lifeMaxMs, environment, folder: place.folder, from },
    ...{ answered: () => answered(), serverLog: join(folder, "server.log") },
  })
  const target = async (owner: Owner): Promise<Target> => ({
    ...{ url: (await nemesis.server()).url, key: keys[owner], project: projectOf[owner] },
  })
  try {
    const endpoints = await subscribe(target, receiver.url)
    const client = startClient({ path: path("client"), seed, wishes, callers, target })
    answered = client.answered
    void client.done.then(() => (answered = () => wishes))
    nemesis.begin()
    await nemesis.done
    await untilAllEnded(place, client, patienceMs)
    client.stop()
    await nemesis.stop()
    const evidence = await gatherEvidence(folder, place, endpoints)
    return { folder, evidence, faults: judge(evidence), tookMs: performance.now() - startedAt }
  } finally {
    await Promise.all([nemesis.stop(), vendors.stop(), receiver.stop()])
  }
}

const projectOf: Record<Owner, string> = { rich: "default", poor: "poor" }

const plan = { title: "Metered", requests_per_hour: 1_000_000 }

function writeEnvironment(folder: string, { postgres }: Place, vendorsUrl: string): Environment {
  const plans = join(folder, "plans.json")
  writeFileSync(plans, JSON.stringify({ community: plan }))
  const access = allProviders
    .filter(({ id }) => liveVendors.includes(id))
    .flatMap(({ id, baseUrl }) => [
      [keyNameOf(id), "crash"],
      [baseUrlNameOf(id), `${vendorsUrl}/${id}${new URL(baseUrl).pathname.replace(/\/$/, "")}`],
    ])
  return {
    ATELIER_PLANS: plans,
    ATELIER_EGRESS_ALLOW: "127.0.0.0/8",
    ATELIER_LOG_LEVEL: "error",
    ...(postgres === undefined ? {} : { ATELIER_DATABASE_URL: postgres }),
    ...(Object.fromEntries(access) as Environment),
  }
}

/** With the commands of the project under test, which also make its tables. */
async function makeProjects(environment: Environment, from: string): Promise<Record<Owner, string>> {
  const atelier = (...args: string[]) => runAtelier(args, environment, from)
  await atelier("projects", "create", "Poor", "--id", projectOf.poor)
  const make = async (owner: Owner) => {
    const live = ["--mode", "live", "--project", projectOf[owner]]
    await atelier("credits", "grant", ...live, "--amount", String(credits[owner]), "--reason", "for the crash test")
    return atelier("keys", "create", ...live)
  }
  const [rich, poor] = await Promise.all([make("rich"), make("poor")])
  return { rich, poor }
}

/** Each project is told of all its ends. */
async function subscribe(target: (owner: Owner) => Promise<Target>, receiverUrl: string): Promise<Endpoint[]> {
  const endpoints = (["rich", "poor"] as const).map(async (owner) => {
    const { url, key, project } = await target(owner)
    const path = `/${project}`
    const json = { url: receiverUrl + path, events: ["images.completed", "images.failed"] }
    const { status, body, text } = await call<{ secret: string }>({ url, testKey: key }, "/v1/webhooks", { json })
    if (status !== 201) throw new Error(`no webhook could be made: ${text}`)
    return { project, path, secret: body.secret }
  })
  return Promise.all(endpoints)
}

/**
 * Until all wishes are answered and nothing is to be done but webhooks that are tried again after minutes. What does not
 * move any more for so long is left to the judge.
 */
async function untilAllEnded(place: Place, { answered, done }: Client, patienceMs: number): Promise<void> {
  const reader = openReader(place)
  const sql = () => `select id from jobs where kind = 'run-generation' or due_at < ${Date.now() + nextTryMs}
    union all select id from generations where status in ('queued', 'running') order by id`
  let isAnswered = false
  void done.then(() => (isAnswered = true))
  try {
    let before = ""
    for (let movedAt = Date.now(); Date.now() - movedAt < patienceMs; await sleep(200)) {
      const left = await reader.rows<{ id: string }>(sql())
      if (isAnswered && left.length === 0) return
      const now = [answered(), ...left.map(({ id }) => id)].join()
      if (now !== before) movedAt = Date.now()
      before = now
    }
  } finally {
    await reader.close()
  }
}
