// Servers on loopback that stand in for the public network, and what the tests of downloads ask of it.
import assert from "node:assert/strict"
import type { LookupAddress } from "node:dns"
import { createServer, type RequestListener } from "node:http"
import { type AddressInfo, connect, isIP, type Server } from "node:net"
import type { TestContext } from "node:test"
import { type FailureCode, GatewayError, messageOf } from "../errors.ts"
import { readPolicy } from "./address.ts"
import { type Connect, createGuardedFetch, type DownloadOptions, type GuardedOptions } from "./guarded.ts"

/** Listens on a free port until the test ends. */
export async function listen(t: TestContext, server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  t.after(() => server.close())
  return (server.address() as AddressInfo).port
}

/** An HTTP server on loopback; answers its port. */
export function serve(t: TestContext, listener: RequestListener): Promise<number> {
  const server = createServer(listener)
  t.after(() => server.closeAllConnections())
  return listen(t, server)
}

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
