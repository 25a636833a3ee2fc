// A PostgreSQL of the tests' own: its files, socket and end in a temporary folder, whatever else runs on the machine.
import { execFileSync, spawn } from "node:child_process"
import type { ChildProcess, SpawnOptions } from "node:child_process"
import { chownSync, existsSync, globSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { basename, delimiter, dirname, join } from "node:path"
import pg from "pg"

export type Cluster = {
  url: string
  /** Makes an empty database and answers its address. */
  newDatabase: () => Promise<string>
  end: () => Promise<void>
}

/** The folder of `initdb` and `postgres`: the newest of Debian's, or on the path. */
function findPrograms(): string | undefined {
  const debian = globSync("/usr/lib/postgresql/*/bin").sort((a, b) => Number(versionIn(b)) - Number(versionIn(a)))
  const onPath = (process.env["PATH"] ?? "").split(delimiter)
  return [...debian, ...onPath].find((folder) => ["initdb", "postgres"].every((name) => existsSync(join(folder, name))))
}

const versionIn = (folder: string): string => dirname(folder).split("/").at(-1)!

const programs = findPrograms()

/** For a test's `skip`. */
export const postgresMissing: string | false = programs === undefined && "PostgreSQL is not installed"

/** It refuses to work as root, so there it gets the user that its package made, or the one that owns nothing. */
function userForIt(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {}
  const numberOf = (option: string) => {
    for (const user of ["postgres", "nobody"])
      try {
        return Number(execFileSync("id", [option, user], { stdio: ["ignore", "pipe", "ignore"] }).toString())
      } catch {
        continue
      }
    throw new Error("there is no user for PostgreSQL to run as")
  }
  return { uid: numberOf("-u"), gid: numberOf("-g") }
}

const clusters = new Map<ChildProcess, string>()

process.on("exit", () => {
  for (const [child, folder] of clusters) {
    child.kill("SIGQUIT")
    rmSync(folder, { recursive: true, force: true })
  }
})

/** Nothing in it outlives the machine's power, so it need not wait for the disk. */
const unsafeButFast = ["fsync", "synchronous_commit", "full_page_writes"].flatMap((name) => ["-c", `${name}=off`])

/** When each transaction was committed, for those who ask in which order. */
const remember = ["-c", "track_commit_timestamp=on"]

export async function startPostgres(): Promise<Cluster> {
  if (programs === undefined) throw new Error("PostgreSQL is not installed")
  const folder = mkdtempSync(join(tmpdir(), "atelier-postgres-"))
  const user = userForIt()
  if (user.uid !== undefined) chownSync(folder, user.uid, user.gid!)
  const data = join(folder, "data")
  const options: SpawnOptions = { ...user, cwd: folder, stdio: ["ignore", "pipe", "pipe"] }
  const initdb = ["--pgdata", data, "--username=atelier", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]
  const making = spawn(join(programs, "initdb"), initdb, options)
  clusters.set(making, folder)
  await ended(making)
  clusters.delete(making)
  const settings = ["-c", "listen_addresses=", "-c", `unix_socket_directories=${folder}`, ...unsafeButFast, ...remember]
  const child = spawn(join(programs, "postgres"), ["-D", data, ...settings], options)
  clusters.set(child, folder)
  const over = ended(child)
  await Promise.race([ready(child), over])
  const url = `postgresql://atelier@/postgres?host=${encodeURIComponent(folder)}`
  let count = 0
  return {
    url,
    newDatabase: () => createDatabase(url, `test ${++count}`),
    async end() {
      child.kill("SIGINT")
      await over.catch(() => undefined)
      clusters.delete(child)
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function createDatabase(url: string, name: string): Promise<string> {
  await runOn(url, `create database "${name}"`).catch((error: unknown) => {
    if ((error as { code?: string }).code !== alreadyThere) throw error
  })
  return url.replace("/postgres?", `/${encodeURIComponent(name)}?`)
}

const alreadyThere = "42P04"

/** Where a whole file of tests runs on PostgreSQL: the setting that gives each data folder a database of its own. */
export async function databaseOf(dataFolder: string): Promise<Record<string, string>> {
  const url = process.env["POSTGRES_FOR_TESTS"]
  return url === undefined ? {} : { ATELIER_DATABASE_URL: await createDatabase(url, basename(dataFolder)) }
}

/** One statement on a connection of its own. */
export async function runOn<Row>(url: string, statement: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query(statement)).rows as Row[]
  } finally {
    await client.end()
  }
}

/** One of PostgreSQL's own programs, of the version that the cluster is. */
export const runProgram = (name: "pg_dump" | "pg_restore", args: string[]): Promise<void> =>
  ended(spawn(join(programs!, name), args, { stdio: ["ignore", "pipe", "pipe"] }))

function ended(child: ChildProcess): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  let said = ""
  for (const stream of [child.stdout!, child.stderr!]) stream.on("data", (text: Buffer) => (said += text.toString()))
  child.once("error", reject)
  child.once("close", (code) => (code === 0 ? resolve() : reject(new Error(`PostgreSQL ended with ${code}:\n${said}`))))
  promise.catch(() => undefined)
  return promise
}

function ready(child: ChildProcess): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  child.stderr!.on("data", (text: Buffer) => {
    if (text.includes("ready to accept connections")) resolve()
  })
  return promise
}
