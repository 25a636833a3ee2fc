// Projects: what keys, pictures, generations and balances belong to.
import type { App } from "../app.ts"
import type { ProjectRow } from "../database/tables/accounts.ts"
import { randomName } from "../ids.ts"
import { defaultPlan } from "./plans.ts"

type Needs = Pick<App, "database" | "clock">

/** The project of a fresh installation. */
export const defaultProject = "default"

// Ids stand in paths, beside the names of routes, and in those of accounts.
const reserved = [
  ...["account", "admin", "api", "assets", "call", "credits", "dashboard", "docs", "files", "gemini", "generations"],
  ...["healthz", "house", "ideogram", "images", "invitations", "keys", "login", "logout", "mcp", "members", "metrics"],
  ...["models", "openapi", "plans", "projects", "quotes", "readyz", "sessions", "settings", "signup", "tasks"],
  ...["uploads", "usage", "users", "v1", "v1beta", "v2", "vendor-keys", "webhooks"],
]

/** Why an id cannot be taken; undefined where it can. */
export function faultInProjectId(id: string): string | undefined {
  if (!/^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$/.test(id))
    return "a project's id is 1 to 64 of a-z, 0-9 and -, and neither begins nor ends with -"
  return reserved.includes(id) ? `${id} is reserved` : undefined
}

export const newProjectId = (): string => `p-${randomName(12).toLowerCase()}`

export type NewProject = { id: string; name?: string; plan?: string }

/** False where there is one of that id already, which stays as it is. */
export async function createProject(app: Needs, { id, name = id, plan = defaultPlan }: NewProject): Promise<boolean> {
  const row = { id, name, plan, logs_prompts: 0, created_at: app.clock.now() }
  return app.database.transaction(async (tx) => {
    const { numInsertedOrUpdatedRows } = await tx
      .insertInto("projects")
      .values(row)
      .onConflict((conflict) => conflict.column("id").doNothing())
      .executeTakeFirstOrThrow()
    return (numInsertedOrUpdatedRows ?? 0n) > 0n
  })
}

/** What is left out stays as it is. False where there is no such project. */
export async function updateProject(
  app: Pick<App, "database">,
  id: string,
  changed: { name?: string; plan?: string; logs_prompts?: number },
): Promise<boolean> {
  const { numUpdatedRows } = await app.database.transaction((tx) =>
    tx.updateTable("projects").set(changed).where("id", "=", id).executeTakeFirstOrThrow(),
  )
  return numUpdatedRows > 0n
}

export const listProjects = (app: Pick<App, "database">): Promise<ProjectRow[]> =>
  app.database.query.selectFrom("projects").selectAll().orderBy("id").execute()

export const findProject = (app: Pick<App, "database">, id: string): Promise<ProjectRow | undefined> =>
  app.database.query.selectFrom("projects").selectAll().where("id", "=", id).executeTakeFirst()
