// The same request sent again: it finds the generation that the first has begun, and begins none of its own.
import { sql } from "kysely"
import type { App } from "../app.ts"
import type { Queries } from "../database/database.ts"
import { prepare } from "../database/prepare.ts"
import type { GenerationRow, RepeatRow } from "../database/tables/generations.ts"
import { GatewayError } from "../errors.ts"
import { generationRow, hasEnded } from "./generation.ts"

/** What the edge of a dialect has found out; see http/repeat.ts. */
export type Repeat = { route: string; name: string; fingerprint: string; isRetry: boolean; onReplay: () => void }

const keptMs = 24 * 3_600_000
// An SDK tries again within seconds; whoever asks for the same minutes later means another picture.
const retryMs = 10 * 60_000

const isKey = ({ name }: Repeat): boolean => name.startsWith("key ")

/**
 * The generation that the first request has begun. Where this is the first, its name is written down for the generation
 * `id`. Throws `idempotency_mismatch` where the key was used for something else.
 */
export async function joinRepeat(
  tx: Queries,
  now: number,
  projectId: string,
  repeat: Repeat | undefined,
  id: string,
): Promise<GenerationRow | undefined> {
  const first = await begunBefore(tx, now, projectId, repeat, id)
  return first === undefined ? undefined : generationRow(tx, first)
}

/** The same for what has no generation: the id of what the first request has made. */
export async function begunBefore(
  tx: Queries,
  now: number,
  projectId: string,
  repeat: Repeat | undefined,
  id: string,
): Promise<string | undefined> {
  if (!repeat) return undefined
  const { route, name, fingerprint } = repeat
  const mine = { project_id: projectId, route, name }
  const [first] = (await selectRepeat(tx, mine)).rows
  if (first && now - first.created_at < keptMs && isSame(repeat, first, now)) {
    if (first.fingerprint !== fingerprint) throw new GatewayError({ code: "idempotency_mismatch" })
    return first.generation_id
  }
  if (first) await deleteRepeat(tx, mine)
  const row = { ...mine, fingerprint, generation_id: id, created_at: now, delivered_at: null }
  await insertRepeat(tx, row)
  return undefined
}

/** The same for who is only given a function: the id of what was made before, of which the caller is told; else `id` is noted. */
export const recalled =
  (app: Pick<App, "clock">, projectId: string, repeat: Repeat | undefined) =>
  async (tx: Queries, id: string): Promise<string | undefined> => {
    const first = await begunBefore(tx, app.clock.now(), projectId, repeat, id)
    if (first !== undefined) repeat?.onReplay()
    return first
  }

type Named = Pick<RepeatRow, "project_id" | "route" | "name">

const selectRepeat = prepare((tx, mine: Named) =>
  tx
    .selectFrom("repeats")
    .selectAll()
    .where((eb) => eb.and(mine)),
)

const deleteRepeat = prepare((tx, mine: Named) => tx.deleteFrom("repeats").where((eb) => eb.and(mine)))

const insertRepeat = prepare((tx, row: RepeatRow) => tx.insertInto("repeats").values(row))

/** Without a key, an answer that was delivered is over: the same wish after it is another wish. */
const isSame = (repeat: Repeat, first: { created_at: number; delivered_at: number | null }, now: number): boolean =>
  isKey(repeat) || (repeat.isRetry && first.delivered_at === null && now - first.created_at < retryMs)

/** Who gave a key is told that the first request is still worked on; a retry without one waits with it. */
export function throwIfInProgress(repeat: Repeat, row: GenerationRow, waited: boolean) {
  if (!waited || !isKey(repeat) || hasEnded(row.status)) return
  throw new GatewayError({ code: "idempotency_in_progress", retryAfterSeconds: 1, generationId: row.id })
}

/** Forgets up to `count` of those that nobody is answered from any more, of all projects. Answers how many. */
export function forgetOldRepeats({ database, clock }: Pick<App, "database" | "clock">, count: number): Promise<number> {
  const before = clock.now() - keptMs
  return database.transaction(async (tx) => {
    const old = sql`(select project_id, route, name from repeats where created_at < ${before} limit ${sql.lit(count)})`
    const gone = tx.deleteFrom("repeats").where(sql<boolean>`(project_id, route, name) in ${old}`)
    return Number((await gone.executeTakeFirstOrThrow()).numDeletedRows)
  })
}

/** That the answer has reached its caller, for who would ask again without a key. */
export async function noteDelivered(app: Pick<App, "database" | "clock">, projectId: string, repeat: Repeat) {
  if (isKey(repeat)) return
  const { route, name } = repeat
  const mine = { project_id: projectId, route, name }
  await app.database.transaction((tx) => noteRepeat(tx, { ...mine, delivered_at: app.clock.now() }))
}

const noteRepeat = prepare((tx, { delivered_at, ...mine }: Named & { delivered_at: number }) =>
  tx
    .updateTable("repeats")
    .set({ delivered_at })
    .where((eb) => eb.and(mine)),
)
