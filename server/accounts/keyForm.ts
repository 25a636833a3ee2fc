// How an API key is written: atl_<live|test>_<id><secret><check>, so that a mistyped one is known without a look-up.
import { crc32 } from "node:zlib"
import type { Mode } from "../egress/send.ts"
import { randomName } from "../ids.ts"

const prefix = "atl"
const idLength = 12
const secretLength = 43
const checkLength = 6
const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

const form = new RegExp(`^${prefix}_(live|test)_([0-9A-Za-z]{${idLength}})_[0-9A-Za-z]{${secretLength + checkLength}}$`)

export type KeyForm = { mode: Mode; id: string }

/** A new key: 256 bits from a secure random source. */
export function newKey(mode: Mode): { key: string; id: string } {
  const id = randomName(idLength)
  const start = `${prefix}_${mode}_${id}_${randomName(secretLength)}`
  return { key: start + checkOf(start), id }
}

/** Undefined where the text is no key of ours, or has a wrong character in it. */
export function readKeyForm(text: string): KeyForm | undefined {
  const [, mode, id] = form.exec(text) ?? []
  const start = text.slice(0, -checkLength)
  if (!mode || !id || text.slice(-checkLength) !== checkOf(start)) return undefined
  return { mode: mode as Mode, id }
}

/** CRC-32 in base 62, six characters. */
export function checkOf(text: string): string {
  let check = ""
  for (let rest = crc32(text); check.length < checkLength; rest = Math.floor(rest / 62))
    check = digits[rest % 62]! + check
  return check
}
