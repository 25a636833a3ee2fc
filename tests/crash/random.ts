// Chance that can be had again: the same seed and words make the same numbers.
import { createHash } from "node:crypto"

/** Numbers from 0 to 1 (mulberry32). */
export function randomFrom(...words: (string | number)[]): () => number {
  let state = createHash("sha256").update(words.join(" ")).digest().readUInt32LE()
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** One of several by their weights; undefined with what is left to 1. */
export function pick<Name extends string>(weights: Record<Name, number>, random: number): Name | undefined {
  let left = random
  return (Object.keys(weights) as Name[]).find((name) => (left -= weights[name]) < 0)
}
