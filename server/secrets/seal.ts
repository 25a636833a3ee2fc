// Secrets at rest: each sealed with a key of its own, which the master key seals, and good for nothing in another place.
import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto"
import type { MasterKey, MasterKeys } from "./masterKeys.ts"

/** "2", the master key's id, the sealed data key, the sealed secret; the last two in base64url. */
const form = /^2\.([0-9a-f]{8})\.([\w-]+)\.([\w-]+)$/

/** Where a secret lies: table, row and column. What was sealed for one place does not open in another. */
export const placeOf = (table: string, row: readonly string[], column: string): string =>
  JSON.stringify([table, ...row, column])

export const isSealed = (text: string): boolean => form.test(text)

export function seal(keys: MasterKeys, place: string, secret: string): string {
  const master = keys.newest()
  const dataKey = randomBytes(32)
  const parts = [encrypt(master.bytes, `key of ${place}`, dataKey), encrypt(dataKey, place, Buffer.from(secret))]
  return ["2", master.id, ...parts.map((part) => part.toString("base64url"))].join(".")
}

/** Throws where no master key here opens it, where it was sealed for another place, or has been changed. */
export function unseal(keys: MasterKeys, place: string, text: string): string {
  const [, id, sealedKey, sealed] = form.exec(text) ?? []
  if (id === undefined) throw new Error("this is not a sealed secret")
  const master = findKey(keys, id)
  try {
    const dataKey = decrypt(master.bytes, `key of ${place}`, Buffer.from(sealedKey!, "base64url"))
    return decrypt(dataKey, place, Buffer.from(sealed!, "base64url")).toString()
  } catch (error) {
    throw new Error(`the secret in ${place} was changed, or sealed for another place`, { cause: error })
  }
}

function findKey(keys: MasterKeys, id: string): MasterKey {
  const found = keys.find(id)
  if (!found) throw new Error(`a secret was sealed with the master key ${id}, which is not here: ${keys.from}`)
  return found
}

const nonceBytes = 12
const tagBytes = 16

function encrypt(key: Buffer, place: string, plain: Buffer): Buffer {
  const nonce = randomBytes(nonceBytes)
  const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(Buffer.from(place))
  const sealed = Buffer.concat([cipher.update(plain), cipher.final()])
  return Buffer.concat([nonce, cipher.getAuthTag(), sealed])
}

function decrypt(key: Buffer, place: string, bytes: Buffer): Buffer {
  const [nonce, tag] = [bytes.subarray(0, nonceBytes), bytes.subarray(nonceBytes, nonceBytes + tagBytes)]
  const decipher = createDecipheriv("aes-256-gcm", key, nonce, { authTagLength: tagBytes })
    .setAAD(Buffer.from(place))
    .setAuthTag(tag)
  return Buffer.concat([decipher.update(bytes.subarray(nonceBytes + tagBytes)), decipher.final()])
}
