import assert from "node:assert/strict"
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, describe, it } from "node:test"
import { setTimeout as pause } from "node:timers/promises"
import { GatewayError } from "../errors.ts"
import { diskStorage } from "../storage/disk.ts"
import type { Sealed } from "../storage/storage.ts"
import type { Inspection } from "./child.ts"
import { createInspector } from "./inspector.ts"
import type { Inspector } from "./inspector.ts"

const folder = mkdtempSync(join(tmpdir(), "atelier-intake-"))
const storage = await diskStorage(folder)
const open: Inspector[] = []
after(() => {
  for (const inspector of open) inspector.close()
  assert.deepEqual(readdirSync(join(folder, "drafts")), [], "nothing is left behind")
  rmSync(folder, { recursive: true })
})

// A child that does what the picture tells it to. Its first answer is that it is ready.
const puppet = join(folder, "puppet.mjs")
writeFileSync(
  puppet,
  `import { writeFileSync } from "node:fs"
const frame = (json) => {
  const head = Buffer.alloc(4)
  head.writeUInt32BE(Buffer.byteLength(json))
  return Buffer.concat([head, Buffer.from(json)])
}
const answer = (json, rest = "") => process.stdout.write(Buffer.concat([frame(json), Buffer.from(rest)]))
const known = (id, ...marks) => answer(JSON.stringify({ id, marks, bytes: 0 }))
const denied = (act) => { try { act(); return "allowed" } catch (error) { return error.code } }
const acts = {
  good: (id) => known(id, String(process.pid)),
  cleaned: (id) => answer(JSON.stringify({ id, marks: [], bytes: 5 }), "clean"),
  refused: (id) => answer(JSON.stringify({ id, refused: "is not to its taste" })),
  exits: () => process.exit(0),
  crashes: () => process.kill(process.pid, "SIGSEGV"),
  throws: () => { throw new Error("on purpose") },
  hangs: () => { for (;;); },
  sleeps: () => undefined,
  grows: () => { const all = []; for (;;) all.push(Buffer.alloc(1e6, 7)) },
  "grows and waits": () => { globalThis.all = Buffer.alloc(400e6, 7) },
  "closes its ears": () => { process.stdin.destroy(); setTimeout(() => undefined, 60_000) },
  "hangs up": () => { process.stdout.end(); process.stdout.destroy() },
  "says no JSON": () => answer("nonsense"),
  "says something else": (id) => answer(JSON.stringify({ id, marks: "all", bytes: 0 })),
  "says too much": (id) => answer(JSON.stringify({ id, marks: [], bytes: 0, more: 1 })),
  "answers another question": (id) => known(id + 1),
  "promises more than it gives": (id) => { answer(JSON.stringify({ id, marks: [], bytes: 9 }), "few"); process.exit() },
  "promises far too much": (id) => answer(JSON.stringify({ id, marks: [], bytes: 1e12 })),
  "promises less than nothing": (id) => answer(JSON.stringify({ id, marks: [], bytes: -1 })),
  "announces four gigabytes": () => process.stdout.write(Buffer.alloc(4, 255)),
  "never stops talking": () => { const go = () => process.stdout.write(Buffer.alloc(65536, 120), go); go() },
  swells: (id) => { globalThis.all = Buffer.alloc(300e6, 7); known(id, String(process.pid)) },
  environment: (id) => known(id, ...Object.keys(process.env)),
  reaches: (id) => {
    const file = denied(() => writeFileSync("${folder}/out", "x"))
    const child = denied(() => process.getBuiltinModule("child_process").spawn("true"))
    known(id, file, child)
  },
}
let waiting = Buffer.alloc(0)
process.stdin.on("data", (chunk) => {
  waiting = Buffer.concat([waiting, chunk])
  while (waiting.length >= 4) {
    const end = 4 + waiting.readUInt32BE()
    if (waiting.length < end) return
    const { id, bytes } = JSON.parse(waiting.subarray(4, end))
    const early = waiting.toString("latin1", end, end + 20).split("|")[0]
    if (early === "closes its ears") return acts[early]()
    if (waiting.length < end + bytes) return
    const act = waiting.toString("latin1", end, end + bytes).split("|")[0]
    waiting = waiting.subarray(end + bytes)
    acts[act](id)
  }
})
process.stdin.on("end", () => process.exit())
process.stdout.write(frame(JSON.stringify({ ready: true })))
`,
)

