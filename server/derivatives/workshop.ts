// Work on pictures in child processes, each for one piece of work: what they read was made by strangers, and the
// libraries that read it are large.
import { spawn } from "node:child_process"
import type { ChildProcessByStdio } from "node:child_process"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import type { Readable, Writable } from "node:stream"
import { z } from "zod"
import type { Stored } from "../bodies/write.ts"
import { GatewayError } from "../errors.ts"
import type { DrawingOrder } from "./drawing.ts"
import type { ReadingOrder, SigningOrder } from "./manifests.ts"
import { createReader, writeJson } from "./messages.ts"

type Wish = DrawingOrder | SigningOrder | ReadingOrder

/** `picture` can be read once, while `use` runs. */
export type Finished = { told: unknown; picture: Stored }

export type Workshop = {
  /** Waits for one of a few places. Rejects with `unavailable` where too many wait. */
  inTurn: <T>(work: () => Promise<T>) => Promise<T>
  /** What several ask for at the same time is done once. */
  once: <T>(name: string, work: () => Promise<T>) => Promise<T>
  /** Rejects with `image_invalid` where the pictures are at fault. */
  run: <T>(wish: Wish, pictures: Stored[], use: (finished: Finished) => Promise<T>) => Promise<T>
  /** Ends what is under way, which is then `unavailable`, and begins nothing more. */
  close: () => void
}

type Limits = { atOnceMax: number; waitingMax: number; timeMaxMs: number; memoryMaxMb: number }

// A picture of 4096 by 4096 as AVIF takes the most of both.
const usual: Limits = { atOnceMax: 2, waitingMax: 64, timeMaxMs: 30_000, memoryMaxMb: 1024 }

const programs: Record<Wish["kind"], string> = {
  draw: "drawProgram.ts",
  sign: "manifestProgram.ts",
  read: "manifestProgram.ts",
}

export function createWorkshop(changes: Partial<Limits> = {}): Workshop {
  const limits = { ...usual, ...changes }
  const children = new Set<Child>()
  const underWay = new Map<string, Promise<unknown>>()
  let closed = false
  return {
    inTurn: createTurns(limits),
    once<T>(name: string, work: () => Promise<T>): Promise<T> {
      const current = underWay.get(name)
      if (current) return current as Promise<T>
      const begun = work().finally(() => underWay.delete(name))
      underWay.set(name, begun)
      return begun
    },
    async run(wish, pictures, use) {
      if (closed) throw new GatewayError({ code: "unavailable" })
      const child = startChild(programs[wish.kind])
      children.add(child)
      const watch = watchOver(child, limits)
      try {
        const finished = await converse(child, wish, pictures)
        watch.again()
        return await use(finished)
      } catch (error) {
        if (closed) throw new GatewayError({ code: "unavailable" }, error)
        throw watch.reason() === undefined ? error : unfit(`The picture takes too much ${watch.reason()}.`, error)
      } finally {
        watch.stop()
        children.delete(child)
        child.kill("SIGKILL")
      }
    },
    close() {
      closed = true
      for (const child of children) child.kill("SIGKILL")
    },
  }
}

function createTurns({ atOnceMax, waitingMax }: Limits): Workshop["inTurn"] {
  const waiting: (() => void)[] = []
  let taken = 0
  return async (work) => {
    if (taken >= atOnceMax) {
      if (waiting.length >= waitingMax)
        throw new GatewayError({
          code: "unavailable",
          detail: "Too many pictures are being drawn anew; try again later.",
          retryAfterSeconds: 5,
        })
      const { promise, resolve } = Promise.withResolvers<void>()
      waiting.push(resolve)
      await promise
    } else taken++
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next) next()
      else taken--
    }
  }
}

type Child = ChildProcessByStdio<Writable, Readable, null>

// Its own JavaScript may read its source and do nothing else; the native code of the decoders is not bound by this.
const flags = ["--permission", "--allow-addons", "--allow-fs-read=*", "--max-old-space-size=256"]

// Neither settings nor keys go along.
const environment = { MALLOC_ARENA_MAX: "2", UV_THREADPOOL_SIZE: "1", VIPS_CONCURRENCY: "1" }

function startChild(program: string): Child {
  const child = spawn(process.execPath, [...flags, join(import.meta.dirname, program)], {
    env: environment,
    stdio: ["pipe", "pipe", "ignore"],
  })
  // What goes wrong with the pipes is told by what is read from them.
  for (const source of [child, child.stdin, child.stdout]) source.on("error", () => undefined)
  return child
}

const AnswerSchema = z.union([z.strictObject({ failed: z.string() }), z.looseObject({ bytes: z.int().min(0) })])

async function converse(child: Child, wish: Wish, pictures: Stored[]): Promise<Finished> {
  const reader = createReader(child.stdout)
  const sizes = pictures.map(({ bytes }) => bytes)
  const sent = send(child.stdin, writeJson({ ...wish, sizes }), pictures)
  const answer = await Promise.all([reader.json(), sent]).then(
    ([json]) => AnswerSchema.parse(json),
    (error: unknown) => {
      throw unfit("The picture cannot be drawn anew.", error)
    },
  )
  if ("failed" in answer) throw unfit(String(answer.failed))
  const { bytes, ...told } = answer
  return { told, picture: { bytes, read: () => reader.pieces(bytes) } }
}

async function send(pipe: Writable, head: Buffer, pictures: Stored[]): Promise<void> {
  await write(pipe, head)
  for (const picture of pictures) for await (const piece of picture.read()) await write(pipe, piece)
  pipe.end()
}

/** The chunk may be written over once this has resolved. */
const write = (pipe: Writable, chunk: Uint8Array): Promise<void> =>
  new Promise((resolve, reject) => {
    pipe.write(chunk, (error) => (error ? reject(error) : resolve()))
  })

const unfit = (detail: string, cause?: unknown) => new GatewayError({ code: "image_invalid", detail }, cause)

const lookEveryMs = 50

/** Kills a child that takes too much time or memory, and says which of them it was. */
function watchOver(child: Child, { timeMaxMs, memoryMaxMb }: Limits) {
  let reason: "time" | "memory" | undefined
  const end = (why: "time" | "memory") => {
    reason ??= why
    child.kill("SIGKILL")
  }
  const timer = setTimeout(() => end("time"), timeMaxMs)
  const looking = setInterval(() => {
    if (residentMb(child.pid) > memoryMaxMb) end("memory")
  }, lookEveryMs)
  const stop = () => {
    clearTimeout(timer)
    clearInterval(looking)
  }
  return { stop, reason: () => reason, /** As much time once more. */ again: () => timer.refresh() }
}

/** 0 where the process is gone, and where the system is not Linux and does not tell. */
function residentMb(pid: number | undefined): number {
  try {
    const [, pages = "0"] = readFileSync(`/proc/${pid}/statm`, "latin1").split(" ")
    return (Number(pages) * 4096) / 1_000_000
  } catch {
    return 0
  }
}
