// A vendor that answers what it is told, and remembers what it was asked.
import { once } from "node:events"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"

/** `json`, or a body as it is with its type. */
export type Scripted = { status: number; json?: unknown; body?: Buffer | string; headers?: Record<string, string> }

export type ScriptedVendor = {
  url: string
  /** "POST /v1/x", without the query. */
  calls: string[]
  /** What came with each of them. */
  bodies: Buffer[]
  /** Asked anew at each call. */
  answer: (path: string) => Scripted
  end: () => void
}

export async function scriptVendor(): Promise<ScriptedVendor> {
  const server = createServer(async (request, response) => {
    const body: Buffer[] = []
    for await (const chunk of request) body.push(chunk as Buffer)
    const path = (request.url ?? "").split("?")[0]!
    vendor.calls.push(`${request.method} ${path}`)
    vendor.bodies.push(Buffer.concat(body))
    const answer = vendor.answer(path)
    response.writeHead(answer.status, { "content-type": "application/json", ...answer.headers })
    response.end(answer.body ?? JSON.stringify(answer.json))
  })
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  const end = () => {
    server.close()
    server.closeAllConnections()
  }
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const vendor: ScriptedVendor = { url, calls: [], bodies: [], answer: () => ({ status: 500, json: {} }), end }
  return vendor
}
