// Names that nobody can guess: letters and digits from a secure random source.
import { randomBytes } from "node:crypto"

const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

/** `length` characters of `0-9A-Za-z`; 24 of them hold 142 bits. */
export function randomName(length: number): string {
  let name = ""
  while (name.length < length) {
    // Bytes from 248 up would make the first letters of the alphabet more likely than the last.
    for (const byte of randomBytes(length)) if (byte < 248 && name.length < length) name += alphabet[byte % 62]
  }
  return name
}

export const newId = (kind: "gen" | "att" | "img" | "req"): string => `${kind}_${randomName(24)}`
