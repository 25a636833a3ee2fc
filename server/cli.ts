// The atelier command: looks after an installation from the shell, whether its server runs or not.
import { once } from "node:events"
import type { AddressInfo } from "node:net"
import { parseArgs } from "node:util"
import { createKey, defaultProject } from "./accounts/keys.ts"
import { allModels } from "./catalogue/catalogue.ts"
import { withCompatible } from "./catalogue/compatible.ts"
import { openData } from "./compose.ts"
import { baseUrlNameOf, readConfig } from "./config.ts"
import { standingOf } from "./generations/listing.ts"
import type { Standing } from "./generations/listing.ts"
import { allProviders } from "./providers/all.ts"

const usage = `Usage: atelier <command>

  keys create --mode test|live    make an API key and print it; it is shown only this once
  models [--json]                 list the models: stage, price, and whether a live key can use them now
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

/** One line: name, stage, price, and why it cannot be used now. */
function describeModel({ id, stage, retires_at, successor, credits_from, unavailable_because }: Listed): string {
  const end = retires_at === null ? "" : ` ${stage === "retired" ? "since" : "until"} ${retires_at}`
  const after = successor === null || stage === "active" ? "" : `, then ${successor}`
  const price = credits_from === null ? "no price" : `from ${credits_from} credits`
  return [id.padEnd(48), `${stage}${end}${after}`, price, unavailable_because ?? "available"].join("  ")
}

type Listed = { id: string } & Standing

const modelsCommand: Command = async (args) => {
  const { values } = parseArgs({ args, options: { json: { type: "boolean" } } })
  const app = { config: readConfig(process.env, allProviders), clock: { now: () => Date.now() } }
  const all = withCompatible(allModels, app.config.compatibleModels)
  const models = all.map((model) => ({ id: model.id, ...standingOf(app, model, "live") }))
  if (values.json) return JSON.stringify(models, null, 2)
  return models.map((model) => describeModel(model)).join("\n")
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

const commands: Record<string, Command> = {
  "keys create": createKeyCommand,
  models: modelsCommand,
  sandbox: sandboxCommand,
}

async function main(args: string[]) {
  const [first = "", second = ""] = args
  const name = [`${first} ${second}`, first].find((one) => one in commands)
  if (name !== undefined) return console.log(await commands[name]!(args.slice(name.split(" ").length)))
  console.error(usage)
  process.exitCode = first === "" || first === "help" || first === "--help" ? 0 : 2
}

await main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
})
