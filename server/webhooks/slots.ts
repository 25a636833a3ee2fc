// How many deliveries are under way in this process: at most four to one receiver, so that a slow one delays nobody.

export type Slots = {
  /** False where all of the receiver's slots, or all in all, are taken. */
  take: (receiver: string) => boolean
  give: (receiver: string) => void
  /** When to look again, for one that got none: those who wait look one after another. */
  lookAgainAt: (receiver: string, now: number) => number
}

const perReceiverMax = 4
const firstLookMs = 250
const nextLookMs = 25

export function createSlots(allMax: number): Slots {
  const taken = new Map<string, number>()
  const lastLook = new Map<string, number>()
  let all = 0
  return {
    take(receiver) {
      const mine = taken.get(receiver) ?? 0
      if (mine >= perReceiverMax || all >= allMax) return false
      taken.set(receiver, mine + 1)
      all++
      return true
    },
    give(receiver) {
      const left = taken.get(receiver)! - 1
      if (left > 0) taken.set(receiver, left)
      else taken.delete(receiver)
      all--
    },
    lookAgainAt(receiver, now) {
      const at = Math.max(now + firstLookMs, (lastLook.get(receiver) ?? 0) + nextLookMs)
      for (const [one, look] of lastLook) if (look < now) lastLook.delete(one)
      lastLook.set(receiver, at)
      return at
    },
  }
}
