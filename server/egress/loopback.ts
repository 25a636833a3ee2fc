// Servers on loopback that stand in for the public network, and what the tests of downloads ask of it.
import assert from "node:assert/strict"
import type { LookupAddress } from "node:dns"
import { once } from "node:events"
import { createServer, type RequestListener } from "node:http"
import { type AddressInfo, connect, createServer as createTcpServer, isIP, type Server, type Socket } from "node:net"
import type { TestContext } from "node:test"
import { type FailureCode, GatewayError, messageOf } from "../errors.ts"
import { readPolicy } from "./address.ts"
import { type Connect, createGuardedFetch, type DownloadOptions, type GuardedOptions } from "./guarded.ts"

type Place = { host?: string; port?: number }

/** Listens until the test ends, on a free port of 127.0.0.1 where nothing else is said. Answers its port. */
export async function listen(t: TestContext, server: Server, { host = "127.0.0.1", port = 0 }: Place = {}) {
  server.listen(port, host)
  await once(server, "listening")
  t.after(() => server.close())
  return (server.address() as AddressInfo).port
}

/** An HTTP server on loopback; answers its port. */
export function serve(t: TestContext, listener: RequestListener, place: Place = {}): Promise<number> {
  const server = createServer(listener)
  t.after(() => server.closeAllConnections())
  return listen(t, server, place)
}

/** A server that waits for the head of a request, and then answers whatever bytes it likes; answers its port. */
export function serveBytes(t: TestContext, answer: (socket: Socket, path: string) => void): Promise<number> {
  const open = new Set<Socket>()
  t.after(() => open.forEach((socket) => socket.destroy()))
  const server = createTcpServer((socket) => {
    open.add(socket)
    let head = ""
    socket
      .on("error", () => {})
      .on("data", (bytes) => {
        const hadHead = head.includes("\r\n\r\n")
        head += bytes.toString("latin1")
        if (!hadHead && head.includes("\r\n\r\n")) answer(socket, head.split(" ")[1] ?? "")
      })
  })
  return listen(t, server)
}

export const never = () => assert.fail("not to be called")

/** What a resolver answers. */
export const answers = (...ips: string[]): LookupAddress[] => ips.map((address) => ({ address, family: isIP(address) }))

/** A way out on which loopback stands for the public network, on the given ports. */
export const loopback = (ports: number[], more: Partial<GuardedOptions> = {}) =>
  createGuardedFetch({
    policy: readPolicy({ allow: ["127.0.0.0/8"], ports }),
    resolve: async () => answers("127.0.0.1"),
    ...more,
  })

export const wanted = (more: Partial<DownloadOptions> = {}): DownloadOptions => ({
  signal: new AbortController().signal,
  maxBytes: 1_000,
  ...more,
})

/** Fails with this code, and tells the caller nothing beside it. */
export const failsWith = (work: Promise<unknown>, code: FailureCode, cause = /./) =>
  assert.rejects(work, (error) => {
    assert.ok(error instanceof GatewayError)
    assert.deepEqual(error.failure, { code })
    assert.equal(error.message, messageOf({ code }))
    assert.match(String(error.cause), cause)
    return true
  })

/** Connects to this port of loopback whatever was asked for, so that nothing leaves the machine. */
export const toPort =
  (port: number): Connect =>
  () =>
  (_, callback) => {
    const socket = connect(port, "127.0.0.1", () => callback(null, socket))
  }

/** Which addresses would have been connected to, where a server on loopback answers in their place. */
export function record(port: number) {
  const connected: string[] = []
  const connect: Connect = (addresses, maxMs) => {
    connected.push(...addresses.map(({ address }) => address))
    return toPort(port)(addresses, maxMs)
  }
  return { connected, connect }
}
