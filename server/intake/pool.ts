// The child processes: started when the first picture comes, kept while there is work, let go a while after.
import { GatewayError } from "../errors.ts"
import { startChild } from "./child.ts"
import type { Child, ChildLimits } from "./child.ts"
import { residentMib } from "./watch.ts"

export type Pool = {
  /** One that has nothing to do. Rejects with `unavailable` where none comes up. */
  take: () => Promise<Child>
  /** Takes one back, dead or alive. */
  give: (child: Child) => void
  close: () => void
}

export type PoolLimits = ChildLimits & { program: string; idleMaxMs: number }

// A process that keeps so much after its work is not given more, lest the next picture be refused for it.
const wornMib = 256

export function createPool(limits: PoolLimits): Pool {
  const children = new Set<Child>()
  const idle = new Map<Child, NodeJS.Timeout>()
  let closed = false

  function drop(child: Child) {
    clearTimeout(idle.get(child))
    idle.delete(child)
    children.delete(child)
    child.kill()
  }

  return {
    async take() {
      // The last to come back first, so that those that are not needed are let go.
      for (const [child, timer] of [...idle].reverse()) {
        clearTimeout(timer)
        idle.delete(child)
        if (child.isAlive()) return child
        drop(child)
      }
      const child = closed ? undefined : await startChild(limits.program, limits)
      if (child && !closed) {
        children.add(child)
        return child
      }
      child?.kill()
      throw new GatewayError({ code: "unavailable" })
    },
    give(child) {
      if (closed || !child.isAlive() || residentMib(child.pid) > wornMib) return drop(child)
      idle.set(child, setTimeout(() => drop(child), limits.idleMaxMs).unref())
    },
    close() {
      closed = true
      for (const child of children) drop(child)
    },
  }
}
