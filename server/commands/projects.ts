// Commands about projects and plans.
import { readPlans } from "../accounts/plans.ts"
import { createProject, faultInProjectId, listProjects, newProjectId } from "../accounts/projects.ts"
import { readConfig } from "../config.ts"
import { giveMonthlyCredits } from "../credits/monthly.ts"
import { allProviders } from "../providers/all.ts"
import { time, withData, writeColumns } from "./command.ts"
import type { Command } from "./command.ts"

const plansNow = () => readPlans(readConfig(process.env, allProviders).plans)

export const createProjectCommand: Command = {
  words: "projects create",
  takes: "NAME [--id ID] [--plan PLAN]",
  about: "make a project, with the first month's credits of its plan for live and test keys",
  options: ["id", "plan"],
  run: ({ options, rest }) =>
    withData(async (data) => {
      const [name = ""] = rest
      if (name === "" || rest.length > 1) throw new Error("projects create needs one NAME; quote it if it has spaces")
      const { id = newProjectId(), plan = "community" } = options
      const fault = faultInProjectId(id)
      if (fault !== undefined) throw new Error(`--id: ${fault}`)
      const plans = plansNow()
      if (!(plan in plans)) throw new Error(`--plan must be one of ${Object.keys(plans).join(", ")}`)
      if (!(await createProject(data, { id, name, plan }))) throw new Error(`There is a project ${id} already.`)
      await giveMonthlyCredits({ ...data, plans })
      return { text: id, value: { id, name, plan } }
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
