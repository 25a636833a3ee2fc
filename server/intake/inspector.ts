// Has pictures of callers checked and cleaned in child processes, a few at a time; the others wait their turn.
import { join } from "node:path"
import type { Logger } from "pino"
import type { Stored } from "../bodies/write.ts"
import type { Inspection, OpenDraft } from "./child.ts"
import { createPool } from "./pool.ts"
import type { PoolLimits } from "./pool.ts"
import { createTurns } from "./turns.ts"
import type { TurnLimits } from "./turns.ts"

export type Inspector = {
  /**
   * Decodes a picture once, all of it, and takes out what is not needed to show it. Rejects with `unavailable` where
   * too many wait, or none can be checked now.
   */
  inspect: <Sealed>(picture: Stored, openDraft: OpenDraft<Sealed>) => Promise<Inspection<Sealed>>
  /** Ends the child processes. */
  close: () => void
}

type Options = PoolLimits & TurnLimits

const usual: Options = {
  program: join(import.meta.dirname, "program.ts"),
  atOnceMax: 2,
  waitingMax: 256,
  waitMaxMs: 60_000,
  idleMaxMs: 30_000,
  startMaxMs: 20_000,
  timeMaxMs: 10_000,
  memoryMaxMib: 512,
}

export function createInspector(log: Pick<Logger, "warn">, changes: Partial<Options> = {}): Inspector {
  const options = { ...usual, ...changes }
  const turns = createTurns(options)
  const pool = createPool(options)
  return {
    async inspect(picture, openDraft) {
      await turns.take()
      try {
        const child = await pool.take()
        try {
          const found = await child.ask(picture, openDraft)
          if ("refused" in found && !child.isAlive()) log.warn({ why: found.refused }, "a picture ended its process")
          return found
        } finally {
          pool.give(child)
        }
      } finally {
        turns.give()
      }
    },
    close: pool.close,
  }
}
