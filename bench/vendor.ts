// Imitates a vendor on the wire of OpenAI's Images API, as cheaply as Node can: every answer is in memory beforehand.
import { randomBytes, randomInt } from "node:crypto"
import { createServer } from "node:http"
import { crc32 } from "node:zlib"

/** What the prompt asks for: the size of the picture in bytes. */
const sizes: Record<string, number> = { small: 1_023, picture: 1_500_000, large: 15_000_000 }

type Answer = { head: Buffer; tail: Buffer; length: number }

const uniqueChars = 16

/** The answer in two halves; a few characters between them make each picture another one. */
function writeAnswer(bytes: number): Answer {
  const start = pictureStart(bytes)
  const rest = randomBytes(bytes - start.length - (uniqueChars / 4) * 3)
  const head = Buffer.from(`{"created":1767225600,"data":[{"b64_json":"${start.toString("base64")}`)
  const usage = { input_tokens: 10, output_tokens: 1000, total_tokens: 1010 }
  const tail = Buffer.from(`${rest.toString("base64")}"}],"usage":${JSON.stringify(usage)}}`)
  return { head, tail, length: head.length + uniqueChars + tail.length }
}

/** A real signature and header, then noise: nobody here decodes the pixels. 42 bytes, so that base64 needs no padding. */
function pictureStart(bytes: number): Buffer {
  const size = Buffer.alloc(13)
  size.writeUInt32BE(1024, 0)
  size.writeUInt32BE(1024, 4)
  size.set([8, 6], 8) // 8 bits each of red, green, blue and alpha
  const header = Buffer.concat([Buffer.from("IHDR"), size])
  const signature = Buffer.from("\x89PNG\r\n\x1a\n", "latin1")
  return Buffer.concat([
    signature,
    uint32(size.length),
    header,
    uint32(crc32(header)),
    uint32(bytes - 45),
    Buffer.from("IDAT\x78"),
  ])
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

const answers = new Map(Object.entries(sizes).map(([name, bytes]) => [name, writeAnswer(bytes)]))
let count = randomInt(1_000_000_000)

const server = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on("data", (chunk: Buffer) => chunks.push(chunk))
  request.on("end", () => {
    const { prompt } = JSON.parse(Buffer.concat(chunks).toString()) as { prompt: string }
    // Where only the accepting of a request is measured, nothing comes of it.
    if (prompt === "never") return
    const answer = answers.get(prompt) ?? answers.get("picture")!
    response.writeHead(200, { "content-type": "application/json", "content-length": answer.length })
    response.cork()
    response.write(answer.head)
    response.write(String(count++).padStart(uniqueChars, "0"))
    response.end(answer.tail)
  })
})
server.keepAliveTimeout = 600_000
server.listen(Number(process.env["PORT"]), "127.0.0.1")
