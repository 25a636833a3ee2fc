// The gateway that anyone writes first: parses the vendor's whole answer, decodes it, writes the file, answers.
import { createHash } from "node:crypto"
import { writeFile } from "node:fs/promises"
import { createServer } from "node:http"
import type { IncomingMessage, ServerResponse } from "node:http"
import { join } from "node:path"
import { json } from "node:stream/consumers"

const vendor = process.env["VENDOR_URL"]!
const folder = process.env["FOLDER"]!

type Wanted = { response_format: "url" | "b64_json" }
type Answered = { created: number; data: { b64_json: string }[] }

async function make(request: IncomingMessage, response: ServerResponse) {
  const wanted = (await json(request)) as Wanted
  const answer = await fetch(vendor + request.url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(wanted),
  })
  const { created, data } = (await answer.json()) as Answered
  const kept = await Promise.all(data.map(({ b64_json }) => keep(b64_json, wanted.response_format)))
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ created, data: kept }))
}

async function keep(base64: string, format: Wanted["response_format"]) {
  const bytes = Buffer.from(base64, "base64")
  const name = createHash("sha256").update(bytes).digest("hex")
  await writeFile(join(folder, name), bytes)
  return format === "url" ? { url: `http://127.0.0.1/${name}` } : { b64_json: base64 }
}

const server = createServer((request, response) => void make(request, response))
server.keepAliveTimeout = 600_000
server.listen(Number(process.env["PORT"]), "127.0.0.1")
