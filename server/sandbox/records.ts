// Small records that a vendor would still have after a crash of ours: files in a folder, or memory without one.
import { mkdir, readdir, readFile, rename, stat, unlink, writeFile } from "node:fs/promises"
import { join } from "node:path"

export type Records<T> = {
  put: (id: string, record: T) => Promise<void>
  get: (id: string) => Promise<T | undefined>
}

const keptMs = 60 * 60 * 1000
const sweepEveryMs = 60 * 1000

type Kept<T> = { keptAt: number; record: T }

export function createRecords<T>(now: () => number, folder?: string): Records<T> {
  const shelf = folder === undefined ? memoryShelf<T>() : fileShelf<T>(folder)
  let sweptAt = -Infinity
  return {
    async put(id, record) {
      if (now() - sweptAt > sweepEveryMs) {
        sweptAt = now()
        await shelf.sweep(sweptAt - keptMs)
      }
      await shelf.put(id, { keptAt: now(), record })
    },
    async get(id) {
      // Ids come from addresses and become file names.
      if (!/^[0-9a-z-]{1,64}$/i.test(id)) return undefined
      const kept = await shelf.get(id)
      return kept && now() - kept.keptAt < keptMs ? kept.record : undefined
    },
  }
}

type Shelf<T> = {
  put: (id: string, kept: Kept<T>) => Promise<void>
  get: (id: string) => Promise<Kept<T> | undefined>
  sweep: (before: number) => Promise<void>
}

function memoryShelf<T>(): Shelf<T> {
  const all = new Map<string, Kept<T>>()
  return {
    put: async (id, kept) => void all.set(id, kept),
    get: async (id) => all.get(id),
    sweep: async (before) => {
      for (const [id, { keptAt }] of all) if (keptAt < before) all.delete(id)
    },
  }
}

function fileShelf<T>(folder: string): Shelf<T> {
  const pathOf = (id: string) => join(folder, `${id}.json`)
  return {
    async put(id, kept) {
      await mkdir(folder, { recursive: true })
      const temporary = join(folder, `${id}.new`)
      await writeFile(temporary, JSON.stringify(kept))
      await rename(temporary, pathOf(id))
    },
    async get(id) {
      const text = await readFile(pathOf(id), "utf8").catch(() => undefined)
      return text === undefined ? undefined : (JSON.parse(text) as Kept<T>)
    },
    // By the age of the files, so that nothing has to be opened.
    async sweep(before) {
      for (const name of await readdir(folder).catch(() => [])) {
        const path = join(folder, name)
        const file = await stat(path).catch(() => undefined)
        if (file && file.mtimeMs < before) await unlink(path).catch(() => undefined)
      }
    },
  }
}
