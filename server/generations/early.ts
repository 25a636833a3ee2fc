// Early states of streamed pictures: kept for those who follow a generation, and for an hour after its end.
import type { App } from "../app.ts"
import type { Queries } from "../database/database.ts"
import type { AttemptPicture } from "./attempts.ts"
import type { Reference } from "./generation.ts"

type Needs = Pick<App, "database" | "storage" | "clock">

const keptMs = 3_600_000

/** In the transaction that tells of it. */
export async function noteEarlyPicture(tx: Queries, generationId: string, sha256: string): Promise<void> {
  const row = { generation_id: generationId, sha256 }
  await tx
    .insertInto("early_pictures")
    .values(row)
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}

/**
 * Forgets up to `count` whose generation ended an hour ago, with the events that told of them. Only what is noted as an
 * early state is ever removed, and not where a picture, another early state or open work has the same bytes. Answers how
 * many it looked at.
 */
export async function forgetEarlyPictures(app: Needs, count: number): Promise<number> {
  const { query } = app.database
  const endedBefore = app.clock.now() - keptMs
  const early = query.selectFrom("early_pictures").innerJoin("generations", "generations.id", "generation_id")
  const old = early.select(["generation_id", "sha256"]).where("finished_at", "<", endedBefore)
  const rows = await old.limit(count).execute()
  if (rows.length === 0) return 0
  const names = [...new Set(rows.map(({ sha256 }) => sha256))]
  // In this order: what an open generation has becomes pictures with its end, and what it is given anew is kept anew.
  const needed = await neededByOpenWork(query)
  const pictures = query.selectFrom("images").select("sha256").where("sha256", "in", names)
  const others = early
    .select("sha256")
    .where("sha256", "in", names)
    .where((eb) => eb.or([eb("finished_at", "is", null), eb("finished_at", ">=", endedBefore)]))
  for (const { sha256 } of [...(await pictures.execute()), ...(await others.execute())]) needed.add(sha256)
  for (const name of names) if (!needed.has(name)) await app.storage.remove(name, endedBefore)
  await forget(app, [...new Set(rows.map(({ generation_id }) => generation_id))], names)
  return rows.length
}

/** After the bytes: should this process die between, they are removed once more. */
const forget = ({ database }: Needs, generationIds: string[], names: string[]): Promise<void> =>
  database.transaction(async (tx) => {
    const events = tx.deleteFrom("events").where("generation_id", "in", generationIds)
    await events.where("type", "=", "partial_image").execute()
    const early = tx.deleteFrom("early_pictures").where("generation_id", "in", generationIds)
    await early.where("sha256", "in", names).execute()
  })

const pageSize = 500

/** What open generations were given, and what their finished parts have stored. Read in pages: a backlog can be long. */
async function neededByOpenWork(queries: Queries): Promise<Set<string>> {
  const needed = new Set<string>()
  // In the order in which they move, so that none slips through.
  for (const status of ["queued", "running"] as const)
    for (let last = { created_at: 0, id: "" }, rows; ; last = rows.at(-1)!) {
      rows = await openPage(queries, status, last)
      for (const { references_json } of rows)
        for (const reference of JSON.parse(references_json) as Reference[])
          if (reference.kind === "stored") needed.add(reference.sha256)
      if (status === "running") await addStored(queries, rows, needed)
      if (rows.length < pageSize) break
    }
  return needed
}

const openPage = (queries: Queries, status: "queued" | "running", last: { created_at: number; id: string }) =>
  queries
    .selectFrom("generations")
    .select(["id", "created_at", "references_json"])
    .where("status", "=", status)
    .where((eb) => eb(eb.refTuple("created_at", "id"), ">", eb.tuple(last.created_at, last.id)))
    .orderBy("created_at")
    .orderBy("id")
    .limit(pageSize)
    .execute()

async function addStored(queries: Queries, generations: { id: string }[], needed: Set<string>): Promise<void> {
  if (generations.length === 0) return
  const ids = generations.map(({ id }) => id)
  const attempts = queries.selectFrom("attempts").select("pictures_json").where("generation_id", "in", ids)
  for (const { pictures_json } of await attempts.where("state", "=", "stored").execute())
    for (const { picture } of JSON.parse(pictures_json ?? "[]") as AttemptPicture[]) needed.add(picture.sha256)
}
