// The memory of the server while many of the largest pictures come in at once: a buffer each, not a picture.
import assert from "node:assert/strict"
import { randomBytes } from "node:crypto"
import { readFileSync } from "node:fs"
import { after, before, describe, it } from "node:test"
import sharp from "sharp"
import { startServer } from "./harness.ts"
import type { Server } from "./harness.ts"
import { withChunks } from "./pictureFiles.ts"

const together = 20
const [width, height] = [4_000, 4_159]
// About 175 MB after its start, and what bodies leave behind that pass through as fast as they can. One that was held
// back or kept whole would be 50 MB more.
const maxMb = 300

const skip = process.platform === "linux" ? false : "only Linux tells the peak of a process"

let server: Server
let picture: Buffer

before(async () => {
  server = await startServer()
  const raw = { width, height, channels: 3 as const }
  picture = await sharp(randomBytes(width * height * 3), { raw })
    .png({ compressionLevel: 0 })
    .toBuffer()
})
after(() => server.kill("SIGKILL"))

/** The most memory it ever had resident. */
function peakMb(pid: number): number {
  const [, kilobytes] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))!
  return Math.round((Number(kilobytes) * 1024) / 1e6)
}

async function upload(name: string, bytes: Buffer): Promise<void> {
  const headers = { authorization: `Bearer ${server.testKey}`, "content-type": "image/png" }
  const body = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length) as Uint8Array<ArrayBuffer>
  const response = await fetch(`${server.url}/v1/default/image/${name}`, { method: "PUT", headers, body })
  assert.equal(response.status, 200, await response.text())
}

async function lengthOf(name: string): Promise<number> {
  const headers = { authorization: `Bearer ${server.testKey}` }
  const response = await fetch(`${server.url}/v1/default/image/${name}`, { method: "HEAD", headers })
  return Number(response.headers.get("content-length"))
}

describe(`memory: ${together} uploads of 50 MB at once`, { skip, timeout: 300_000 }, () => {
  for (const how of ["kept as they come", "cleaned"])
    it(`stays below ${maxMb} MB where they are ${how}`, async () => {
      const words = { name: "tEXt", content: Buffer.from("Author\0Jane Doe") }
      const bytes = how === "cleaned" ? withChunks(picture, words) : picture
      assert.ok(bytes.length > 49_900_000 && bytes.length <= 50_000_000, String(bytes.length))
      const idleMb = peakMb(server.pid)
      await Promise.all(Array.from({ length: together }, (_, number) => upload(`large-${number}`, bytes)))
      for (const number of [0, together - 1]) assert.equal(await lengthOf(`large-${number}`), picture.length)
      const peak = peakMb(server.pid)
      console.log(
        `memory: ${together} uploads of ${bytes.length / 1e6} MB ${how}: peak ${peak} MB, ${idleMb} MB before`,
      )
      assert.ok(peak < maxMb, `${peak} MB`)
    })
})
