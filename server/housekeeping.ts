// Forgets what nobody needs any more, a little at a time while the server runs. Several servers may do so at once.
import type { App } from "./app.ts"
import { forgetEarlyPictures } from "./generations/early.ts"
import { forgetOldRepeats } from "./generations/repeats.ts"
import { forgetWholeLimits } from "./http/tableLimits.ts"
import { forgetOldDeliveries } from "./webhooks/forget.ts"

/** Up to `count` things at once, so that nobody has to wait for it. Answers how many there were. */
type Chore = (app: App, count: number) => Promise<number>

const chores: Record<string, Chore> = {
  deliveries: forgetOldDeliveries,
  repeats: forgetOldRepeats,
  "early pictures": forgetEarlyPictures,
  limits: forgetWholeLimits,
  drafts: forgetDrafts,
}

// Another server on the same folder may be writing drafts now, so only those that nobody touches are removed.
const draftMaxAgeMs = 24 * 3_600_000

async function forgetDrafts({ storage, clock }: App): Promise<number> {
  await storage.removeDrafts(clock.now() - draftMaxAgeMs)
  return 0
}

const atOnce = 500
const everyMs = 60_000
// While there is more than could be done at once.
const againMs = 1_000

/** Begins after a minute. Answers how to stop, which waits for what is under way. */
export function startHousekeeping(app: App): () => Promise<void> {
  let timer: NodeJS.Timeout
  let stopped = false
  let going = Promise.resolve()

  const go = async () => {
    const left = await keepHouse(app, atOnce)
    if (!stopped) setOff(left ? againMs : everyMs)
  }
  const setOff = (ms: number) => {
    timer = setTimeout(() => (going = go()), ms)
    timer.unref()
  }

  setOff(everyMs)
  return async () => {
    stopped = true
    clearTimeout(timer)
    await going
  }
}

/** Does each chore once; what fails is tried again the next time. Answers whether there is more to do. */
export async function keepHouse(app: App, count: number): Promise<boolean> {
  let left = false
  for (const [name, chore] of Object.entries(chores))
    try {
      left = (await chore(app, count)) >= count || left
    } catch (error) {
      app.log.error({ err: error, what: name }, "the house could not be kept")
    }
  return left
}
