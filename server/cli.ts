// The atelier command: looks after an installation from the shell, whether its server runs or not.
import { once } from "node:events"
import type { AddressInfo } from "node:net"
import { parseArgs } from "node:util"
import { createKey, defaultProject } from "./accounts/keys.ts"
import { openData } from "./compose.ts"
import { baseUrlNameOf, readConfig } from "./config.ts"
import { allProviders } from "./providers/all.ts"

const usage = `Usage: atelier <command>

  keys create --mode test|live    make an API key and print it; it is shown only this once
  sandbox                         serve the imitated vendors over HTTP, for anyone's tests

Settings come from the environment, as for the server: docs/guide/configuration.md`

type Command = (args: string[]) => Promise<string>

const createKeyCommand: Command = async (args) => {
  const { values } = parseArgs({ args, options: { mode: { type: "string" } } })
  const { mode } = values
  if (mode !== "test" && mode !== "live") throw new Error("keys create needs --mode test or --mode live")
  const { database, clock } = await openData(readConfig(process.env, allProviders))
  const key = await createKey({ database, clock }, defaultProject, mode)
  await database.close()
  return key
}

const sandboxCommand: Command = async () => {
  const { createSandbox } = await import("./sandbox/sandbox.ts")
  const { createSandboxServer } = await import("./sandbox/serve.ts")
  const { sandboxHost: host, sandboxPort, sandboxPace: pace } = readConfig(process.env, allProviders)
  const server = createSandboxServer(createSandbox({ pace }))
  server.listen(sandboxPort, host)
  await once(server, "listening")
  const { port } = server.address() as AddressInfo
  const prefixes = allProviders.map(
    ({ id, baseUrl }) =>
      `  ${baseUrlNameOf(id)}=http://${host}:${port}/${id}${new URL(baseUrl).pathname.replace(/\/$/, "")}`,
  )
  return ["The sandbox imitates these vendors; any key opens them. Set as base URL:", ...prefixes].join("\n")
}

const commands: Record<string, Command> = { "keys create": createKeyCommand, sandbox: sandboxCommand }

async function main([first = "", second = "", ...rest]: string[]) {
  const command = commands[`${first} ${second}`.trim()]
  if (command) return console.log(await command(rest))
  console.error(usage)
  process.exitCode = first === "" || first === "help" || first === "--help" ? 0 : 2
}

await main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
})
