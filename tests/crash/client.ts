// The callers: each request is written down before it is sent, and each answer after it came.
import { setTimeout as sleep } from "node:timers/promises"
import { ask, cancel } from "./dialects.ts"
import type { Target, Told } from "./dialects.ts"
import { openLog } from "./log.ts"
import { makeWish } from "./wishes.ts"
import type { Owner, Wish } from "./wishes.ts"

export type ClientEntry = { at: number; wish: number; what: "wish" | "cancel" } & (
  | { act: "asking"; about: Wish }
  | ({ act: "answered" } & Told)
  /** `unsent` where nobody listened. */
  | { act: "broken"; unsent: boolean }
)

export type Client = {
  /** How many wishes have been answered. */
  answered: () => number
  done: Promise<void>
  /** Hangs up, and wants nothing more. */
  stop: () => void
}

type Options = {
  path: string
  seed: number
  wishes: number
  /** How many callers there are at once. */
  callers: number
  /** The server as it can be reached now; waits while there is none. */
  target: (owner: Owner) => Promise<Target>
}

// Longer than any wait that is asked for.
const answerMaxMs = 60_000
const pauseMs = 100

export function startClient({ path, seed, wishes, callers, target }: Options): Client {
  const log = openLog<ClientEntry>(path)
  let begun = 0
  let answered = 0
  const stopping = new AbortController()

  async function work() {
    while (begun < wishes && !stopping.signal.aborted) await fulfil(makeWish(seed, ++begun))
  }

  async function fulfil(wish: Wish) {
    const told = await persist(wish, "wish", (to, signal) => ask(to, wish, signal))
    if (told) answered++
    if (told?.generation && wish.cancelAfterMs !== null) {
      await sleep(wish.cancelAfterMs)
      const { generation } = told
      await persist({ ...wish, known: "by name" }, "cancel", (to, signal) => cancel(to, generation, signal))
    }
    if (told && told.status < 300 && wish.again) await persist(wish, "wish", (to, signal) => ask(to, wish, signal))
  }

  /** Sends until there is an answer that is one, or until sending again could be a second order. */
  async function persist(wish: Wish, what: ClientEntry["what"], send: Sending): Promise<Told | undefined> {
    for (; !stopping.signal.aborted; await sleep(pauseMs)) {
      const to = await target(wish.owner)
      const entry = { wish: wish.number, what }
      log({ ...entry, act: "asking", about: wish })
      try {
        const told = await send(to, AbortSignal.any([AbortSignal.timeout(answerMaxMs), stopping.signal]))
        log({ ...entry, act: "answered", ...told })
        if (told.status !== 409 && told.status !== 503) return told
      } catch (error) {
        const unsent = isRefused(error)
        log({ ...entry, act: "broken", unsent })
        if (wish.known === "not" && !unsent) return undefined
      }
    }
    return undefined
  }

  const done = Promise.all(Array.from({ length: callers }, work)).then(() => undefined)
  return { answered: () => answered, done, stop: () => stopping.abort() }
}

type Sending = (to: Target, signal: AbortSignal) => Promise<Told>

const isRefused = (error: unknown): boolean =>
  (error as { cause?: { code?: string } } | undefined)?.cause?.code === "ECONNREFUSED"
