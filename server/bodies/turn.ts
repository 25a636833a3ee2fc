// Gives everybody else a turn now and then: many pictures arriving at once must not keep a small answer waiting.
import { setImmediate as nextTurn } from "node:timers/promises"

// Decoding and hashing this much takes about two milliseconds.
const bytesPerTurn = 2 * 1024 * 1024

let spent = 0
let next: Promise<void> | undefined

/** Counts bytes that were worked on; a promise, once this turn of the event loop has seen enough of them. */
export function takeTurn(bytes: number): Promise<void> | undefined {
  spent += bytes
  // The first of a turn also sees to it that the count starts anew in the next.
  next ??= nextTurn().then(() => {
    spent = 0
    next = undefined
  })
  return spent > bytesPerTurn ? next : undefined
}
