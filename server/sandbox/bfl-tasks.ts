// The life of a task at Black Forest Labs: from its submission to the link of its picture, told by the clock alone.
import { signLink } from "./delivery.ts"
import type { Mishap } from "./mishaps.ts"
import type { Picture } from "./picture.ts"

export type Task = {
  id: string
  /** Which cluster knows the task: "us1" or "eu1". */
  cluster: string
  /** Milliseconds since 1970. */
  at: number
  durationMs: number
  /** As asked for or rolled; the picture's own also varies with the addresses sent along. */
  seed: number
  picture: Picture
  /** Small copies of the pictures sent along, in base64. */
  inputs: string[]
  cost: number
  mishap: Mishap | null
}

const linkMs = 10 * 60 * 1000

export const isActive = ({ at, durationMs }: Pick<Task, "at" | "durationMs">, now: number): boolean =>
  now < at + durationMs

/** What a poll answers; `link` turns the address of the picture into one that the caller can follow. */
export function describeTask(task: Task, now: number, link: (address: string) => string) {
  const elapsed = task.durationMs === 0 ? 1 : (now - task.at) / task.durationMs
  const same = { id: task.id, result: null, progress: null, details: null, preview: null }
  if (task.mishap === "sandbox:moderation") return { ...same, ...moderated("Request Moderated") }
  if (elapsed < 0.2) return { ...same, status: "Pending" }
  // UNVERIFIED: when; the description only knows the word.
  if (elapsed < 0.4 && task.picture.model.startsWith("flux-2")) return { ...same, status: "Reasoning" }
  if (elapsed < 1) return { ...same, status: "Generating", progress: Math.round(elapsed * 100) / 100 }
  if (task.mishap === "sandbox:moderation-output") return { ...same, ...moderated("Content Moderated") }
  // UNVERIFIED: that a failure costs nothing.
  if (task.mishap === "sandbox:task-error")
    return { ...same, status: "Error", details: { error: "Generation failed" }, cost: 0 }
  const result = task.mishap === "sandbox:no-image" ? null : resultOf(task, link)
  return { ...same, status: "Ready", result, cost: task.cost }
}

/** UNVERIFIED: that a refusal costs nothing. */
const moderated = (status: "Request Moderated" | "Content Moderated") => ({
  status,
  details: { "Moderation Reasons": ["Violence"] },
  cost: 0,
})

function resultOf({ id, cluster, at, durationMs, seed, picture }: Task, link: (address: string) => string) {
  const end = at + durationMs
  const address = `https://delivery-${cluster}.bfl.ai/results/${id.slice(0, 2)}/${id}/sample.${picture.format}`
  return {
    sample: link(signLink(address, picture.format, end + linkMs)),
    prompt: picture.prompt,
    seed,
    start_time: at / 1000,
    end_time: end / 1000,
    duration: durationMs / 1000,
  }
}

export const unknownTask = (id: string) => ({
  id,
  status: "Task not found",
  result: null,
  progress: null,
  details: null,
  preview: null,
})
