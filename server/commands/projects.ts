// Commands about projects and plans.
import { addMember, listMembers } from "../accounts/members.ts"
import { readPlans } from "../accounts/plans.ts"
import {
  createProject,
  faultInProjectId,
  findProject,
  listProjects,
  newProjectId,
  updateProject,
} from "../accounts/projects.ts"
import { findUser } from "../accounts/users.ts"
import { readConfig } from "../config.ts"
import { giveMonthlyCredits } from "../credits/monthly.ts"
import { allProviders } from "../providers/all.ts"
import { checkProject, readName, time, withData, writeColumns } from "./command.ts"
import type { Command } from "./command.ts"

const plansNow = () => readPlans(readConfig(process.env, allProviders).plans)

function checkPlan(plan: string) {
  const plans = plansNow()
  if (!Object.hasOwn(plans, plan)) throw new Error(`--plan must be one of ${Object.keys(plans).join(", ")}`)
  return plans
}

export const createProjectCommand: Command = {
  words: "projects create",
  needs: ["NAME"],
  takes: "[--id ID] [--plan PLAN] [--owner EMAIL]",
  about: "make a project, with the first month's credits of its plan for live and test keys",
  options: ["id", "plan", "owner"],
  run: ({ options, rest: [name = ""] }) =>
    withData(async (data) => {
      const { id = newProjectId(), plan = "community", owner } = options
      const fault = faultInProjectId(id)
      if (fault !== undefined) throw new Error(`--id: ${fault}`)
      if (name === "") throw new Error("projects create needs a NAME that is not empty")
      const plans = checkPlan(plan)
      const user = owner === undefined ? undefined : await findUser(data, owner)
      if (!(await createProject(data, { id, name: readName(name), plan })))
        throw new Error(`There is a project ${id} already.`)
      if (user) await addMember(data, id, user, "owner")
      await giveMonthlyCredits({ ...data, plans })
      return { text: id, value: { id, name, plan, ...(user ? { owner: user.email } : {}) } }
    }),
}

export const listProjectsCommand: Command = {
  words: "projects list",
  takes: "",
  about: "list the projects",
  options: [],
  run: () =>
    withData(async (data) => {
      const projects = await listProjects(data)
      const value = projects.map(({ id, name, plan, created_at }) => ({ id, name, plan, created_at: time(created_at) }))
      return { text: writeColumns(value.map(({ id, name, plan }) => [id, plan, name])), value }
    }),
}

export const showProjectCommand: Command = {
  words: "projects show",
  needs: ["ID"],
  takes: "",
  about: "show a project and its members",
  options: [],
  run: ({ rest: [wanted = ""] }) =>
    withData(async (data) => {
      const { id, name, plan, created_at } = (await findProject(data, await checkProject(data, wanted)))!
      const members = (await listMembers(data, id)).map(({ email, role }) => ({ email, role }))
      const lines = [`${id}  ${plan}  ${name}`, ...members.map(({ email, role }) => `${role}  ${email}`)]
      return { text: lines.join("\n"), value: { id, name, plan, created_at: time(created_at), members } }
    }),
}

export const updateProjectCommand: Command = {
  words: "projects update",
  needs: ["ID"],
  takes: "[--name NAME] [--plan PLAN] [--log-prompts on|off]",
  about:
    "rename a project, put it on another plan, or let its prompts stand in the log; a month's credits are given once",
  options: ["name", "plan", "log-prompts"],
  run: ({ options: { name, plan, "log-prompts": prompts }, rest: [wanted = ""] }) =>
    withData(async (data) => {
      const id = await checkProject(data, wanted)
      if (name === undefined && plan === undefined && prompts === undefined)
        throw new Error("projects update needs --name, --plan or --log-prompts")
      if (prompts !== undefined && prompts !== "on" && prompts !== "off")
        throw new Error("--log-prompts must be on or off")
      if (name === "") throw new Error("--name must not be empty")
      const plans = plan === undefined ? plansNow() : checkPlan(plan)
      await updateProject(data, id, {
        ...(name === undefined ? {} : { name: readName(name) }),
        ...(plan === undefined ? {} : { plan }),
        ...(prompts === undefined ? {} : { logs_prompts: prompts === "on" ? 1 : 0 }),
      })
      if (plan !== undefined) await giveMonthlyCredits({ ...data, plans })
      const now = (await findProject(data, id))!
      return { text: `${id}  ${now.plan}  ${now.name}`, value: { id, name: now.name, plan: now.plan } }
    }),
}

export const plansCommand: Command = {
  words: "plans",
  takes: "",
  about: "show the plans, as this installation's configuration has them",
  options: [],
  run: async () => {
    const plans = plansNow()
    const rows = Object.entries(plans).map(([id, plan]) => [
      ...[id, plan.title, `${plan.requests_per_hour} requests an hour`, `${plan.concurrent ?? "any number"} at once`],
      ...[`${plan.monthly_credits} credits a month`, plan.models.join(" ")],
      plan.unmetered.length > 0 ? `unmetered: ${plan.unmetered.join(", ")}` : "",
    ])
    return { text: writeColumns(rows), value: plans }
  },
}
