// Commands about people. A password comes from standard input alone: arguments are seen by every process of the machine.
import { text } from "node:stream/consumers"
import { listMembers } from "../accounts/members.ts"
import { createUser, disableUser, enableUser, listUsers, readEmail, setPassword } from "../accounts/users.ts"
import { readName, time, withData, writeColumns } from "./command.ts"
import type { Command, Data, Given } from "./command.ts"

const passwordFlag = "password-stdin"

async function readPassword(): Promise<string> {
  // What is typed there would stand on the screen.
  if (process.stdin.isTTY) throw new Error(`--${passwordFlag} takes the password from a file or a pipe, as in < file`)
  return (await text(process.stdin)).replace(/\r?\n$/, "")
}

export const createUserCommand: Command = {
  words: "users create",
  needs: ["EMAIL"],
  takes: `[--name NAME] [--${passwordFlag}]`,
  about: "make a user, with a password from standard input or with none yet",
  options: ["name"],
  flags: [passwordFlag],
  run: ({ options: { name = "" }, flags, rest: [email = ""] }) =>
    withData(async (data) => {
      const wanted = { email, name: readName(name) }
      const password = flags.has(passwordFlag) ? { password: await readPassword() } : {}
      const user = await createUser(data, { ...wanted, ...password })
      return { text: user.email, value: { id: user.id, email: user.email, name: user.name } }
    }),
}

export const listUsersCommand: Command = {
  words: "users list",
  takes: "",
  about: "list the users and the projects they belong to",
  options: [],
  run: () =>
    withData(async (data) => {
      const [users, members] = [await listUsers(data), await listMembers(data)]
      const value = users.map(({ id, email, name, password_hash, created_at, disabled_at }) => ({
        ...{ id, email, name, state: disabled_at === null ? "active" : "disabled" },
        has_password: password_hash !== null,
        ...{ created_at: time(created_at), disabled_at: time(disabled_at) },
        projects: members
          .filter((member) => member.email === email)
          .map(({ projectId, role }) => ({ id: projectId, role })),
      }))
      const rows = value.map(({ email, state, has_password, projects, name }) => [
        ...[email, state, has_password ? "password" : "no password"],
        ...[projects.map(({ id, role }) => `${id} (${role})`).join(", ") || "no project", name],
      ])
      return { text: writeColumns(rows), value }
    }),
}

export const passwordCommand: Command = {
  words: "users password",
  needs: ["EMAIL"],
  takes: `--${passwordFlag}`,
  about: "give a user another password, from standard input",
  options: [],
  flags: [passwordFlag],
  run: ({ flags, rest: [email = ""] }) =>
    withData(async (data) => {
      if (!flags.has(passwordFlag)) throw new Error(`users password needs --${passwordFlag}, and the password there`)
      await setPassword(data, email, await readPassword())
      const value = { email: readEmail(email), has_password: true }
      return { text: `${value.email} has another password.`, value }
    }),
}

/** The two differ by what is done and what it then is. */
const stateCommand = (
  act: string,
  about: string,
  state: string,
  change: (data: Data, email: string) => Promise<void>,
): Command => ({
  words: `users ${act}`,
  needs: ["EMAIL"],
  takes: "",
  about,
  options: [],
  run: ({ rest: [email = ""] }: Given) =>
    withData(async (data) => {
      await change(data, email)
      const value = { email: readEmail(email), state }
      return { text: `${value.email} is ${state}.`, value }
    }),
})

export const disableUserCommand = stateCommand(
  "disable",
  "let a user come in no longer; what was made stays",
  "disabled",
  disableUser,
)
export const enableUserCommand = stateCommand("enable", "let a user come in again", "active", enableUser)
