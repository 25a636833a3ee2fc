// Sees to it that a child takes no more time and memory for its work than it may.
import { readFileSync } from "node:fs"

export type Watch = {
  /** Gives as much time once more. */
  again: () => void
  stop: () => void
  /** Why the child was killed, to be read after the picture's name; undefined where it was not. */
  killedFor: () => string | undefined
}

export type WatchLimits = { timeMaxMs: number; memoryMaxMib: number }

const lookEveryMs = 50

export function watchOver(pid: number, { timeMaxMs, memoryMaxMib }: WatchLimits, kill: () => void): Watch {
  let why: string | undefined
  const end = (reason: string) => {
    why ??= reason
    kill()
  }
  const look = () => {
    if (residentMib(pid) > memoryMaxMib) end(`takes more than ${memoryMaxMib} MiB of memory to decode`)
  }
  const begin = () => setTimeout(() => end(`takes more than ${timeMaxMs / 1000} seconds to decode`), timeMaxMs)
  let timer = begin()
  const looking = setInterval(look, lookEveryMs)
  look()
  return {
    again() {
      clearTimeout(timer)
      timer = begin()
    },
    stop() {
      clearTimeout(timer)
      clearInterval(looking)
    },
    killedFor: () => why,
  }
}

/** The memory that a process has now; 0 where it is gone, and where the system is not Linux and does not tell. */
export function residentMib(pid: number): number {
  try {
    const [, kilobytes = "0"] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "latin1")) ?? []
    return Number(kilobytes) / 1024
  } catch {
    return 0
  }
}