type Changes = NonNullable<Parameters<typeof createInspector>[1]>

function inspectorWith(changes: Changes = {}): Inspector {
  const inspector = createInspector({ warn: () => undefined }, { program: puppet, ...changes })
  open.push(inspector)
  return inspector
}

const pictureOf = (text: string, bytes = text.length) => ({
  bytes,
  async *read() {
    for (let at = 0; at < bytes; at += 100_000)
      yield Buffer.from((at === 0 ? text : "").padEnd(Math.min(100_000, bytes - at), "|"))
  },
})

async function* brokenOff() {
  yield Buffer.from("good")
  throw new Error("unreadable")
}

const ask = (inspector: Inspector, act: string, bytes?: number): Promise<Inspection<Sealed>> =>
  inspector.inspect(pictureOf(act, bytes), storage.draft)

async function pidOf(inspector: Inspector): Promise<number> {
  const found = await ask(inspector, "good")
  assert.ok("marks" in found)
  return Number(found.marks[0])
}

const isUnavailable = (error: unknown) => error instanceof GatewayError && error.failure.code === "unavailable"

/** Until the process is gone; the test's own limit ends the waiting. */
async function gone(pid: number): Promise<void> {
  for (;;) {
    try {
      process.kill(pid, 0)
    } catch {
      return
    }
    await pause(5)
  }
}

const decoded = "cannot be decoded"
const bad: Record<string, string> = {
  exits: decoded,
  crashes: decoded,
  throws: decoded,
  "hangs up": decoded,
  "says no JSON": decoded,
  "says something else": decoded,
  "says too much": decoded,
  "answers another question": decoded,
  "promises more than it gives": decoded,
  "promises far too much": decoded,
  "promises less than nothing": decoded,
  "announces four gigabytes": decoded,
  "never stops talking": decoded,
  hangs: "takes more than 0.4 seconds to decode",
  sleeps: "takes more than 0.4 seconds to decode",
  "closes its ears": "takes more than 0.4 seconds to decode",
}

