// Processes under test: started on a core of their own, watched through /proc, ended by their id.
import { spawn, spawnSync } from "node:child_process"
import type { ChildProcess } from "node:child_process"
import { closeSync, openSync, readFileSync, rmSync, writeSync } from "node:fs"
import { readFile } from "node:fs/promises"
import { connect, createServer } from "node:net"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"

export type Running = {
  url: string
  pid: number
  /** CPU time of all its threads so far; undefined where there is no /proc. */
  cpuMs: () => number | undefined
  /** The most memory it ever had resident. */
  peakMb: () => number | undefined
  /** The longest stall of its event loop since the last call; undefined where it is not Node. */
  stallMs: () => Promise<number | undefined>
  stop: () => Promise<void>
}

export type Command = {
  command: string[]
  port: number
  environment?: Record<string, string>
  /** Where the probe writes; without it the process has no probe. */
  probeFile?: string
}

const startMaxMs = 20_000
const children = new Set<ChildProcess>()

process.on("exit", () => {
  for (const child of children) child.kill("SIGKILL")
})

export const hasProc = process.platform === "linux"

/** Whether processes can be held to one core each: taskset is there, and there are two cores to hold them to. */
export const canPin = hasProc && ["0", "1"].every((core) => spawnSync("taskset", ["-c", core, "true"]).status === 0)

export const coreUnderTest = "0"
export const coreOfLoad = "1"

/** Moves this process, and all that it starts without saying where, to the core of the load. */
export function pinLoad() {
  if (canPin) spawnSync("taskset", ["-a", "-c", "-p", coreOfLoad, String(process.pid)])
}

export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

/**
 * Touches so much memory, through a file, and gives it back. On a virtual machine the host hands out a page at its
 * first use, at ten times the price of writing it, takes free pages back after seconds, and bills whoever is first.
 */
export function warmMemory(folder: string, bytes: number) {
  const path = join(folder, "warm")
  const piece = Buffer.alloc(1_000_000)
  const file = openSync(path, "w")
  for (let done = 0; done < bytes; done += piece.length) writeSync(file, piece)
  closeSync(file)
  rmSync(path)
}

/** Resolves once it takes connections. */
export async function start(what: Command, core: string): Promise<Running> {
  const { command, port, environment, probeFile } = what
  const probe: Record<string, string> = probeFile === undefined ? {} : { BENCH_PROBE_FILE: probeFile }
  const [program = "", ...rest] = canPin ? ["taskset", "-c", core, ...command] : command
  const child = spawn(program, rest, {
    env: { PATH: process.env["PATH"], HOME: process.env["HOME"], ...environment, ...probe },
    stdio: ["ignore", "ignore", "pipe"],
  })
  children.add(child)
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()))
  let complaint = ""
  child.stderr.on("data", (text: Buffer) => (complaint = (complaint + text.toString()).slice(-2_000)))
  child.once("error", (error) => (complaint += error.message))
  await listening(port, () => {
    if (child.exitCode !== null || child.pid === undefined)
      throw new Error(`${command.join(" ")} did not start:\n${complaint}`)
  })
  const pid = child.pid!
  return {
    ...{ url: `http://127.0.0.1:${port}`, pid },
    cpuMs: () => (hasProc ? cpuMsOf(pid) : undefined),
    peakMb: () => (hasProc ? peakMbOf(pid) : undefined),
    stallMs: async () => (probeFile === undefined ? undefined : readProbe(child, probeFile)),
    async stop() {
      child.kill("SIGKILL")
      await ended
      children.delete(child)
    },
  }
}

async function listening(port: number, check: () => void): Promise<void> {
  for (const until = Date.now() + startMaxMs; Date.now() < until; await sleep(20)) {
    check()
    if (await takesConnections(port)) return
  }
  throw new Error(`nothing listens on port ${port} after ${startMaxMs / 1000} s`)
}

function takesConnections(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1")
    const answer = (taken: boolean) => {
      socket.destroy()
      resolve(taken)
    }
    socket.once("connect", () => answer(true)).once("error", () => answer(false))
  })
}

// Linux counts in hundredths of a second, whatever the kernel's own clock.
const msPerTick = 10

function cpuMsOf(pid: number): number {
  // The name, in brackets, may hold spaces; utime and stime are the 14th and 15th field of all.
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /s, "")
    .split(" ")
  return (Number(fields[11]) + Number(fields[12])) * msPerTick
}

function peakMbOf(pid: number): number {
  const [, kilobytes] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? []
  return (Number(kilobytes) * 1024) / 1e6
}

const probeMaxMs = 5_000

async function readProbe(child: ChildProcess, path: string): Promise<number> {
  rmSync(path, { force: true })
  child.kill("SIGUSR2")
  for (const until = Date.now() + probeMaxMs; Date.now() < until; await sleep(5)) {
    const text = await readFile(path, "utf8").catch(() => undefined)
    if (text !== undefined) return Number(text)
  }
  throw new Error("the probe does not answer")
}

/** Whether a program is on the path, by its full name. */
export function findProgram(name: string): string | undefined {
  const folders = [...(process.env["PATH"] ?? "").split(":"), "/usr/sbin", "/usr/local/sbin"]
  return folders.map((folder) => join(folder, name)).find((path) => spawnSync(path, ["-v"]).status === 0)
}
