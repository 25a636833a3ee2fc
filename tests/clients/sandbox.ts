// The sandbox over HTTP, for the clients of other people: one server for each test file, on loopback.
import { once } from "node:events"
import type { AddressInfo } from "node:net"
import { createSandbox } from "../../server/sandbox/sandbox.ts"
import { createSandboxServer } from "../../server/sandbox/serve.ts"

export type ServedSandbox = {
  /** "http://127.0.0.1:1234": the vendor's prefix, such as "/openai", comes after it. */
  url: string
  end: () => void
}

export async function serveSandbox(): Promise<ServedSandbox> {
  const server = createSandboxServer(createSandbox({ pace: "none" }))
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  const { port } = server.address() as AddressInfo
  const end = () => {
    server.close()
    server.closeAllConnections()
  }
  return { url: `http://127.0.0.1:${port}`, end }
}
