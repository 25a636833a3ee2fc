// Copies what a storage folder holds, for backups. An object never changes, so one that is there already is left alone.
import { constants } from "node:fs"
import { copyFile, link, mkdir, readdir } from "node:fs/promises"
import { join } from "node:path"
import { sha256Pattern } from "./storage.ts"

/** Answers how many objects were new. Files on the same disk are linked, which takes neither time nor room. */
export async function copyObjects(from: string, to: string): Promise<number> {
  let copied = 0
  for (const two of await readdir(join(from, "objects"))) {
    const [here, there] = [join(from, "objects", two), join(to, "objects", two)]
    await mkdir(there, { recursive: true, mode: 0o700 })
    const known = new Set(await readdir(there))
    for (const name of await readdir(here))
      if (sha256Pattern.test(name) && !known.has(name)) copied += await copyObject(join(here, name), join(there, name))
  }
  return copied
}

/** 0 where it was taken away a moment ago. */
async function copyObject(from: string, to: string): Promise<number> {
  try {
    await link(from, to).catch(async (error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") throw error
      await copyFile(from, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE)
    })
    return 1
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return 0
    throw error
  }
}

/** Which of these objects a folder does not hold. */
export async function missingObjects(folder: string, names: string[]): Promise<string[]> {
  const here = new Set<string>()
  for (const two of await readdir(join(folder, "objects")))
    for (const name of await readdir(join(folder, "objects", two))) here.add(name)
  return names.filter((name) => !here.has(name))
}
