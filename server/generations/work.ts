// What one round of work on a generation needs, gathered once.
import type { OwnKeys } from "../accounts/vendorKeys.ts"
import type { App, WayOut } from "../app.ts"
import type { Given, Route } from "../catalogue/model.ts"
import type { References } from "../providers/provider.ts"
import type { Job } from "../queue/queue.ts"
import type { Way } from "./attempts.ts"
import type { Generation } from "./generation.ts"

export type Work = {
  app: App
  job: Job
  generation: Generation
  given: Given
  /** The ways to vendors that can serve it now, best first. */
  routes: Route[]
  /** The way that the first call of all goes, or went. */
  first: Way
  /** The project's vendor keys. */
  own: OwnKeys
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
