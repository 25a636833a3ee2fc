// Child processes of one program: started where work comes, asked again while there is more, let go a while after.
import type { Logger } from "pino"
import { GatewayError } from "../errors.ts"
import { blamesPicture, startChild } from "./child.ts"
import type { Child, ChildLimits } from "./child.ts"
import { residentMib } from "./watch.ts"

export type Pool = {
  /** Asks a child that has nothing else to do. Rejects as it does, and with `unavailable` once the pool is closed. */
  ask: Child["ask"]
  /** Ends what is under way, and begins nothing more. */
  close: () => void
}

/** `idleMaxMs`: how long a child is kept for more work; at 0 each is asked once. */
export type PoolLimits = ChildLimits & { idleMaxMs: number }

// A process that keeps so much after its work is not given more, lest the next picture be refused for it.
const wornMib = 256

export function createPool(log: Pick<Logger, "warn">, program: string, limits: PoolLimits): Pool {
  const children = new Set<Child>()
  const idle = new Map<Child, NodeJS.Timeout>()
  let closed = false

  function drop(child: Child) {
    clearTimeout(idle.get(child))
    idle.delete(child)
    children.delete(child)
    child.kill()
  }

  async function take(): Promise<Child> {
    // The last to come back first, so that those that are not needed are let go.
    for (const [child, timer] of [...idle].reverse()) {
      clearTimeout(timer)
      idle.delete(child)
      if (child.isAlive()) return child
      drop(child)
    }
    const child = closed ? undefined : await startChild(program, limits)
    if (child && !closed) {
      children.add(child)
      return child
    }
    child?.kill()
    throw new GatewayError({ code: "unavailable" })
  }

  function give(child: Child) {
    const isWanted = !closed && limits.idleMaxMs > 0
    if (!isWanted || !child.isAlive() || residentMib(child.pid) > wornMib) return drop(child)
    idle.set(child, setTimeout(() => drop(child), limits.idleMaxMs).unref())
  }

  return {
    async ask(job) {
      const child = await take()
      try {
        return await child.ask(job)
      } catch (error) {
        if (closed) throw new GatewayError({ code: "unavailable" }, error)
        if (blamesPicture(error) && !child.isAlive()) log.warn({ why: error.message }, "a picture ended its process")
        throw error
      } finally {
        give(child)
      }
    },
    close() {
      closed = true
      for (const child of children) drop(child)
    },
  }
}
