// Takes jobs out of the table, fairly. What it reads does not grow with the number of jobs that wait: of each line only
// the first is looked at.
import { sql } from "kysely"
import type { RawBuilder } from "kysely"
import type { Queries } from "../database/database.ts"
import { leaseMs } from "./queue.ts"
import type { Job, Limits } from "./queue.ts"
import { hasRoom, nextTurn, standingOf, take } from "./turns.ts"
import type { Head, Held, Standing } from "./turns.ts"

export async function claim(tx: Queries, count: number, limits: Limits, now: number): Promise<Job[]> {
  const standing = standingOf(await heldNow(tx, now))
  const lines = await headsOfLines(tx, { now, standing, limits })
  let heads = withoutDoubles([...lines, ...(await overdueNow(tx, now))])
  const taken: Job[] = []
  let served: string | undefined
  for (let head; taken.length < count && (head = nextTurn(heads, standing, limits));) {
    taken.push(await lease(tx, head, now))
    take(standing, head)
    const { id, projectId } = head
    const own = heads.filter((other) => other.projectId === projectId && other.id !== id)
    const next = taken.length < count ? await nextInLine(tx, head, now) : undefined
    // Whoever was served goes to the end of the round.
    const others = heads.filter((other) => other.projectId !== projectId)
    heads = withoutDoubles([...others, ...own, ...(next ? [next] : [])])
    served = projectId
  }
  // Read by the next claim. Two that run at once both write it, so that on PostgreSQL one of them begins again.
  if (served !== undefined) await rememberServed(tx, served)
  return taken
}

const withoutDoubles = (heads: Head[]): Head[] => [...new Map(heads.map((head) => [head.id, head])).values()]

/** A lease ends when the job falls due again; whoever keeps places while he waits has a later end than that. */
async function heldNow(tx: Queries, now: number): Promise<Held[]> {
  // Counted here: asked to group them, SQLite would go through all that wait.
  const held = tx.selectFrom("jobs").select(["project_id", "kind", "lane", "places", "due_at", "leased_until"])
  const rows = await held.where("leased_until", ">", now).execute()
  return rows.map(({ project_id, kind, lane, places, due_at, leased_until }) => ({
    projectId: project_id,
    kind,
    lane,
    busy: due_at === leased_until,
    places: Math.max(1, places),
  }))
}

const names = [
  "id",
  "kind",
  "subject",
  "fence",
  "project_id",
  "lane",
  "priority",
  "places",
  "due_at",
  "deadline_at",
  "leased_until",
]
const columns = sql.raw(names.join(", "))
const nextColumns = sql.raw(names.map((column) => `next.${column}`).join(", "))
// Read with each job that is looked at, so that a change of plan holds for what waits already.
const planOf = (from: "heads" | "jobs") =>
  sql.raw(`(select projects.plan from projects where projects.id = ${from}.project_id) as plan`)
const line = sql.raw("project_id, lane, places, priority, due_at")
const lineColumns = ["project_id", "lane", "places", "priority"]

/** The first job of the line behind that of `heads`: one step in the index. As one comparison SQLite makes it a scan. */
const behind = sql.raw(
  `coalesce(${lineColumns
    .map((_, at) => {
      const same = lineColumns.slice(0, at).map((column) => `one.${column} = heads.${column} and `)
      const order = [...lineColumns, "due_at"].slice(at).map((column) => `one.${column}`)
      const above = `one.${lineColumns[at]} > heads.${lineColumns[at]}`
      return `(select one.id from jobs as one where ${same.join("")}${above} order by ${order.join(", ")} limit 1)`
    })
    .toReversed()
    .join(", ")})`,
)

type Row = Pick<Head, "id" | "kind" | "subject" | "fence" | "lane" | "priority" | "places"> & {
  project_id: string
  plan: string | null
  due_at: number
  deadline_at: number | null
  leased_until: number | null
}

