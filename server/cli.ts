// The atelier command: looks after an installation from the shell, whether its server runs or not.
import { readGiven } from "./commands/command.ts"
import type { Command } from "./commands/command.ts"
import { nearest } from "./nearest.ts"

const commands: Record<string, () => Promise<Command>> = {
  "projects create": async () => (await import("./commands/projects.ts")).createProjectCommand,
  "projects list": async () => (await import("./commands/projects.ts")).listProjectsCommand,
  "keys create": async () => (await import("./commands/keys.ts")).createKeyCommand,
  "keys list": async () => (await import("./commands/keys.ts")).listKeysCommand,
  "keys rotate": async () => (await import("./commands/keys.ts")).rotateKeyCommand,
  "keys revoke": async () => (await import("./commands/keys.ts")).revokeKeyCommand,
  "credits grant": async () => (await import("./commands/credits.ts")).grantCommand,
  "credits show": async () => (await import("./commands/credits.ts")).showCommand,
  "credits verify": async () => (await import("./commands/credits.ts")).verifyCommand,
  plans: async () => (await import("./commands/projects.ts")).plansCommand,
  "vendor-keys set": async () => (await import("./commands/vendorKeys.ts")).setVendorKeyCommand,
  "vendor-keys list": async () => (await import("./commands/vendorKeys.ts")).listVendorKeysCommand,
  "vendor-keys remove": async () => (await import("./commands/vendorKeys.ts")).removeVendorKeyCommand,
  "secrets status": async () => (await import("./commands/secrets.ts")).secretsStatusCommand,
  "secrets new-key": async () => (await import("./commands/secrets.ts")).newMasterKeyCommand,
  "secrets rotate": async () => (await import("./commands/secrets.ts")).rotateSecretsCommand,
  "secrets forget": async () => (await import("./commands/secrets.ts")).forgetSecretsCommand,
  doctor: async () => (await import("./commands/doctor.ts")).doctorCommand,
  models: async () => (await import("./commands/models.ts")).modelsCommand,
  sandbox: async () => (await import("./commands/sandbox.ts")).sandboxCommand,
}

async function writeUsage(): Promise<string> {
  const all = await Promise.all(Object.values(commands).map((load) => load()))
  const lines = all.map(
    ({ words, needs = [], takes, about }) => `  ${[words, ...needs, takes].join(" ").trim()}\n      ${about}`,
  )
  return `Usage: atelier <command> [--json]

${lines.join("\n")}

Settings come from the environment, as for the server: docs/guide/configuration.md`
}

async function main(args: string[]) {
  const [first = "", second = ""] = args
  const name = [`${first} ${second}`, first].find((one) => Object.hasOwn(commands, one))
  if (name === undefined) return explain(first, `${first} ${second}`.trim())
  const command = await commands[name]!()
  const { json, ...given } = readGiven(command, args.slice(name.split(" ").length))
  const { text, value } = await command.run(given)
  console.log(json ? JSON.stringify(value, null, 2) : text)
}

async function explain(first: string, typed: string) {
  const asked = first === "" || first === "help" || first === "--help"
  const [near] = asked ? [] : nearest(typed, Object.keys(commands))
  console.error(near === undefined ? await writeUsage() : `There is no command ${typed}; did you mean ${near}?`)
  process.exitCode = asked ? 0 : 2
}

await main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
})
