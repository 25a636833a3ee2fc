// A vendor on the wire of OpenAI's Images API for tests/memory.test.ts: it waits until so many calls are there, and then
// answers all of them side by side, each with a picture of its own that is large.
import { once } from "node:events"
import { createServer } from "node:http"
import type { ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { setImmediate as nextTurn } from "node:timers/promises"

const together = Number(process.argv[2])
const base64Bytes = Number(process.argv[3])

// The signature and header of a PNG of 1024 × 1024, with enough behind it to look like one; 48 bytes of base64.
const start = Buffer.from("89504e470d0a1a0a0000000d494844520000040000000400080600000000000000000000", "hex")
const filling = "A".repeat(64 * 1024)

async function answer(response: ServerResponse, number: number) {
  const head = `{"created":1767225600,"data":[{"b64_json":"${start.toString("base64")}`
  const own = String(number).padStart(16, "0")
  const tail = '"}],"usage":{"input_tokens":1,"output_tokens":1,"total_tokens":2}}'
  const rest = base64Bytes - start.toString("base64").length - own.length
  response.writeHead(200, {
    "content-type": "application/json",
    "content-length": head.length + own.length + rest + tail.length,
  })
  response.write(head + own)
  for (let left = rest; left > 0; left -= filling.length) {
    if (!response.write(filling.slice(0, left))) await once(response, "drain")
    await nextTurn()
  }
  response.end(tail)
}

let waiting: ServerResponse[] = []
const server = createServer((request, response) => {
  request.resume().on("end", () => {
    waiting.push(response)
    if (waiting.length < together) return
    for (const [index, one] of waiting.entries()) void answer(one, index)
    waiting = []
  })
})
server.listen(0, "127.0.0.1", () => console.log((server.address() as AddressInfo).port))
