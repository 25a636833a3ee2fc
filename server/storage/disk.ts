// Storage in a folder: written under a temporary name, synced, renamed. A name is there whole or not at all.
import { createHash, randomUUID } from "node:crypto"
import { constants } from "node:fs"
import { mkdir, open, readdir, rename, rm, stat } from "node:fs/promises"
import type { FileHandle } from "node:fs/promises"
import { dirname, join } from "node:path"
import type { Draft } from "../bodies/draft.ts"
import { headBytes, sha256Pattern } from "./storage.ts"
import type { Sealed, Storage } from "./storage.ts"

type Folders = { objects: string; drafts: string }

export async function diskStorage(folder: string): Promise<Storage> {
  const folders = { objects: join(folder, "objects"), drafts: join(folder, "drafts") }
  await makeFolders(folders)
  await removeOldDrafts(folders.drafts)
  return {
    draft: () => openDraft(folders),
    open: (sha256) => openObject(folders, sha256),
    remove: (sha256) => rm(pathOf(folders, sha256), { force: true }),
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

// Another process on the same folder may be writing drafts now, so only those that nobody touches are removed.
const draftMaxAgeMs = 24 * 3600 * 1000

async function removeOldDrafts(folder: string) {
  const oldest = Date.now() - draftMaxAgeMs
  for (const name of await readdir(folder)) {
    const path = join(folder, name)
    const found = await stat(path).catch(() => undefined)
    if (found && found.mtimeMs < oldest) await rm(path, { force: true })
  }
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
  let closed = false
  let kept = false

  async function close() {
    if (closed) return
    closed = true
    await file.close()
  }

  async function discard() {
    if (kept) return
    await close().catch(() => undefined)
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
      await file.datasync()
      await close()
      const sha256 = hash.digest("hex")
      const keepIt = async () => {
        await keep(folders, path, sha256)
        kept = true
      }
      return { sha256, bytes, head: Buffer.concat(heads), keep: keepIt, discard }
    },
    discard,
  }
}

async function writeAll(file: FileHandle, part: Uint8Array, position: number) {
  for (let done = 0; done < part.length;) {
    const { bytesWritten } = await file.write(part, done, part.length - done, position + done)
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
  const folder = await open(path, constants.O_RDONLY)
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

async function openObject(folders: Folders, sha256: string) {
  const file = await open(pathOf(folders, sha256), "r").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined
    throw error
  })
  if (!file) return undefined
  const { size } = await file.stat()
  return {
    bytes: size,
    async read(buffer: Uint8Array, position: number, length: number) {
      const { bytesRead } = await file.read(buffer, 0, length, position)
      return bytesRead
    },
    close: () => file.close(),
  }
}

async function checkWriting(folders: Folders) {
  const draft = await openDraft(folders)
  await draft.write(Buffer.from("ready"))
  await draft.discard()
}
