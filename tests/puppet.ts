// A child process that does what the picture tells it to. Its first answer is that it is ready.
import { writeFileSync } from "node:fs"
import { join } from "node:path"

const program = (folder: string) => `import { readFileSync, writeFileSync } from "node:fs"
const frame = (json) => {
  const head = Buffer.alloc(4)
  head.writeUInt32BE(Buffer.byteLength(json))
  return Buffer.concat([head, Buffer.from(json)])
}
const answer = (json, rest = "") => process.stdout.write(Buffer.concat([frame(json), Buffer.from(rest)]))
const tell = (id, bytes, rest) => answer(JSON.stringify({ id, told: { marks: [] }, bytes }), rest)
const known = (id, ...marks) => answer(JSON.stringify({ id, told: { marks }, bytes: 0 }))
const denied = (act) => { try { act(); return "allowed" } catch (error) { return error.code } }
const acts = {
  good: (id) => known(id, String(process.pid)),
  cleaned: (id) => tell(id, 5, "clean"),
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
  "says something else": (id) => answer(JSON.stringify({ id, told: { marks: "all" }, bytes: 0 })),
  "says too much": (id) => answer(JSON.stringify({ id, told: { marks: [] }, bytes: 0, more: 1 })),
  "answers another question": (id) => known(id + 1),
  "promises more than it gives": (id) => { tell(id, 9, "few"); process.exit() },
  "gives less and waits": (id) => tell(id, 9, "few"),
  "promises far too much": (id) => tell(id, 1e12),
  "promises less than nothing": (id) => tell(id, -1),
  "announces four gigabytes": () => process.stdout.write(Buffer.alloc(4, 255)),
  "never stops talking": () => { const go = () => process.stdout.write(Buffer.alloc(65536, 120), go); go() },
  swells: (id) => { globalThis.all = Buffer.alloc(300e6, 7); known(id, String(process.pid)) },
  environment: (id) => known(id, ...Object.keys(process.env)),
  "goes first": (id) => known(id, readFileSync("/proc/self/oom_score_adj", "latin1").trim()),
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
    const { id, sizes: [bytes] } = JSON.parse(waiting.subarray(4, end))
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
`

/** Answers the path of the program. */
export function writePuppet(folder: string): string {
  const path = join(folder, "puppet.mjs")
  writeFileSync(path, program(folder))
  return path
}

/** The picture that tells it to, of so many bytes. */
export const orderOf = (act: string, bytes = act.length) => ({
  bytes,
  async *read() {
    for (let at = 0; at < bytes; at += 100_000)
      yield Buffer.from((at === 0 ? act : "").padEnd(Math.min(100_000, bytes - at), "|"))
  },
})
