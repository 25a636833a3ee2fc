// Whose turn it is: fair between projects, by priority within one, and within the limits of lanes and projects.
import type { Limits } from "./queue.ts"

/** Jobs that differ in nothing but when they are due stand in one line; this is the first of one. */
export type Head = {
  id: string
  kind: string
  subject: string
  fence: number
  projectId: string
  lane: string
  priority: number
  /** Places that it has kept while it waited. */
  places: number
  /** Whether they are kept still, and so counted. */
  kept: boolean
  dueAt: number
  overdue: boolean
}

/** What is at work now: `busy` where a worker is on it, else it goes on elsewhere. */
export type Held = { projectId: string; lane: string; busy: boolean; places: number }

export type Standing = {
  busyOf: Map<string, number>
  placesOfProject: Map<string, number>
  placesOfLane: Map<string, number>
}

export function standingOf(held: Held[]): Standing {
  const standing: Standing = { busyOf: new Map(), placesOfProject: new Map(), placesOfLane: new Map() }
  for (const one of held) {
    add(standing.busyOf, one.projectId, one.busy ? 1 : 0)
    add(standing.placesOfProject, one.projectId, one.places)
    add(standing.placesOfLane, one.lane, one.places)
  }
  return standing
}

/** Notes that a job was taken. */
export function take(
  { busyOf, placesOfProject, placesOfLane }: Standing,
  { projectId, lane, places, kept }: Head,
): void {
  add(busyOf, projectId, 1)
  if (kept) return
  add(placesOfProject, projectId, Math.max(1, places))
  add(placesOfLane, lane, Math.max(1, places))
}

/** The one to take now. The heads come in the order in which their projects take turns. */
export function nextTurn(heads: Head[], standing: Standing, limits: Limits): Head | undefined {
  let next: Head | undefined
  for (const head of heads)
    if (hasRoom(head, standing, limits) && (!next || goesBefore(head, next, standing))) next = head
  return next
}

export function hasRoom({ projectId, lane, places, overdue }: Head, standing: Standing, limits: Limits): boolean {
  if (places > 0 || overdue) return true
  const { perProject = Number.POSITIVE_INFINITY } = limits
  const inLane = limits.lanes?.[lane] ?? Number.POSITIVE_INFINITY
  return (standing.placesOfLane.get(lane) ?? 0) < inLane && (standing.placesOfProject.get(projectId) ?? 0) < perProject
}

function goesBefore(head: Head, other: Head, { busyOf }: Standing): boolean {
  if (head.projectId !== other.projectId) return (busyOf.get(head.projectId) ?? 0) < (busyOf.get(other.projectId) ?? 0)
  if (head.overdue !== other.overdue) return head.overdue
  // What has begun holds places that others wait for.
  if (head.places > 0 !== other.places > 0) return head.places > 0
  return head.priority === other.priority ? head.dueAt < other.dueAt : head.priority > other.priority
}

function add(counts: Map<string, number>, key: string, count: number) {
  counts.set(key, (counts.get(key) ?? 0) + count)
}
