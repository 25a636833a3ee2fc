// What one round of work on a generation needs, gathered once.
import type { App, WayOut } from "../app.ts"
import type { Given, Route } from "../catalogue/model.ts"
import type { Provider, References } from "../providers/provider.ts"
import type { Job } from "../queue/queue.ts"
import type { Generation } from "./generation.ts"

export type Work = {
  app: App
  job: Job
  generation: Generation
  given: Given
  /** The ways to vendors that can serve it, best first. */
  routes: Route[]
  /** How many pictures each call shall make, by part. */
  parts: number[]
  /** Loaded once, when the first call needs them. */
  references: () => Promise<References>
  /** Aborted when the caller cancels. */
  canceled: AbortSignal
  /** Set once the job was ended together with the generation. */
  over: boolean
}

export const wayOut = ({ app, generation }: Work): WayOut => app.waysOut[generation.mode]

/** The sandbox is every vendor under its real address, and takes any key. */
export function accessTo({ app, generation }: Work, provider: Provider): { key: string; baseUrl: string } {
  const { key, baseUrl } = app.config.vendors[provider.id]!
  return generation.mode === "test" ? { key: "sandbox", baseUrl: provider.baseUrl } : { key: key!, baseUrl }
}
