// Commands about who belongs to a project.
import { addMember, changeRole, listMembers, removeMember, roles } from "../accounts/members.ts"
import { findUser } from "../accounts/users.ts"
import type { Role } from "../database/tables/accounts.ts"
import { projectOf, time, withData, writeColumns } from "./command.ts"
import type { Command, Given } from "./command.ts"

function readRole({ options: { role } }: Given, words: string): Role {
  const found = roles.find((one) => one === role)
  if (found === undefined) throw new Error(`${words} needs --role, one of ${roles.join(", ")}`)
  return found
}

/** A command that gives a user a role. */
const roleCommand = (words: string, about: string, give: typeof addMember): Command => ({
  words,
  needs: ["EMAIL"],
  takes: `--role ${roles.join("|")} [--project ID]`,
  about,
  options: ["role", "project"],
  run: (given) =>
    withData(async (data) => {
      const role = readRole(given, words)
      const [project, user] = [await projectOf(data, given), await findUser(data, given.rest[0]!)]
      await give(data, project, user, role)
      return { text: `${user.email} is ${role} of ${project}.`, value: { project, email: user.email, role } }
    }),
})

export const addMemberCommand = roleCommand(
  "members add",
  "make a user a member of a project, as its owner, a member or a viewer",
  addMember,
)
export const updateMemberCommand = roleCommand("members update", "give a member another role", changeRole)

export const removeMemberCommand: Command = {
  words: "members remove",
  needs: ["EMAIL"],
  takes: "[--project ID]",
  about: "take a user out of a project, unless nobody else owns it; the project's keys go on holding",
  options: ["project"],
  run: (given) =>
    withData(async (data) => {
      const [project, user] = [await projectOf(data, given), await findUser(data, given.rest[0]!)]
      await removeMember(data, project, user)
      return { text: `${user.email} is out of ${project}.`, value: { project, email: user.email, removed: true } }
    }),
}

export const listMembersCommand: Command = {
  words: "members list",
  takes: "[--project ID]",
  about: "list a project's members",
  options: ["project"],
  run: (given) =>
    withData(async (data) => {
      const value = (await listMembers(data, await projectOf(data, given))).map((member) => ({
        ...{ email: member.email, name: member.name, role: member.role, since: time(member.since) },
        state: member.disabled_at === null ? "active" : "disabled",
      }))
      return { text: writeColumns(value.map(({ email, role, state, name }) => [email, role, state, name])), value }
    }),
}
