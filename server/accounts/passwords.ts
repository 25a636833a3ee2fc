// Passwords: kept as PHC strings of argon2id, which say how they were made.
import { argon2, randomBytes, timingSafeEqual } from "node:crypto"
import { promisify } from "node:util"

const derive = promisify(argon2)

/** Memory in KiB, passes over it, and lanes. */
type Effort = { m: number; t: number; p: number }

const effort: Effort = { m: 19_456, t: 2, p: 1 }
const saltBytes = 16
const hashBytes = 32

const lengthMin = 12
const bytesMax = 1024

/** Why it cannot be one; undefined where it can. */
export function faultInPassword(password: string): string | undefined {
  if (/[\0\r\n]/.test(password)) return "a password is one line of text"
  if ([...normal(password)].length < lengthMin) return `a password has at least ${lengthMin} characters`
  return Buffer.byteLength(normal(password)) > bytesMax ? `a password has at most ${bytesMax} bytes` : undefined
}

export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(saltBytes)
  const { m, t, p } = effort
  return `$argon2id$v=19$m=${m},t=${t},p=${p}$${encode(salt)}$${encode(await hashOf(password, salt, effort, hashBytes))}`
}

// Of no password: looking at it takes as long as at any other.
const nobodys = `$argon2id$v=19$m=${effort.m},t=${effort.t},p=${effort.p}$${"A".repeat(22)}$${"A".repeat(43)}`

/** Without a stored hash false, after the same work. */
export async function isPassword(password: string, stored: string | null): Promise<boolean> {
  const [, version, efforts = "", salt = "", hash = ""] = (stored ?? nobodys).split("$").slice(1)
  const numbers = /^m=(\d+),t=(\d+),p=(\d+)$/.exec(efforts)?.slice(1).map(Number)
  if (version !== "v=19" || numbers === undefined) throw new Error("a stored password is not a PHC string of argon2id")
  const [m = 0, t = 0, p = 0] = numbers
  const wanted = Buffer.from(hash, "base64")
  const found = await hashOf(password, Buffer.from(salt, "base64"), { m, t, p }, wanted.length)
  return timingSafeEqual(found, wanted) && stored !== null
}

const hashOf = (password: string, nonce: Buffer, { m, t, p }: Effort, tagLength: number): Promise<Buffer> =>
  derive("argon2id", { message: normal(password), nonce, memory: m, passes: t, parallelism: p, tagLength })

/** Keyboards write the same letter in several ways. */
const normal = (password: string): string => password.normalize("NFKC")

const encode = (bytes: Buffer): string => bytes.toString("base64").replaceAll("=", "")
