// A vendor that answers what it is told, and remembers what it was asked.
import { once } from "node:events"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"

/** `json`, or a body as it is with its type. With a status of 0 it hangs up, and below it keeps silent. */
export type Scripted = { status: number; json?: unknown; body?: Buffer | string; headers?: Record<string, string> }

export type ScriptedVendor = {
  url: string
  /** "POST /v1/x", without the query. */
  calls: string[]
  /** The key that came with each of them, as it stood in its header. */
  keys: (string | undefined)[]
  /** What came with each of them. */
  bodies: Buffer[]
  /** Asked anew at each call. */
  answer: (path: string) => Scripted
  end: () => void
}

export async function scriptVendor(): Promise<ScriptedVendor> {
  const server = createServer(async (request, response) => {
    const came: Buffer[] = []
    for await (const chunk of request) came.push(chunk as Buffer)
    const path = (request.url ?? "").split("?")[0]!
    vendor.calls.push(`${request.method} ${path}`)
    vendor.bodies.push(Buffer.concat(came))
    const { authorization, "x-key": key } = request.headers
    vendor.keys.push(authorization ?? (key as string | undefined))
    const { status, json, body = JSON.stringify(json), headers = {} } = vendor.answer(path)
    if (status === 0) request.socket.destroy()
    if (status <= 0) return
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
  const vendor: ScriptedVendor = {
    url,
    calls: [],
    keys: [],
    bodies: [],
    answer: () => ({ status: 500, json: {} }),
    end,
  }
  return vendor
}
