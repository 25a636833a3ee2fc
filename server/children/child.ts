// One child process from the server's side: started, asked one thing at a time, and killed where it takes too much.
// What it reads was made by strangers, and the libraries that read it are large: whatever it does or fails to do ends as
// a picture that is refused.
import { spawn } from "node:child_process"
import type { ChildProcessByStdio } from "node:child_process"
import { once } from "node:events"
import { writeFileSync } from "node:fs"
import type { Readable, Writable } from "node:stream"
import { z } from "zod"
import type { Stored } from "../bodies/write.ts"
import { fail, GatewayError } from "../errors.ts"
import { createReader, write, writeJson } from "./messages.ts"
import type { Reader } from "./messages.ts"
import { watchOver } from "./watch.ts"
import type { WatchLimits } from "./watch.ts"

export type ChildLimits = WatchLimits & { startMaxMs: number }

// A photograph drawn anew without loss can be larger than it came.
const pictureMaxBytes = 256_000_000

export type Job<Told, Result> = {
  /** For the program, as JSON. */
  asked: object
  pictures: Stored[]
  /** The shape of what the program tells of its work. */
  told: z.ZodType<Told>
  /**
   * `picture` has no bytes where none was made. It can be read once, while this runs, for which there is as much time
   * as for the work. A child that is to be asked again has it read to its end.
   */
  use: (told: Told, picture: Stored) => Promise<Result>
}

export type Child = {
  pid: number
  isAlive: () => boolean
  /**
   * Rejects with `image_invalid` where a picture is to blame, as everything is laid to it that the child fails to do;
   * the message is to be read after its name. Else for faults of our own, such as a full disk.
   */
  ask: <Told, Result>(job: Job<Told, Result>) => Promise<Result>
  kill: () => void
}

type Process = ChildProcessByStdio<Writable, Readable, null>

// Neither settings nor keys go along. Fewer arenas and threads, so that what is freed can be used again.
const environment = { MALLOC_ARENA_MAX: "2", UV_THREADPOOL_SIZE: "1", VIPS_CONCURRENCY: "1" }

// Its own JavaScript may read its source and do nothing else; the decoders' native code is not bound by this.
const flags = ["--permission", "--allow-addons", "--allow-fs-read=*", "--max-old-space-size=256"]

const ReadySchema = z.strictObject({ ready: z.literal(true) })

/** Rejects with `unavailable` where the process does not come up: that is no picture's fault. */
export async function startChild(program: string, limits: ChildLimits): Promise<Child> {
  const child = spawn(process.execPath, [...flags, program], { env: environment, stdio: ["pipe", "pipe", "ignore"] })
  const kill = () => void child.kill("SIGKILL")
  // A child that broke its pipes may have left others that hold them open.
  child.once("exit", () => closePipes(child))
  for (const source of [child, child.stdin, child.stdout]) source.on("error", () => closePipes(child))
  const reader = createReader(child.stdout)
  const timer = setTimeout(kill, limits.startMaxMs)
  try {
    ReadySchema.parse(await reader.json())
    beFirstToGo(child.pid!)
  } catch (error) {
    kill()
    return fail("unavailable", "Pictures cannot be worked on now; try again later.", error)
  } finally {
    clearTimeout(timer)
  }
  let questions = 0
  return {
    pid: child.pid!,
    isAlive: () => child.exitCode === null && child.signalCode === null && !child.stdin.destroyed,
    ask: (job) => ask({ child, reader, limits, id: ++questions }, job),
    kill,
  }
}

function closePipes(child: Process) {
  child.stdin.destroy()
  child.stdout.destroy()
}

/** Where memory runs out, Linux takes this process before the server. */
function beFirstToGo(pid: number) {
  try {
    writeFileSync(`/proc/${pid}/oom_score_adj`, "1000")
  } catch {
    // Elsewhere there is nothing of the kind.
  }
}

type Asking = { child: Process; reader: Reader; limits: ChildLimits; id: number }

async function ask<Told, Result>(asking: Asking, job: Job<Told, Result>): Promise<Result> {
  const { child, reader, limits } = asking
  const watch = watchOver(child.pid!, limits, () => child.kill("SIGKILL"))
  let refused: string
  try {
    const answer = await converse(asking, job)
    if (!("refused" in answer)) {
      watch.again()
      const { told, bytes } = answer
      return await job.use(told, { bytes, read: () => piecesFrom(reader, bytes) })
    }
    refused = answer.refused
  } catch (error) {
    await end(child)
    const why = watch.killedFor()
    throw why === undefined ? error : new GatewayError({ code: "image_invalid", detail: why }, error)
  } finally {
    watch.stop()
  }
  return fail("image_invalid", refused)
}

async function end(child: Process): Promise<void> {
  child.kill("SIGKILL")
  closePipes(child)
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit")
}

/** Whether it is to be read after the picture's name. */
export const blamesPicture = (error: unknown): error is GatewayError =>
  error instanceof GatewayError && error.failure.code === "image_invalid"

const broken = (cause: unknown): never => fail("image_invalid", "cannot be decoded", cause)

const answerOf = <Told>(id: number, told: z.ZodType<Told>) =>
  z.union([
    z.strictObject({ id: z.literal(id), refused: z.string().min(1).max(200) }),
    z.strictObject({ id: z.literal(id), told, bytes: z.int().min(0).max(pictureMaxBytes) }),
  ])

/** What the child fails to do counts against the picture. Not so what this side fails to do meanwhile. */
async function converse<Told>({ child, reader, id }: Asking, { asked, pictures, told }: Job<Told, unknown>) {
  const sizes = pictures.map(({ bytes }) => bytes)
  await writeJson(child.stdin, { id, sizes, asked }).catch(broken)
  for (const picture of pictures)
    for await (const piece of picture.read()) await write(child.stdin, piece).catch(broken)
  const Answer = answerOf(id, told)
  return reader
    .json()
    .then((json) => Answer.parse(json))
    .catch(broken)
}

async function* piecesFrom(reader: Reader, bytes: number): AsyncGenerator<Buffer> {
  for (let left = bytes; left > 0;) {
    const piece = (await reader.some(left).catch(broken)) ?? broken(new Error("the answer broke off"))
    left -= piece.length
    yield piece
  }
}
