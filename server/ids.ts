// Names that nobody can guess: letters and digits from a secure random source.
import { randomFillSync } from "node:crypto"

const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

/** `length` characters of `0-9A-Za-z`; 24 of them hold 142 bits. */
export function randomName(length: number): string {
  let name = ""
  while (name.length < length) {
    const byte = randomByte()
    // Bytes from 248 up would make the first letters of the alphabet more likely than the last.
    if (byte < 248) name += alphabet[byte % 62]
  }
  return name
}

// Asking the system for each name alone costs more than all the rest of it.
const pool = Buffer.alloc(4096)
let used = pool.length

function randomByte(): number {
  if (used === pool.length) {
    randomFillSync(pool)
    used = 0
  }
  const byte = pool[used]!
  // Nothing that went into a secret stays behind in memory.
  pool[used++] = 0
  return byte
}

const timeLength = 7
const randomLength = 17 // 101 bits

/**
 * An id that starts with the time: rows of the same moment lie side by side in every index, so that storing them touches
 * few pages.
 */
export function newId(kind: "gen" | "att" | "img" | "pst" | "req" | "whk" | "msg" | "usr"): string {
  let time = ""
  for (let rest = Date.now(); time.length < timeLength; rest = Math.floor(rest / 62)) time = alphabet[rest % 62]! + time
  return `${kind}_${time}${randomName(randomLength)}`
}
