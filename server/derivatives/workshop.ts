// Work on pictures in child processes, each for one piece of work: a derivative is kept, so starting one is paid once,
// and no process that has read a stranger's picture is given another's, or a key.
import { join } from "node:path"
import type { Logger } from "pino"
import type { Job } from "../children/child.ts"
import { createPool } from "../children/pool.ts"
import type { PoolLimits } from "../children/pool.ts"
import { createTurns } from "../children/turns.ts"
import type { InTurn, TurnLimits } from "../children/turns.ts"
import type { DrawingOrder } from "./drawing.ts"
import type { ReadingOrder, SigningOrder } from "./manifests.ts"
import { createShared } from "./shared.ts"
import type { Shared } from "./shared.ts"

type Order = DrawingOrder | SigningOrder | ReadingOrder

export type Workshop = {
  /** Waits for one of a few places. */
  inTurn: InTurn
  /** What several ask for at the same time is done once. */
  once: Shared
  /** As a child is asked. */
  run: <Told, Result>(job: Job<Told, Result> & { asked: Order }) => Promise<Result>
  /** Ends what is under way, which is then `unavailable`, and begins nothing more. */
  close: () => void
}

type Limits = PoolLimits & TurnLimits

// A picture of 4096 by 4096 as AVIF takes the most of both.
const usual: Limits = {
  atOnceMax: 2,
  waitingMax: 64,
  waitMaxMs: 60_000,
  idleMaxMs: 0,
  startMaxMs: 20_000,
  timeMaxMs: 30_000,
  memoryMaxMib: 976,
}

export function createWorkshop(log: Pick<Logger, "warn">, changes: Partial<Limits> = {}): Workshop {
  const limits = { ...usual, ...changes }
  const poolOf = (program: string) => createPool(log, join(import.meta.dirname, program), limits)
  const [drawing, manifests] = [poolOf("drawProgram.ts"), poolOf("manifestProgram.ts")]
  return {
    inTurn: createTurns(limits),
    once: createShared(),
    run: (job) => (job.asked.kind === "draw" ? drawing : manifests).ask(job),
    close() {
      drawing.close()
      manifests.close()
    },
  }
}
