// The command that makes a backup of an installation, whether its server runs or not.
import { chmod, mkdir, rename, rm } from "node:fs/promises"
import { join, resolve } from "node:path"
import { readConfig } from "../config.ts"
import type { Config } from "../config.ts"
import { picturesIn, writeSnapshot } from "../database/snapshot.ts"
import { allProviders } from "../providers/all.ts"
import { copyObjects, missingObjects } from "../storage/copy.ts"
import type { Command, Printed } from "./command.ts"

export const backupCommand: Command = {
  words: "backup",
  needs: ["FOLDER"],
  takes: "",
  about: "copy database and pictures to a folder that a server can be started on; again, to bring it up to date",
  options: [],
  run: async ({ rest: [folder = ""] }) => {
    const config = readConfig(process.env, allProviders)
    const to = resolve(folder)
    if (to === config.dataFolder) throw new Error("backup needs another FOLDER than that of ATELIER_DATA")
    await mkdir(to, { recursive: true, mode: 0o700 })
    return config.databaseUrl === "" ? backUp(config, to) : backUpPictures(config, to)
  },
}

// Who finds a backup with the key in it can open everything that is sealed.
const keyIsApart = "The master key is not in it: keep that apart, for nothing starts on the backup without it."

/**
 * Pictures are kept before the database knows them, so those that are copied after it are all it names; and copied
 * before it as well, those that are deleted meanwhile.
 */
async function backUp({ dataFolder }: Config, to: string): Promise<Printed> {
  const [from, kept] = [join(dataFolder, "pictures"), join(to, "pictures")]
  const before = await copyObjects(from, kept)
  const [snapshot, fresh] = [join(to, "atelier.sqlite"), join(to, "atelier.sqlite.new")]
  await rm(fresh, { force: true })
  writeSnapshot(join(dataFolder, "atelier.sqlite"), fresh)
  await chmod(fresh, 0o600)
  await rename(fresh, snapshot)
  const after = await copyObjects(from, kept)
  const names = picturesIn(snapshot)
  const missing = await missingObjects(kept, names)
  const value = { folder: to, pictures: names.length, new_files: before + after, missing }
  if (missing.length > 0)
    throw new Error(
      `The backup is whole but for ${missing.length} pictures whose bytes are gone: ${missing.join(", ")}`,
    )
  const text = `${to} has the database and ${names.length} pictures, ${before + after} of them new. ${keyIsApart}`
  return { text, value }
}

async function backUpPictures({ dataFolder }: Config, to: string): Promise<Printed> {
  const new_files = await copyObjects(join(dataFolder, "pictures"), join(to, "pictures"))
  const advice = `The database is PostgreSQL: dump it with pg_dump, and then run this command once more. ${keyIsApart}`
  return { text: `${to} has the pictures, ${new_files} of them new. ${advice}`, value: { folder: to, new_files } }
}
