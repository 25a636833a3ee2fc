// One child process from the server's side: started, asked one thing at a time, and killed where it takes too much.
// Whatever it does or fails to do ends as a picture that is refused.
import { spawn } from "node:child_process"
import type { ChildProcessByStdio } from "node:child_process"
import { once } from "node:events"
import { writeFileSync } from "node:fs"
import type { Readable, Writable } from "node:stream"
import { z } from "zod"
import type { Draft } from "../bodies/draft.ts"
import type { Stored } from "../bodies/write.ts"
import { GatewayError } from "../errors.ts"
import { createReader, readJson, write, writeJson } from "./messages.ts"
import type { Reader } from "./messages.ts"
import { refuse } from "./contents.ts"
import { watchOver } from "./watch.ts"

export type ChildLimits = { timeMaxMs: number; memoryMaxMib: number; startMaxMs: number }

// A photograph drawn anew without loss can be larger than it came.
const cleanedMaxBytes = 256_000_000

/** `cleaned` is the picture as it may be kept; undefined where it may be kept as it came. */
export type Inspection<Sealed> = { refused: string } | { marks: string[]; cleaned: Sealed | undefined }

export type OpenDraft<Sealed> = () => Promise<Draft<Sealed>>

export type Child = {
  pid: number
  isAlive: () => boolean
  /** Rejects only for faults of our own, such as a full disk. */
  ask: <Sealed>(picture: Stored, openDraft: OpenDraft<Sealed>) => Promise<Inspection<Sealed>>
  kill: () => void
}

type Process = ChildProcessByStdio<Writable, Readable, null>

// Neither settings nor keys go along. Fewer arenas and threads, so that what is freed can be used again.
const environment = { MALLOC_ARENA_MAX: "2", UV_THREADPOOL_SIZE: "1", VIPS_CONCURRENCY: "1" }

// Its own JavaScript may read its source and do nothing else; the decoders' native code is not bound by this.
const permissions = ["--permission", "--allow-addons", "--allow-fs-read=*"]

/** Rejects with `unavailable` where the process does not come up: that is no picture's fault. */
export async function startChild(program: string, limits: ChildLimits): Promise<Child> {
  const child = spawn(process.execPath, [...permissions, "--max-old-space-size=256", program], {
    env: environment,
    stdio: ["pipe", "pipe", "ignore"],
  })
  const kill = () => void child.kill("SIGKILL")
  // A child that broke its pipes may have left others that hold them open.
  child.once("exit", () => closePipes(child))
  for (const source of [child, child.stdin, child.stdout]) source.on("error", () => closePipes(child))
  const reader = createReader(child.stdout)
  const timer = setTimeout(kill, limits.startMaxMs)
  try {
    ReadySchema.parse(await readJson(reader))
    beFirstToGo(child.pid!)
  } catch (error) {
    kill()
    const detail = "Pictures cannot be checked now; try again later."
    throw new GatewayError({ code: "unavailable", detail }, error)
  } finally {
    clearTimeout(timer)
  }
  let questions = 0
  return {
    pid: child.pid!,
    isAlive: () => child.exitCode === null && child.signalCode === null && !child.stdin.destroyed,
    ask: (picture, openDraft) => ask({ child, reader, limits, id: ++questions }, picture, openDraft),
    kill,
  }
}

function closePipes(child: Process) {
  child.stdin.destroy()
  child.stdout.destroy()
}

const ReadySchema = z.strictObject({ ready: z.literal(true) })

/** Where memory runs out, Linux takes this process before the server. */
function beFirstToGo(pid: number) {
  try {
    writeFileSync(`/proc/${pid}/oom_score_adj`, "1000")
  } catch {
    // Elsewhere there is nothing of the kind.
  }
}

type Asking = { child: Process; reader: Reader; limits: ChildLimits; id: number }

async function ask<Sealed>(asking: Asking, picture: Stored, openDraft: OpenDraft<Sealed>): Promise<Inspection<Sealed>> {
  const { child, limits } = asking
  const watch = watchOver(child.pid!, limits, () => child.kill("SIGKILL"))
  try {
    return await converse(asking, picture, openDraft)
  } catch (error) {
    await end(child)
    if (!(error instanceof GatewayError)) throw error
    return { refused: watch.killedFor() ?? error.message }
  } finally {
    watch.stop()
  }
}

async function end(child: Process): Promise<void> {
  child.kill("SIGKILL")
  closePipes(child)
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit")
}

/** What the child fails to do counts against the picture. Not so what this side fails to do meanwhile. */
const fromChild = <T>(promise: Promise<T>): Promise<T> =>
  promise.catch((error: unknown) => refuse("cannot be decoded", error))

const VerdictSchema = z.union([
  z.strictObject({ id: z.int(), refused: z.string().min(1).max(200) }),
  z.strictObject({
    id: z.int(),
    marks: z.array(z.string().max(64)).max(10),
    bytes: z.int().min(0).max(cleanedMaxBytes),
  }),
])

async function converse<Sealed>(
  { child, reader, id }: Asking,
  picture: Stored,
  openDraft: OpenDraft<Sealed>,
): Promise<Inspection<Sealed>> {
  await fromChild(writeJson(child.stdin, { id, bytes: picture.bytes }))
  for await (const piece of picture.read()) await fromChild(write(child.stdin, piece))
  const verdict = await fromChild(readJson(reader).then((json) => VerdictSchema.parse(json)))
  if (verdict.id !== id) return refuse("cannot be decoded", new Error("an answer to another question"))
  if ("refused" in verdict) return { refused: verdict.refused }
  const { marks, bytes } = verdict
  const cleaned = bytes === 0 ? undefined : await readCleaned(reader, bytes, openDraft)
  return { marks, cleaned }
}

async function readCleaned<Sealed>(reader: Reader, bytes: number, openDraft: OpenDraft<Sealed>): Promise<Sealed> {
  const draft = await openDraft()
  try {
    for (let left = bytes; left > 0;) {
      const piece = await fromChild(reader.some(left))
      if (!piece) return refuse("cannot be decoded", new Error("the answer broke off"))
      await draft.write(piece)
      left -= piece.length
    }
    return await draft.seal()
  } catch (error) {
    await draft.discard()
    throw error
  }
}
