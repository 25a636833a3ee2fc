// Everything that the judge may look at, gathered once all is over: the logs, the tables, and the files of pictures.
import { createHash } from "node:crypto"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import type { AccountRow, EntryRow, PostingRow } from "../../server/database/tables/credits.ts"
import type { AttemptRow, EventRow, GenerationRow } from "../../server/database/tables/generations.ts"
import type { ImageRow } from "../../server/database/tables/images.ts"
import type { JobRow } from "../../server/database/tables/queue.ts"
import type { WebhookDeliveryRow } from "../../server/database/tables/webhooks.ts"
import type { ClientEntry } from "./client.ts"
import { readLog } from "./log.ts"
import type { NemesisEntry } from "./nemesis.ts"
import { openReader } from "./reader.ts"
import type { Place } from "./reader.ts"
import type { ReceiverEntry } from "./receiver.ts"
import type { VendorEntry } from "./vendors.ts"
import type { Wish } from "./wishes.ts"

export type Tables = {
  generations: GenerationRow[]
  attempts: AttemptRow[]
  events: EventRow[]
  images: ImageRow[]
  /** In the order in which they were committed. */
  postings: PostingRow[]
  entries: EntryRow[]
  accounts: AccountRow[]
  jobs: JobRow[]
  deliveries: WebhookDeliveryRow[]
}

/** What lies in storage under a name: how many bytes, and their true SHA-256. */
export type Lying = { bytes: number; sha256: string }

export type Endpoint = { project: string; path: string; secret: string }

export type Evidence = {
  wishes: Wish[]
  client: ClientEntry[]
  vendors: VendorEntry[]
  nemesis: NemesisEntry[]
  receiver: ReceiverEntry[]
  tables: Tables
  files: Map<string, Lying>
  endpoints: Endpoint[]
}

export const logNames = {
  client: "client.jsonl",
  vendors: "vendors.jsonl",
  nemesis: "nemesis.jsonl",
  receiver: "receiver.jsonl",
}

type Logs = Pick<Evidence, "client" | "vendors" | "nemesis" | "receiver">

function readLogs(folder: string): Logs {
  const read = <Entry>(name: string) => readLog<Entry>(join(folder, name))
  return {
    client: read<ClientEntry>(logNames.client),
    vendors: read<VendorEntry>(logNames.vendors),
    nemesis: read<NemesisEntry>(logNames.nemesis),
    receiver: read<ReceiverEntry>(logNames.receiver),
  }
}

export async function readTables(place: Place): Promise<Tables> {
  const reader = openReader(place)
  // Who took an account's row first has also committed first: PostgreSQL remembers when, SQLite counts on.
  const order = place.postgres === undefined ? "rowid" : "pg_xact_commit_timestamp(xmin)"
  try {
    return {
      generations: await reader.rows("select * from generations order by created_at, id"),
      attempts: await reader.rows("select * from attempts order by sent_at, ordinal"),
      events: await reader.rows("select * from events order by generation_id, sequence"),
      images: await reader.rows("select * from images"),
      postings: await reader.rows(`select * from postings order by ${order}`),
      entries: await reader.rows("select * from entries"),
      accounts: await reader.rows("select * from accounts"),
      jobs: await reader.rows("select * from jobs"),
      deliveries: await reader.rows("select * from webhook_deliveries"),
    }
  } finally {
    await reader.close()
  }
}

export async function gatherEvidence(folder: string, place: Place, endpoints: Endpoint[]): Promise<Evidence> {
  const logs = readLogs(folder)
  const tables = await readTables(place)
  const wishes = new Map(
    logs.client.flatMap((entry) => (entry.act === "asking" ? [[entry.wish, entry.about] as const] : [])),
  )
  const files = new Map(
    tables.images.flatMap(({ sha256 }) => {
      const lying = weigh(join(place.folder, "pictures/objects", sha256.slice(0, 2), sha256))
      return lying ? [[sha256, lying] as const] : []
    }),
  )
  return { wishes: [...wishes.values()], ...logs, tables, files, endpoints }
}

function weigh(path: string): Lying | undefined {
  try {
    const file = readFileSync(path)
    return { bytes: file.length, sha256: createHash("sha256").update(file).digest("hex") }
  } catch {
    return undefined
  }
}
