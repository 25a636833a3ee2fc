// Whose turn it is: fair between projects, by priority within one, and within the limits of lanes and projects.
import type { Limits } from "./queue.ts"

/** Jobs that differ in nothing but when they are due stand in one line; this is the first of one. */
export type Head = {
  id: string
  kind: string
  subject: string
  fence: number
  projectId: string
  /** The name of the project's plan; empty where there is no such project. */
  plan: string
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
export type Held = { projectId: string; kind: string; lane: string; busy: boolean; places: number }

export type Standing = {
  busyOf: Map<string, number>
  /** How many of a project's jobs of a kind are at work, however many places each of them takes. */
  atWorkOf: Map<string, number>
  placesOfLane: Map<string, number>
}

const sort = ({ projectId, kind }: Pick<Held, "projectId" | "kind">): string => `${kind} ${projectId}`

export function standingOf(held: Held[]): Standing {
  const standing: Standing = { busyOf: new Map(), atWorkOf: new Map(), placesOfLane: new Map() }
  for (const one of held) {
    add(standing.busyOf, one.projectId, one.busy ? 1 : 0)
    add(standing.atWorkOf, sort(one), 1)
    add(standing.placesOfLane, one.lane, one.places)
  }
  return standing
}

/** Notes that a job was taken. */
export function take({ busyOf, atWorkOf, placesOfLane }: Standing, head: Head): void {
  add(busyOf, head.projectId, 1)
  if (head.kept) return
  add(atWorkOf, sort(head), 1)
  add(placesOfLane, head.lane, Math.max(1, head.places))
}

/** The one to take now. The heads come in the order in which their projects take turns. */
export function nextTurn(heads: Head[], standing: Standing, limits: Limits): Head | undefined {
  let next: Head | undefined
  for (const head of heads)
    if (hasRoom(head, standing, limits) && (!next || goesBefore(head, next, standing))) next = head
  return next
}

export function hasRoom(head: Head, { placesOfLane, atWorkOf }: Standing, { lanes, perProject }: Limits): boolean {
  if (head.places > 0 || head.overdue) return true
  const inLane = lanes?.[head.lane] ?? Number.POSITIVE_INFINITY
  if ((placesOfLane.get(head.lane) ?? 0) >= inLane) return false
  if (head.kind !== perProject?.kind) return true
  return (atWorkOf.get(sort(head)) ?? 0) < (perProject.ofPlan(head.plan) ?? Number.POSITIVE_INFINITY)
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