const readHead = ({ project_id, plan, due_at, deadline_at, leased_until, ...same }: Row, now: number): Head => ({
  ...same,
  projectId: project_id,
  plan: plan ?? "",
  dueAt: due_at,
  kept: leased_until !== null && leased_until > now,
  overdue: deadline_at !== null && deadline_at <= now,
})

// Where more lines than this wait, a claim looks at as many, and the next goes on behind the project that was served.
const linesAtOnce = 512

type Looking = { now: number; standing: Standing; limits: Limits }

/** The first of each line that could be taken, once around from behind the project that was served last. */
async function headsOfLines(tx: Queries, { now, standing, limits }: Looking): Promise<Head[]> {
  const last = await lastServed(tx)
  const heads: Head[] = []
  let isBehind = true
  for (let from = sql<boolean>`project_id > ${last}`; ;) {
    const rows = await readLines(tx, from, isBehind ? undefined : last)
    const found = rows.map((row) => readHead(row, now))
    heads.push(...found.filter((head) => head.dueAt <= now && hasRoom(head, standing, limits)))
    const at = found.at(-1)
    if (at && found.length === linesAtOnce) {
      if (heads.length > 0) return heads
      from = behindLine(at)
    } else if (isBehind) {
      isBehind = false
      from = sql<boolean>`project_id <= ${last}`
    } else return heads
  }
}

/** Behind every job of a line that is in the table. */
const behindLine = ({ projectId, lane, places, priority }: Head) =>
  sql<boolean>`(${line}) > (${projectId}, ${lane}, ${places}, ${priority}, ${sql.lit(Number.MAX_SAFE_INTEGER)})`

/** Goes from line to line through the index instead of reading all that stand in them. */
async function readLines(tx: Queries, from: RawBuilder<boolean>, lastProject: string | undefined): Promise<Row[]> {
  const end = lastProject === undefined ? sql`` : sql`and next.project_id <= ${lastProject}`
  const { rows } = await sql<Row>`
    with recursive heads as (
      select * from (
        select ${columns}, 1 as step from jobs where ${from} order by ${line} limit 1) as first
      union all
      select ${nextColumns}, heads.step + 1
      from heads join jobs as next on next.id = ${behind}
      where heads.step < ${sql.lit(linesAtOnce)} ${end})
    select ${columns}, ${planOf("heads")} from heads`.execute(tx)
  return rows
}

/** They may stand behind others in their lines. */
async function overdueNow(tx: Queries, now: number): Promise<Head[]> {
  const { rows } = await sql<Row>`
    select ${columns}, ${planOf("jobs")} from jobs where deadline_at <= ${now} and due_at <= ${now}
    order by deadline_at limit ${sql.lit(linesAtOnce)}`.execute(tx)
  return rows.map((row) => readHead(row, now))
}

async function nextInLine(tx: Queries, { projectId, lane, places, priority }: Head, now: number) {
  const { rows } = await sql<Row>`
    select ${columns}, ${planOf("jobs")} from jobs
    where project_id = ${projectId} and lane = ${lane} and places = ${places} and priority = ${priority}
      and due_at <= ${now}
    order by due_at limit 1`.execute(tx)
  return rows[0] && readHead(rows[0], now)
}

async function lease(tx: Queries, { id, kind, subject, fence, overdue }: Head, now: number): Promise<Job> {
  const until = now + leaseMs
  const taken = { due_at: until, leased_until: until, fence: fence + 1 }
  await tx.updateTable("jobs").set(taken).where("id", "=", id).execute()
  return { id, kind, subject, fence: fence + 1, overdue }
}

const name = "queue-last-served"

async function lastServed(tx: Queries): Promise<string> {
  const row = await tx.selectFrom("settings").select("value").where("name", "=", name).executeTakeFirst()
  return row?.value ?? ""
}

async function rememberServed(tx: Queries, value: string): Promise<void> {
  const insert = tx.insertInto("settings").values({ name, value })
  await insert.onConflict((conflict) => conflict.column("name").doUpdateSet({ value })).execute()
}
