// A vendor that answers what it is told, and remembers what it was asked.
import { once } from "node:events"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"

/** `json`, or a body as it is with its type. */
export type Scripted = {
  status: number
  json?: unknown
  body?: Buffer | string
  headers?: Record<string, string>
  /** The connection breaks in place of an answer. */
  breaks?: boolean
}

export type ScriptedVendor = {
  url: string
  /** "POST /v1/x", without the query. */
  calls: string[]
  /** Asked anew at each call. */
  answer: (path: string) => Scripted
  end: () => void
}

export async function scriptVendor(): Promise<ScriptedVendor> {
  const server = createServer(async (request, response) => {
    for await (const _ of request) continue
    const path = (request.url ?? "").split("?")[0]!
    vendor.calls.push(`${request.method} ${path}`)
    const { status, json, body = JSON.stringify(json), headers = {}, breaks } = vendor.answer(path)
    if (breaks) return response.destroy()
    response.writeHead(status, { "content-type": "application/json", ...headers })
    response.end(body)
  })
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  const end = () => {
    server.close()
    server.closeAllConnections()
  }
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const vendor: ScriptedVendor = { url, calls: [], answer: () => ({ status: 500, json: {} }), end }
  return vendor
}
