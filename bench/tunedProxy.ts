// The cheapest proxy that Node can be: each piece goes on as it comes, nothing is read, nothing is kept.
import { createServer } from "node:http"
import type { ServerResponse } from "node:http"
import { Pool } from "undici"
import type { Dispatcher } from "undici"

const pool = new Pool(process.env["VENDOR_URL"]!, { allowH2: false, connections: 256, pipelining: 1 })

function passTo(response: ServerResponse): Dispatcher.DispatchHandler {
  return {
    onRequestStart() {},
    onResponseStart(_controller, status, headers) {
      const length = String(headers["content-length"])
      response.writeHead(status, { "content-type": "application/json", "content-length": length })
    },
    onResponseData(controller, chunk) {
      if (response.write(chunk)) return
      controller.pause()
      response.once("drain", () => controller.resume())
    },
    onResponseEnd: () => void response.end(),
    onResponseError: () => void response.destroy(),
  }
}

const server = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on("data", (chunk: Buffer) => chunks.push(chunk))
  request.on("end", () => {
    const headers = { "content-type": "application/json" }
    pool.dispatch({ method: "POST", path: request.url!, headers, body: Buffer.concat(chunks) }, passTo(response))
  })
})
server.keepAliveTimeout = 600_000
server.listen(Number(process.env["PORT"]), "127.0.0.1")
