// Whether a job may begin in the moment it is added, past the queue, because its caller waits for it.
import { sql } from "kysely"
import type { Queries } from "../database/database.ts"
import type { Room } from "./queue.ts"

type Place = { kind: string; projectId: string; lane: string }

/** As the next claim would see it. Without a limit nothing is read. */
export async function fits(tx: Queries, place: Place, room: Room, now: number): Promise<boolean> {
  if (room.lane === undefined && room.project === undefined) return true
  const { inLane, ofProject, waits } = await standing(tx, place, room, now)
  const { lane = Number.POSITIVE_INFINITY, project = Number.POSITIVE_INFINITY } = room
  return inLane < lane && ofProject < project && !waits
}

/** Whoever waits in the lane already goes first: of all projects where the lane is short, else of this one. */
async function standing(tx: Queries, { kind, projectId, lane }: Place, room: Room, now: number) {
  const first = room.lane === undefined ? sql`project_id = ${projectId} and lane = ${lane}` : sql`lane = ${lane}`
  const { rows } = await sql<{ in_lane: number; of_project: number; waiting: number }>`
    select
      coalesce(sum(case when lane <> ${lane} then 0 when places > 1 then places else 1 end), 0) as in_lane,
      coalesce(sum(case when project_id = ${projectId} and kind = ${kind} then 1 else 0 end), 0) as of_project,
      (select count(*) from (select 1 from jobs where ${first} and due_at <= ${now} limit 1) as other) as waiting
    from jobs where leased_until > ${now}`.execute(tx)
  const { in_lane, of_project, waiting } = rows[0]!
  return { inLane: in_lane, ofProject: of_project, waits: waiting > 0 }
}
