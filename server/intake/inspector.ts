// Has pictures of callers checked and cleaned in child processes, a few at a time; the others wait their turn.
import { join } from "node:path"
import type { Logger } from "pino"
import { z } from "zod"
import { sealPieces } from "../bodies/draft.ts"
import type { Draft } from "../bodies/draft.ts"
import type { Stored } from "../bodies/write.ts"
import { blamesPicture } from "../children/child.ts"
import { createPool } from "../children/pool.ts"
import type { PoolLimits } from "../children/pool.ts"
import { createTurns } from "../children/turns.ts"
import type { TurnLimits } from "../children/turns.ts"

/** `cleaned` is the picture as it may be kept; undefined where it may be kept as it came. */
export type Inspection<Sealed> = { refused: string } | { marks: string[]; cleaned: Sealed | undefined }

export type OpenDraft<Sealed> = () => Promise<Draft<Sealed>>

export type Inspector = {
  /**
   * Decodes a picture once, all of it, and takes out what is not needed to show it. Rejects with `unavailable` where
   * too many wait, or none can be checked now; also where `over` is aborted while it waits.
   */
  inspect: <Sealed>(picture: Stored, openDraft: OpenDraft<Sealed>, over?: AbortSignal) => Promise<Inspection<Sealed>>
  /** Ends the child processes. */
  close: () => void
}

type Options = PoolLimits & TurnLimits & { program: string }

// Pictures come one after the other, and most take less than a process takes to start: so a few are kept.
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

const Found = z.strictObject({ marks: z.array(z.string().max(64)).max(10) })

export function createInspector(log: Pick<Logger, "warn">, changes: Partial<Options> = {}): Inspector {
  const { program, ...limits } = { ...usual, ...changes }
  const inTurn = createTurns(limits)
  const pool = createPool(log, program, limits)
  const check = <Sealed>(picture: Stored, openDraft: OpenDraft<Sealed>) =>
    pool.ask({
      ...{ asked: {}, pictures: [picture], told: Found },
      use: async ({ marks }, { bytes, read }) => ({
        ...{ marks, cleaned: bytes === 0 ? undefined : await sealPieces(openDraft, read()) },
      }),
    })
  return {
    inspect: (picture, openDraft, over) =>
      inTurn(() => check(picture, openDraft), over).catch((error: unknown) => {
        if (blamesPicture(error)) return { refused: error.message }
        throw error
      }),
    close: pool.close,
  }
}
