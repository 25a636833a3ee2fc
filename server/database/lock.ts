// Says whether another server already works on this data folder. The system frees the lock however a process ends.
import { DatabaseSync } from "node:sqlite"

/** Undefined where another process holds the lock; else a function that gives it back. */
export function lockFolder(path: string): (() => void) | undefined {
  const file = new DatabaseSync(path)
  try {
    file.exec("pragma busy_timeout = 0; begin exclusive")
  } catch {
    file.close()
    return undefined
  }
  return () => file.close()
}
