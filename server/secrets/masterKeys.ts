// The master keys: what seals every secret in the database. They are in the environment or in a file, never in a database.
import { createHash, randomBytes } from "node:crypto"
import { constants, readFileSync, writeFileSync } from "node:fs"
import { copyFile, link, open, rename, rm } from "node:fs/promises"
import { join } from "node:path"
import type { App } from "../app.ts"

/** `id` tells which key a text was sealed with: 8 hex digits that follow from the key and do not give it away. */
export type MasterKey = { id: string; bytes: Buffer }

export type MasterKeys = {
  /** Where they are, for messages: "ATELIER_MASTER_KEY", or the path of a file. */
  from: string
  /** The newest first; none where there is no file yet. */
  all: () => MasterKey[]
  /** The one that seals. Throws where there is none. */
  newest: () => MasterKey
  find: (id: string) => MasterKey | undefined
}

type Settings = Pick<App["config"], "masterKey" | "masterKeyFile" | "dataFolder">

const keyBytes = 32

const idOf = (bytes: Buffer): string =>
  createHash("sha256").update("atelier master key ").update(bytes).digest("hex").slice(0, 8)

/** Keys as text, the newest first, one a line or with commas between. Throws an Error that does not show them. */
export function readKeys(text: string): MasterKey[] {
  const keys = text
    .split(/[\s,]+/)
    .filter((word) => word !== "")
    .map((word, index) => readKey(word, index + 1))
  const ids = keys.map(({ id }) => id)
  if (new Set(ids).size < ids.length) throw new Error("the same master key stands there twice")
  return keys
}

function readKey(text: string, position: number): MasterKey {
  const isHex = /^[0-9a-f]{64}$/i.test(text)
  const isBase64 = /^[\w+/-]{43}=?$/.test(text)
  if (!isHex && !isBase64)
    throw new Error(`key ${position} is not 32 bytes in hex or base64; \`openssl rand -hex 32\` makes one`)
  const bytes = Buffer.from(text, isHex ? "hex" : "base64")
  if (isGuessable(bytes)) throw new Error(`key ${position} is not random; \`openssl rand -hex 32\` makes one`)
  return { id: idOf(bytes), bytes }
}

/** Zeros, a word over and over, 0 to 31, readable text: 32 random bytes are none of that in a billion years. */
function isGuessable(bytes: Buffer): boolean {
  const steps = new Set(bytes.subarray(1).map((byte, index) => (byte - bytes[index]! + 256) % 256))
  const isText = bytes.every((byte) => byte >= 0x20 && byte < 0x7f)
  return new Set(bytes).size < 16 || steps.size < 8 || isText
}

/** The file that is used where neither setting says otherwise; made at the first start. */
export const ownFile = ({ dataFolder }: Pick<Settings, "dataFolder">): string => join(dataFolder, "master-key")

/** Throws an Error that names the setting or the file and says what to do. */
export function openMasterKeys(config: Settings): MasterKeys {
  const { masterKey, masterKeyFile } = config
  const given = readKeysOf("ATELIER_MASTER_KEY", () => masterKey)
  if (given.length > 0 && masterKeyFile !== "")
    throw new Error("ATELIER_MASTER_KEY and ATELIER_MASTER_KEY_FILE are both set; unset one of them")
  if (given.length > 0) return fixedKeys("ATELIER_MASTER_KEY", given)
  const path = masterKeyFile || ownFile(config)
  const keys = fileKeys(path)
  if (masterKeyFile !== "" && keys.all().length === 0)
    throw new Error(`ATELIER_MASTER_KEY_FILE: there is no key in ${path}. ${howToMake(path)}`)
  return keys
}

const howToMake = (path: string): string => `Make one: (umask 077; openssl rand -hex 32 > ${path})`

const none = (from: string) => new Error(`There is no master key: ${from}`)

export function fixedKeys(from: string, keys: MasterKey[]): MasterKeys {
  return {
    from,
    all: () => keys,
    newest: () => keys[0] ?? fail(none(from)),
    find: (id) => keys.find((key) => key.id === id),
  }
}

const fail = (error: Error): never => {
  throw error
}

/** Reads the file again before each sealing and for each id it does not know, so that a rotation needs no restart. */
function fileKeys(path: string): MasterKeys {
  const known = new Map<string, MasterKey>()
  const read = () => {
    const keys = readFile(path)
    for (const key of keys) known.set(key.id, key)
    return keys
  }
  read()
  return {
    from: path,
    all: read,
    newest: () => read()[0] ?? fail(none(path)),
    find(id) {
      if (!known.has(id)) read()
      return known.get(id)
    },
  }
}

const readFile = (path: string): MasterKey[] => readKeysOf(path, () => readFileSync(path, "utf8"))

function readKeysOf(from: string, read: () => string): MasterKey[] {
  try {
    return readKeys(read())
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return []
    throw new Error(`The master key of ${from} cannot be used: ${(error as Error).message}`, { cause: error })
  }
}

const writeKey = (): string => `${randomBytes(keyBytes).toString("base64url")}\n`

/** Whoever comes first makes it; others on the same folder find that one. */
export async function makeOwnFile(path: string): Promise<void> {
  const draft = `${path}.${randomBytes(6).toString("hex")}`
  await writeSynced(draft, writeKey())
  try {
    // Not every file system has links.
    await link(draft, path).catch((error: unknown) => {
      if (isThere(error)) throw error
      return copyFile(draft, path, constants.COPYFILE_EXCL)
    })
  } catch (error) {
    if (!isThere(error)) throw error
  } finally {
    await rm(draft, { force: true })
  }
}

const isThere = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === "EEXIST"

async function writeSynced(path: string, text: string): Promise<void> {
  const file = await open(path, "wx", 0o600)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Puts a fresh key before the others in the file, and answers its id. */
export async function addKey(path: string): Promise<string> {
  const draft = `${path}.new`
  // Two at once would each write a file without the other's key.
  await writeSynced(draft, "").catch((error: unknown) => {
    if (isThere(error)) throw new Error(`${draft} is there: another command is at work, or one broke off; remove it`)
    throw error
  })
  try {
    const fresh = writeKey()
    writeFileSync(draft, fresh + readFileSync(path, "utf8"), { flush: true })
    await rename(draft, path)
    return readKeys(fresh)[0]!.id
  } catch (error) {
    await rm(draft, { force: true })
    throw error
  }
}
