// The atelier command: looks after an installation from the shell, whether its server runs or not.
import { readGiven, writeCall } from "./commands/command.ts"
import type { Command } from "./commands/command.ts"
import { nearest } from "./nearest.ts"

const commands: Record<string, () => Promise<Command>> = {
  "projects create": async () => (await import("./commands/projects.ts")).createProjectCommand,
  "projects show": async () => (await import("./commands/projects.ts")).showProjectCommand,
  "projects update": async () => (await import("./commands/projects.ts")).updateProjectCommand,
  "projects list": async () => (await import("./commands/projects.ts")).listProjectsCommand,
  "keys create": async () => (await import("./commands/keys.ts")).createKeyCommand,
  "keys list": async () => (await import("./commands/keys.ts")).listKeysCommand,
  "keys rotate": async () => (await import("./commands/keys.ts")).rotateKeyCommand,
  "keys revoke": async () => (await import("./commands/keys.ts")).revokeKeyCommand,
  "users create": async () => (await import("./commands/users.ts")).createUserCommand,
  "users list": async () => (await import("./commands/users.ts")).listUsersCommand,
  "users password": async () => (await import("./commands/users.ts")).passwordCommand,
  "users disable": async () => (await import("./commands/users.ts")).disableUserCommand,
  "users enable": async () => (await import("./commands/users.ts")).enableUserCommand,
  "members add": async () => (await import("./commands/members.ts")).addMemberCommand,
  "members list": async () => (await import("./commands/members.ts")).listMembersCommand,
  "members update": async () => (await import("./commands/members.ts")).updateMemberCommand,
  "members remove": async () => (await import("./commands/members.ts")).removeMemberCommand,
  "credits grant": async () => (await import("./commands/credits.ts")).grantCommand,
  "credits show": async () => (await import("./commands/credits.ts")).showCommand,
  "credits history": async () => (await import("./commands/credits.ts")).historyCommand,
  "credits refund": async () => (await import("./commands/credits.ts")).refundCommand,
  "credits unknown": async () => (await import("./commands/credits.ts")).unknownCommand,
  "credits verify": async () => (await import("./commands/credits.ts")).verifyCommand,
  "webhooks create": async () => (await import("./commands/webhooks.ts")).createWebhookCommand,
  "webhooks list": async () => (await import("./commands/webhooks.ts")).listWebhooksCommand,
  "webhooks rotate": async () => (await import("./commands/webhooks.ts")).rotateWebhookCommand,
  "webhooks enable": async () => (await import("./commands/webhooks.ts")).enableWebhookCommand,
  "webhooks disable": async () => (await import("./commands/webhooks.ts")).disableWebhookCommand,
  "webhooks delete": async () => (await import("./commands/webhooks.ts")).deleteWebhookCommand,
  "webhooks deliveries": async () => (await import("./commands/webhooks.ts")).listDeliveriesCommand,
  "webhooks replay": async () => (await import("./commands/webhooks.ts")).replayCommand,
  plans: async () => (await import("./commands/projects.ts")).plansCommand,
  backup: async () => (await import("./commands/backup.ts")).backupCommand,
  "vendor-keys set": async () => (await import("./commands/vendorKeys.ts")).setVendorKeyCommand,
  "vendor-keys list": async () => (await import("./commands/vendorKeys.ts")).listVendorKeysCommand,
  "vendor-keys remove": async () => (await import("./commands/vendorKeys.ts")).removeVendorKeyCommand,
  "secrets status": async () => (await import("./commands/secrets.ts")).secretsStatusCommand,
  "secrets new-key": async () => (await import("./commands/secrets.ts")).newMasterKeyCommand,
  "secrets rotate": async () => (await import("./commands/secrets.ts")).rotateSecretsCommand,
  "secrets renew": async () => (await import("./commands/secrets.ts")).renewSecretCommand,
  "secrets forget": async () => (await import("./commands/secrets.ts")).forgetSecretsCommand,
  doctor: async () => (await import("./commands/doctor.ts")).doctorCommand,
  models: async () => (await import("./commands/models.ts")).modelsCommand,
  sandbox: async () => (await import("./commands/sandbox.ts")).sandboxCommand,
}

/** Of the commands that begin so. */
async function writeUsage(start = ""): Promise<string> {
  const wanted = Object.entries(commands).filter(([words]) => words.startsWith(start))
  const all = await Promise.all(wanted.map(([, load]) => load()))
  return `Usage: atelier <command> [--json]

${all.map((command) => `  ${writeCall(command)}\n      ${command.about}`).join("\n")}

Settings come from the environment, as for the server: docs/guide/configuration.md`
}

async function main(args: string[]) {
  const [first = "", second = ""] = args
  const name = [`${first} ${second}`, first].find((one) => Object.hasOwn(commands, one))
  if (name === undefined) return explain(first, second)
  if (args.includes("--help")) return console.log(await writeUsage(name))
  const command = await commands[name]!()
  const { json, ...given } = readGiven(command, args.slice(name.split(" ").length))
  const { text, value } = await command.run(given)
  console.log(json ? JSON.stringify(value, null, 2) : text)
}

async function explain(first: string, second: string) {
  const typed = `${first} ${second}`.trim()
  const asked = ["", "help", "--help"].includes(first) || second === "--help"
  const start = Object.keys(commands).some((words) => words.startsWith(`${first} `)) ? `${first} ` : ""
  const [near] = asked || (start !== "" && second === "") ? [] : nearest(typed, Object.keys(commands))
  const known = near === undefined ? await writeUsage(start) : `There is no command ${typed}; did you mean ${near}?`
  if (asked) return console.log(known)
  console.error(known)
  process.exitCode = 2
}

await main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
})