describe("the inspector, of a child that", { timeout: 60_000 }, () => {
  for (const [act, why] of Object.entries(bad))
    it(`${act}: refuses the picture, and goes on with another child`, async () => {
      const patient = inspectorWith({ atOnceMax: 1 })
      const first = await pidOf(patient)
      // Only who is to run out of time is given little.
      const inspector = why === decoded ? patient : inspectorWith({ atOnceMax: 1, timeMaxMs: 400 })
      assert.deepEqual(await ask(inspector, act, act === "closes its ears" ? 5_000_000 : undefined), { refused: why })
      assert.notEqual(await pidOf(patient), inspector === patient ? first : 0)
      if (inspector === patient) await gone(first)
    })

  const onLinux = { skip: process.platform === "linux" ? false : "only Linux tells how much memory a process has" }
  for (const act of ["grows", "grows and waits"])
    it(`${act}: ends it at its limit`, onLinux, async () => {
      const inspector = inspectorWith({ memoryMaxMib: 300 })
      assert.deepEqual(await ask(inspector, act), { refused: "takes more than 300 MiB of memory to decode" })
      await pidOf(inspector)
    })

  it("keeps much memory after its work: is asked nothing more", onLinux, async () => {
    const inspector = inspectorWith()
    const found = await ask(inspector, "swells")
    assert.ok("marks" in found)
    const swollen = Number(found.marks[0])
    assert.notEqual(await pidOf(inspector), swollen)
    await gone(swollen)
  })

  it("does not come up: says that the server is at fault, not the picture", async () => {
    const programs = {
      "ends.mjs": "process.exit(0)",
      "waits.mjs": "setTimeout(() => 1, 60_000)",
      "lies.mjs": "console.log(1)",
    }
    for (const [name, source] of Object.entries(programs)) {
      writeFileSync(join(folder, name), source)
      const inspector = inspectorWith({ program: join(folder, name), startMaxMs: 500 })
      await assert.rejects(ask(inspector, "good"), isUnavailable)
    }
    await assert.rejects(ask(inspectorWith({ program: join(folder, "none.mjs") }), "good"), isUnavailable)
  })

  it("does its work: gives what it found, and is asked again", async () => {
    const inspector = inspectorWith()
    const pid = await pidOf(inspector)
    assert.equal(await pidOf(inspector), pid)
    assert.deepEqual(await ask(inspector, "refused"), { refused: "is not to its taste" })
    const found = await ask(inspector, "cleaned")
    assert.ok("cleaned" in found && found.cleaned)
    assert.equal(found.cleaned.head.toString(), "clean")
    await found.cleaned.discard()
    assert.equal(await pidOf(inspector), pid)
  })

  it("is there: keeps the settings and keys of the server from it, and the files", async () => {
    process.env["OPENAI_API_KEY"] = "sk-of-the-server"
    const inspector = inspectorWith()
    const found = await ask(inspector, "environment")
    assert.ok("marks" in found)
    // Node hands the last one on by itself, where the tests measure how much of the code they reach.
    const given = /^(MALLOC_ARENA_MAX|UV_THREADPOOL_SIZE|VIPS_CONCURRENCY|NODE_V8_COVERAGE)$/
    const names = found.marks.filter((name) => !given.test(name))
    assert.deepEqual(names, [])
    const denied = { marks: ["ERR_ACCESS_DENIED", "ERR_ACCESS_DENIED"], cleaned: undefined }
    assert.deepEqual(await ask(inspector, "reaches"), denied)
  })
})

describe("the inspector", { timeout: 60_000 }, () => {
  it("blames no picture for what fails on this side", async () => {
    const inspector = inspectorWith()
    const fullDisk = () => Promise.reject(new Error("the disk is full"))
    await assert.rejects(inspector.inspect(pictureOf("cleaned"), fullDisk), /disk is full/)
    const lost = { bytes: 9, read: brokenOff }
    await assert.rejects(inspector.inspect(lost, storage.draft), /unreadable/)
    await pidOf(inspector)
  })

  it("has two at work at once, and the others in their order", async () => {
    const inspector = inspectorWith()
    const found = await Promise.all(Array.from({ length: 12 }, () => pidOf(inspector)))
    assert.equal(new Set(found).size, 2)
  })

  it("lets only so many wait, and only for so long", async () => {
    const inspector = inspectorWith({ atOnceMax: 1, waitingMax: 1, timeMaxMs: 300 })
    const [first, second] = [ask(inspector, "sleeps"), ask(inspector, "good")]
    await assert.rejects(ask(inspector, "good"), isUnavailable)
    assert.ok("refused" in (await first) && "marks" in (await second))
    const hasty = inspectorWith({ atOnceMax: 1, waitMaxMs: 20, timeMaxMs: 300 })
    const slow = ask(hasty, "sleeps")
    await assert.rejects(ask(hasty, "good"), isUnavailable)
    await slow
    await pidOf(hasty)
  })

  it("lets a child go that has had nothing to do for a while, and all of them in the end", async () => {
    const inspector = inspectorWith({ idleMaxMs: 10 })
    await gone(await pidOf(inspector))
    const kept = inspectorWith()
    const pid = await pidOf(kept)
    kept.close()
    await gone(pid)
    await assert.rejects(ask(kept, "good"))
  })
})
