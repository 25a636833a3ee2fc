// What a vendor does wrong, decided by the seed and by what it is asked, not by when.
import { pick, randomFrom } from "./random.ts"

export type Mischief =
  /** Refused at once: surely no work was done. */
  | "busy"
  | "error"
  /** The work is done, and the answer comes seconds later. */
  | "late"
  /** The work is done, and no answer comes; after some seconds the connection breaks. */
  | "never"
  /** The work is done, and the connection breaks before the answer or in it. */
  | "broken"
  | "half"
  /** The work is done, and the answer is sent twice in a row. */
  | "twice"

/** An order makes the vendor work; a look asks how far it is; a picture is fetched. */
export type Kind = "order" | "look" | "picture"

const shares: Record<Kind, Partial<Record<Mischief, number>>> = {
  order: { busy: 0.05, error: 0.03, late: 0.1, never: 0.03, broken: 0.04, half: 0.03, twice: 0.04 },
  look: { busy: 0.04, error: 0.04, late: 0.05, broken: 0.05, twice: 0.05 },
  picture: { late: 0.05, broken: 0.05, half: 0.05 },
}

export const doesNoWork = (mischief: Mischief | undefined): boolean => mischief === "busy" || mischief === "error"

export const neverMs = 6_000

export type Decision = { mischief: Mischief | undefined; delayMs: number }

/** `count`: how often this was asked before. */
export function decide(seed: number, kind: Kind, subject: string, count: number): Decision {
  const random = randomFrom("mischief", seed, kind, subject, count)
  const mischief = pick(shares[kind] as Record<Mischief, number>, random())
  const usual = kind === "order" ? 50 + random() * 600 : random() * 30
  const late = mischief === "late" ? 800 + random() * 1_700 : 0
  return { mischief, delayMs: Math.round(usual + late) }
}
