// The cost of a picture in flight is a buffer, not a picture: many large ones at once, and the memory of the server.
import assert from "node:assert/strict"
import { spawn } from "node:child_process"
import type { ChildProcess } from "node:child_process"
import { once } from "node:events"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { after, before, describe, it } from "node:test"
import { createLiveKey, startServer } from "./harness.ts"
import type { Server } from "./harness.ts"

const together = 32
const base64Bytes = 20_000_000
const pictureBytes = (base64Bytes / 4) * 3
// At rest it is about 140 MB. Answers with pictures in them add the buffers of their way out.
const linksMaxMb = 250
const base64MaxMb = 250

const skip = process.platform === "linux" ? false : "only Linux tells the peak of a process"

let vendor: ChildProcess
let server: Server
let key: string
let idleMb: number

before(async () => {
  const program = join(import.meta.dirname, "largeVendor.ts")
  vendor = spawn(process.execPath, [program, String(together), String(base64Bytes)], {
    stdio: ["ignore", "pipe", "inherit"],
  })
  process.on("exit", () => vendor.kill("SIGKILL"))
  const [port] = (await once(vendor.stdout!, "data")) as [Buffer]
  const address = `http://127.0.0.1:${port.toString().trim()}`
  server = await startServer({ OPENAI_API_KEY: "sk-large", OPENAI_BASE_URL: address })
  key = await createLiveKey(server)
  if (skip === false) idleMb = peakMb(server.pid)
})
after(async () => {
  vendor.kill("SIGKILL")
  await server.kill("SIGKILL")
})

/** The most memory it ever had resident. */
function peakMb(pid: number): number {
  const [, kilobytes] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))!
  return Math.round((Number(kilobytes) * 1024) / 1e6)
}

/** Reads the whole answer and keeps only its length and its first characters. */
async function ask(response_format: string, number: number): Promise<{ length: number; start: string }> {
  const response = await fetch(`${server.url}/v1/images/generations`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify({ model: "gpt-image-2", prompt: `large ${number}`, response_format }),
  })
  assert.equal(response.status, 200)
  let length = 0
  let start = ""
  for await (const chunk of response.body!) {
    if (start.length < 1_000) start += Buffer.from(chunk).toString("latin1", 0, 1_000)
    length += chunk.length
  }
  return { length, start }
}

const askAll = (format: string) => Promise.all(Array.from({ length: together }, (_, number) => ask(format, number)))

describe(`memory: ${together} pictures of ${pictureBytes / 1e6} MB at once`, { skip }, () => {
  it(`stays below ${linksMaxMb} MB where the answers are links`, async () => {
    const answers = await askAll("url")
    for (const { length, start } of answers) assert.ok(length < 2_000 && start.includes('"url":"http'))
    const size = await fetch(/"url":"([^"]+)"/.exec(answers[0]!.start)![1]!, { method: "HEAD" })
    assert.equal(size.headers.get("content-length"), String(pictureBytes))
    report("as links", linksMaxMb)
  })

  it(`stays below ${base64MaxMb} MB where they carry the pictures`, async () => {
    const answers = await askAll("b64_json")
    for (const { length } of answers) assert.ok(length > base64Bytes && length < base64Bytes + 2_000, String(length))
    assert.equal(new Set(answers.map(({ start }) => /"b64_json":"(.{80})/.exec(start)![1])).size, together)
    report("as base64", base64MaxMb)
  })
})

function report(how: string, maxMb: number) {
  const peak = peakMb(server.pid)
  console.log(`memory: ${together} × ${pictureBytes / 1e6} MB ${how}: peak ${peak} MB, ${idleMb} MB at rest`)
  assert.ok(peak < maxMb, `${peak} MB`)
}
