// The proxy that anyone writes first: takes the vendor's whole answer as text, then passes it on.
import { createServer } from "node:http"
import type { IncomingMessage, ServerResponse } from "node:http"
import { text } from "node:stream/consumers"

const vendor = process.env["VENDOR_URL"]!

async function pass(request: IncomingMessage, response: ServerResponse) {
  const answer = await fetch(vendor + request.url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: await text(request),
  })
  const body = await answer.text()
  response.writeHead(answer.status, { "content-type": "application/json" }).end(body)
}

const server = createServer((request, response) => void pass(request, response))
server.keepAliveTimeout = 600_000
server.listen(Number(process.env["PORT"]), "127.0.0.1")
