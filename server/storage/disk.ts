// Storage in a folder: written under a temporary name, synced, renamed. A name is there whole or not at all.
import { createHash, randomUUID } from "node:crypto"
import * as fs from "node:fs"
import { link, mkdir, readdir, rename, rm, stat } from "node:fs/promises"
import { dirname, join } from "node:path"
import { promisify } from "node:util"
import type { Draft } from "../bodies/draft.ts"
import { headBytes, sha256Pattern } from "./storage.ts"
import type { Sealed, Storage, StoredObject } from "./storage.ts"

type Folders = { objects: string; drafts: string }

// Plain descriptors: a handle's promises cost more than the system calls behind them. What can wait for the disk runs
// beside the event loop; closing a descriptor and asking for its size cannot.
const open = promisify(fs.open)
const write = promisify(fs.write)
const read = promisify(fs.read)
const fdatasync = promisify(fs.fdatasync)
const fsync = promisify(fs.fsync)

export async function diskStorage(folder: string): Promise<Storage> {
  const folders = { objects: join(folder, "objects"), drafts: join(folder, "drafts") }
  await makeFolders(folders)
  return {
    draft: () => openDraft(folders),
    open: (sha256) => openFile(pathOf(folders, sha256)),
    remove: (sha256, keptBefore) => remove(folders, sha256, keptBefore),
    removeDrafts: (untouchedSince) => removeDrafts(folders.drafts, untouchedSince),
    check: () => checkWriting(folders),
  }
}

/** One folder for each first two digits of a name, so that none grows too large to list. */
async function makeFolders({ objects, drafts }: Folders) {
  const digits = Array.from({ length: 256 }, (_, value) => value.toString(16).padStart(2, "0"))
  const paths = [drafts, ...digits.map((two) => join(objects, two))]
  await Promise.all(paths.map((path) => mkdir(path, { recursive: true, mode: 0o700 })))
  await syncFolder(objects)
}

async function removeDrafts(folder: string, untouchedSince: number) {
  for (const name of await readdir(folder)) {
    const path = join(folder, name)
    const touchedAt = await touched(path)
    if (touchedAt !== undefined && touchedAt < untouchedSince) await rm(path, { force: true })
  }
}

/** When it was last written to; undefined where it is gone. A kept file has that of its draft. */
const touched = (path: string): Promise<number | undefined> => stat(path).then(({ mtimeMs }) => mtimeMs, ifThere)

function ifThere(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error
}

/** It is put aside before it is removed: what somebody keeps meanwhile is another file, or is seen and put back. */
async function remove(folders: Folders, sha256: string, keptBefore: number) {
  const path = pathOf(folders, sha256)
  const isOld = async (at: string) => ((await touched(at)) ?? Number.POSITIVE_INFINITY) < keptBefore
  if (!(await isOld(path))) return
  const aside = join(folders.drafts, randomUUID())
  await rename(path, aside).catch(ifThere)
  if (!(await isOld(aside))) {
    await link(aside, path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "EEXIST" && error.code !== "ENOENT") throw error
    })
    await syncFolder(dirname(path))
  }
  await rm(aside, { force: true })
}

function pathOf(folders: Folders, sha256: string): string {
  if (!sha256Pattern.test(sha256)) throw new Error("not the name of a stored object")
  return join(folders.objects, sha256.slice(0, 2), sha256)
}

async function openDraft(folders: Folders): Promise<Draft<Sealed>> {
  const path = join(folders.drafts, randomUUID())
  const file = await open(path, "wx", 0o600)
  const hash = createHash("sha256")
  const heads: Buffer[] = []
  let bytes = 0
  let state: "open" | "closed" | "kept" = "open"

  function close() {
    if (state === "open") fs.closeSync(file)
    state = "closed"
  }

  async function discard() {
    if (state === "kept") return
    close()
    await rm(path, { force: true }).catch(() => undefined)
  }

  return {
    async write(part) {
      hash.update(part)
      if (bytes < headBytes) heads.push(Buffer.from(part.subarray(0, headBytes - bytes)))
      await writeAll(file, part, bytes)
      bytes += part.length
    },
    async seal() {
      await fdatasync(file)
      close()
      const sha256 = hash.digest("hex")
      const keepIt = async () => {
        if (state === "kept") return
        await keep(folders, path, sha256)
        state = "kept"
      }
      const openIt = async () => {
        const object = await openFile(state === "kept" ? pathOf(folders, sha256) : path)
        if (!object) throw new Error("the bytes of a picture are gone")
        return object
      }
      return { sha256, bytes, head: Buffer.concat(heads), open: openIt, keep: keepIt, discard }
    },
    discard,
  }
}

async function writeAll(file: number, part: Uint8Array, position: number) {
  for (let done = 0; done < part.length;) {
    const { bytesWritten } = await write(file, part, done, part.length - done, position + done)
    done += bytesWritten
  }
}

async function keep(folders: Folders, draft: string, sha256: string) {
  const path = pathOf(folders, sha256)
  await rename(draft, path)
  await syncFolder(dirname(path))
}

// The rename itself is only durable once the folder is.
async function syncFolder(path: string) {
  const folder = await open(path, fs.constants.O_RDONLY)
  try {
    await fsync(folder)
  } finally {
    fs.closeSync(folder)
  }
}

async function openFile(path: string): Promise<StoredObject | undefined> {
  const file = await open(path, "r").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined
    throw error
  })
  if (file === undefined) return undefined
  return {
    bytes: fs.fstatSync(file).size,
    async read(buffer: Uint8Array, position: number, length: number) {
      const { bytesRead } = await read(file, buffer, 0, length, position)
      return bytesRead
    },
    close: async () => fs.closeSync(file),
  }
}

async function checkWriting(folders: Folders) {
  const draft = await openDraft(folders)
  await draft.write(Buffer.from("ready"))
  await draft.discard()
}
