// The command that serves the imitated vendors over HTTP.
import { once } from "node:events"
import type { AddressInfo } from "node:net"
import { baseUrlNameOf, readConfig } from "../config.ts"
import { allProviders } from "../providers/all.ts"
import { createSandbox } from "../sandbox/sandbox.ts"
import { createSandboxServer } from "../sandbox/serve.ts"
import type { Command } from "./command.ts"

export const sandboxCommand: Command = {
  words: "sandbox",
  takes: "",
  about: "serve the imitated vendors over HTTP, for anyone's tests",
  options: [],
  run: async () => {
    const { sandboxHost: host, sandboxPort, sandboxPace: pace } = readConfig(process.env, allProviders)
    const server = createSandboxServer(createSandbox({ pace }))
    server.listen(sandboxPort, host)
    await once(server, "listening")
    const { port } = server.address() as AddressInfo
    const addresses = allProviders.map(({ id, baseUrl }): [string, string] => [
      baseUrlNameOf(id),
      `http://${host}:${port}/${id}${new URL(baseUrl).pathname.replace(/\/$/, "")}`,
    ])
    const lines = addresses.map(([name, address]) => `  ${name}=${address}`)
    const head = "The sandbox imitates these vendors; any key opens them. Set as base URL:"
    return { text: [head, ...lines].join("\n"), value: Object.fromEntries(addresses) as Record<string, string> }
  },
}
