// Starts the server as a user would, in a data folder of its own, and ends it whatever becomes of the test.
import { execFile, spawn } from "node:child_process"
import type { ChildProcess } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { once } from "node:events"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createKey } from "../server/accounts/keys.ts"
import { defaultProject } from "../server/accounts/projects.ts"
import { composeAtelier } from "../server/compose.ts"
import type { Atelier } from "../server/compose.ts"
import { readConfig } from "../server/config.ts"
import { allProviders } from "../server/providers/all.ts"
import { startFlags } from "../tools/startFlags.ts"
import { databaseOf } from "./postgres.ts"

export const root = join(import.meta.dirname, "..")

export type Environment = Record<string, string>

const children = new Set<ChildProcess>()
const folders = new Set<string>()

process.on("exit", () => {
  for (const child of children) child.kill("SIGKILL")
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

/** Gone when the test process ends. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "atelier-test-"))
  folders.add(folder)
  return folder
}

export type Ended = { code: number | null; signal: NodeJS.Signals | null }

export type Server = {
  url: string
  pid: number
  dataFolder: string
  testKey: string
  /** What it wrote to standard error so far. */
  log: () => string
  /** What it wrote to standard output so far. */
  said: () => string
  /** Resolves once the process is gone. */
  kill: (signal: NodeJS.Signals) => Promise<Ended>
}

const startMaxMs = 20_000

/** A child process on a port of its own choice; on a folder that was used before, it finds what is there. */
export async function startServer(
  environment: Environment = {},
  dataFolder = temporaryFolder(),
  /** Where the project is. */
  from = root,
): Promise<Server> {
  return launchServer({ ...(await databaseOf(dataFolder)), ...environment }, dataFolder, from).listening
}

/** A server's process from its first moment on, for those who cannot wait until it listens. */
export type Launched = Pick<Server, "pid" | "log" | "kill"> & {
  /** Rejects where it ends before. */
  listening: Promise<Server>
  ended: Promise<Ended>
}

export function launchServer(environment: Environment, dataFolder: string, from = root): Launched {
  const child = spawn(process.execPath, [...startFlags(), join(from, "server/main.ts")], {
    env: environmentOf(dataFolder, environment),
    stdio: ["ignore", "pipe", "pipe"],
  })
  children.add(child)
  const ended = Promise.withResolvers<Ended>()
  child.once("close", (code, signal) => {
    children.delete(child)
    ended.resolve({ code, signal })
  })
  let text = ""
  child.stderr.on("data", (chunk: Buffer) => (text += chunk.toString()))
  let said = ""
  child.stdout.on("data", (chunk: Buffer) => (said += chunk.toString()))
  const log = () => text
  const kill = (signal: NodeJS.Signals) => {
    child.kill(signal)
    return ended.promise
  }
  const listening = bannerOf(child, log).then((banner) => ({
    url: /^Atelier +(\S+)$/m.exec(banner)![1]!,
    testKey: /^Test key +(\S+)$/m.exec(banner)![1]!,
    ...{ pid: child.pid!, dataFolder, log, said: () => said, kill },
  }))
  return { pid: child.pid!, log, kill, listening, ended: ended.promise }
}

function bannerOf(child: ChildProcess, log: () => string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  let text = ""
  const fail = (why: string) => reject(new Error(`the server ${why}:\n${text}${log()}`))
  const timer = setTimeout(() => fail(`did not start within ${startMaxMs} ms`), startMaxMs)
  child.stdout!.on("data", (chunk: Buffer) => {
    text += chunk.toString()
    if (text.includes("Try it:")) resolve(text)
  })
  child.once("close", () => fail("ended before it listened"))
  return promise.finally(() => clearTimeout(timer))
}

export const environmentOf = (dataFolder: string, environment: Environment): Environment => ({
  PATH: process.env["PATH"] ?? "",
  ATELIER_DATA: dataFolder,
  ATELIER_PORT: "0",
  ATELIER_SANDBOX_PACE: "none",
  ATELIER_LOG_LEVEL: "warn",
  ...environment,
})

/** What a command gave back; `said` is what it wrote to standard error. */
export type Shown = { code: number; printed: string; said: string }

/** Runs `atelier …` on the data folder, whatever becomes of it. */
export async function runCommand(
  dataFolder: string,
  args: string[],
  { environment = {}, input = "" }: { environment?: Environment; input?: string } = {},
): Promise<Shown> {
  return execute(args, environmentOf(dataFolder, { ...(await databaseOf(dataFolder)), ...environment }), root, input)
}

function execute(args: string[], env: Environment, from: string, input = ""): Promise<Shown> {
  const { promise, resolve } = Promise.withResolvers<Shown>()
  const child = execFile(process.execPath, [join(from, "server/cli.ts"), ...args], { env }, (error, stdout, stderr) =>
    resolve({ code: typeof error?.code === "number" ? error.code : 0, printed: stdout.trim(), said: stderr.trim() }),
  )
  child.stdin!.end(input)
  return promise
}

/** Runs `atelier …` on the data folder and answers what it printed. */
export const atelierCommand = (dataFolder: string, ...args: string[]): Promise<string> =>
  atelierWith({ dataFolder }, ...args)

type With = { dataFolder: string; environment?: Environment; input?: string }

/** The same with settings of its own, and with something on its standard input. */
export async function atelierWith({ dataFolder, ...more }: With, ...args: string[]): Promise<string> {
  return printedBy(args, await runCommand(dataFolder, args, more))
}

function printedBy(args: string[], { code, printed, said }: Shown): string {
  if (code !== 0) throw new Error(`atelier ${args.join(" ")} ended with ${code}: ${said}`)
  return printed
}

/** The same of a copy of the project, in an environment that is whole. */
export async function runAtelier(args: string[], environment: Environment, from: string): Promise<string> {
  return printedBy(args, await execute(args, environment, from))
}

export const createLiveKey = (server: { dataFolder: string; environment?: Environment }): Promise<string> =>
  atelierWith(server, "keys", "create", "--mode", "live")

export type InProcess = {
  url: string
  dataFolder: string
  testKey: string
  atelier: Atelier
  end: () => Promise<void>
}

/** The same server without a process of its own: starts at once, and its clock and database can be reached. */
export async function composeServer(environment: Environment = {}): Promise<InProcess> {
  const dataFolder = temporaryFolder()
  const always = { ATELIER_LOG_LEVEL: "silent", ...(await databaseOf(dataFolder)) }
  const settings = { ...environmentOf(dataFolder, always), ...environment }
  const atelier = await composeAtelier(readConfig(settings, allProviders))
  await atelier.server.listen({ host: "127.0.0.1", port: 0 })
  const { port } = atelier.server.server.address() as AddressInfo
  const testKey = await createKey(atelier.app, defaultProject, "test")
  return { url: `http://127.0.0.1:${port}`, dataFolder, testKey, atelier, end: atelier.stop }
}

/** The calls that reached the imitated vendors, oldest first. */
export function sandboxCalls({ dataFolder }: { dataFolder: string }): SandboxCall[] {
  const text = readFileSync(join(dataFolder, "sandbox", "calls.jsonl"), "utf8")
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as SandboxCall)
}

export type SandboxCall = { vendor: string; method: string; path: string; model: string | null; prompt: string | null }

/** A port that nobody listens on now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1")
  await once(server, "listening")
  const { port } = server.address() as AddressInfo
  server.close()
  return port
}
