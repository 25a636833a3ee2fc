// Pictures of DashScope that are made in the background: what a look at such a task tells, by the clock alone.
import { failed, inputRefused, outputRefused } from "./dashscope-errors.ts"
import type { Mishap } from "./mishaps.ts"

export type Task = {
  id: string
  /** Milliseconds since 1970. */
  at: number
  durationMs: number
  prompt: string
  /** Addresses at the vendor's store. */
  links: string[]
  mishap: Mishap | null
  isCanceled: boolean
}

const shareOf = ({ at, durationMs }: Task, now: number): number => (durationMs === 0 ? 1 : (now - at) / durationMs)

/** UNVERIFIED: how long a task waits before it is worked on. */
export const isPending = (task: Task, now: number): boolean => !task.isCanceled && shareOf(task, now) < 0.2

/** What a look at it answers under `output`, and `usage` beside that. */
export function describeTask(task: Task, now: number, link: (address: string) => string) {
  const { id, at, durationMs } = task
  const head = (task_status: string) => ({ task_id: id, task_status, submit_time: timeOf(at) })
  if (task.isCanceled) return { output: { ...head("CANCELED"), end_time: timeOf(at) } }
  if (isPending(task, now)) return { output: head("PENDING") }
  const scheduled = { scheduled_time: timeOf(at + durationMs / 5) }
  if (shareOf(task, now) < 1) return { output: { ...head("RUNNING"), ...scheduled } }
  const times = { ...scheduled, end_time: timeOf(at + durationMs) }
  const fault = faultOf(task)
  if (fault) return { output: { ...head("FAILED"), ...times, code: fault.code, message: fault.message } }
  return {
    output: { ...head("SUCCEEDED"), ...times, ...resultsOf(task, link) },
    usage: { image_count: task.links.length },
  }
}

/** A task whose every picture fails has failed. */
function faultOf({ mishap }: Task) {
  if (mishap === "sandbox:moderation") return inputRefused
  if (mishap === "sandbox:moderation-output") return outputRefused
  return mishap === "sandbox:task-error" ? failed : undefined
}

function resultsOf({ prompt, links }: Task, link: (address: string) => string) {
  const results = links.map((address) => ({ orig_prompt: prompt, actual_prompt: prompt, url: link(address) }))
  return { results, task_metrics: { TOTAL: links.length, SUCCEEDED: links.length, FAILED: 0 } }
}

export const unknownTask = (id: string) => ({ output: { task_id: id, task_status: "UNKNOWN" } })

/** "2026-09-22 10:00:01.120", in Beijing. */
function timeOf(ms: number): string {
  const beijingMs = 8 * 60 * 60 * 1000
  return new Date(ms + beijingMs).toISOString().replace("T", " ").replace("Z", "")
}
