// In which lane of the queue work on a generation waits: that of the vendor it calls next. The sandbox's vendors have
// lanes of their own with the same limits, so that tests keep nobody else waiting and still meet what live calls meet.
import type { Mode } from "../egress/send.ts"
import { allProviders } from "../providers/all.ts"
import type { Onward } from "../queue/queue.ts"
import type { Attempt } from "./attempts.ts"

export const laneOf = (mode: Mode, provider: string): string => (mode === "live" ? provider : `sandbox ${provider}`)

const modes: Mode[] = ["live", "test"]

/** How many jobs may be at work in each lane that has a limit. */
export const laneLimits: Record<string, number> = Object.fromEntries(
  allProviders.flatMap(({ id, limits: { inFlight } }) =>
    inFlight === undefined ? [] : modes.map((mode) => [laneOf(mode, id), inFlight]),
  ),
)

/** Where the job goes on after this round. A task that a vendor is still at work on keeps its place there. */
export function onwardFrom(mode: Mode, open: (Attempt | undefined)[]): Onward {
  const tasks = open.filter((attempt) => attempt?.state === "pending")
  const next = tasks[0] ?? open.find((attempt) => attempt !== undefined)
  const provider = next?.state === "failed" ? next.next?.provider : next?.provider
  return { ...(provider === undefined ? {} : { lane: laneOf(mode, provider) }), places: tasks.length }
}
