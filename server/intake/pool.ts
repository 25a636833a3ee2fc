// The child processes: started when the first picture comes, kept while there is work, let go a while after.
import { startChild } from "./child.ts"
import type { Child, ChildLimits } from "./child.ts"
import { residentMb } from "./watch.ts"

export type Pool = {
  /** One that has nothing to do. Rejects with `unavailable` where none comes up. */
  take: () => Promise<Child>
  /** Takes one back, dead or alive. */
  give: (child: Child) => void
  close: () => void
}

export type PoolLimits = ChildLimits & { program: string; idleMaxMs: number }

// A process that keeps so much after its work is not given more, lest the next picture be refused for it.
const wornMb = 256

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
      const child = await startChild(limits.program, limits)
      children.add(child)
      if (closed) drop(child)
      return child
    },
    give(child) {
      if (closed || !child.isAlive() || residentMb(child.pid) > wornMb) return drop(child)
      idle.set(child, setTimeout(() => drop(child), limits.idleMaxMs).unref())
    },
    close() {
      closed = true
      for (const child of children) drop(child)
    },
  }
}
