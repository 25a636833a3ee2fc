// Who belongs to which project, and as what. A project that has owners keeps one who can come in.
import type { App } from "../app.ts"
import type { Queries } from "../database/database.ts"
import type { Role, UserRow } from "../database/tables/accounts.ts"
import { fail } from "../errors.ts"

type Needs = Pick<App, "database" | "clock">

export const roles = ["owner", "member", "viewer"] as const satisfies readonly Role[]

export type Member = Pick<UserRow, "email" | "name" | "disabled_at"> & { projectId: string; role: Role; since: number }

/** Throws where the user is a member already. */
export async function addMember(app: Needs, projectId: string, { id, email }: UserRow, role: Role): Promise<void> {
  const row = { project_id: projectId, user_id: id, role, created_at: app.clock.now() }
  await app.database.transaction(async (tx) => {
    if (await roleIn(tx, projectId, id)) fail("invalid_request", `${email} is a member of ${projectId} already.`)
    await tx.insertInto("memberships").values(row).execute()
  })
}

/** Throws where the user is no member, or the project's last owner. */
export async function changeRole(app: Needs, projectId: string, user: UserRow, role: Role): Promise<void> {
  await app.database.transaction(async (tx) => {
    await checkCanBecome(tx, projectId, user, role)
    const memberships = tx.updateTable("memberships").set({ role }).where("project_id", "=", projectId)
    await memberships.where("user_id", "=", user.id).execute()
  })
}

/** Throws where the user is no member, or the project's last owner. */
export async function removeMember(app: Needs, projectId: string, user: UserRow): Promise<void> {
  await app.database.transaction(async (tx) => {
    await checkCanBecome(tx, projectId, user, undefined)
    const memberships = tx.deleteFrom("memberships").where("project_id", "=", projectId)
    await memberships.where("user_id", "=", user.id).execute()
  })
}

async function checkCanBecome(tx: Queries, projectId: string, { id, email }: UserRow, role: Role | undefined) {
  const before = await roleIn(tx, projectId, id)
  if (before === undefined) return fail("not_found", `${email} is no member of ${projectId}.`)
  if (before !== "owner" || role === "owner") return
  const others = await tx
    .selectFrom("memberships")
    .innerJoin("users", "users.id", "memberships.user_id")
    .select("user_id")
    .where("project_id", "=", projectId)
    .where("role", "=", "owner")
    .where("user_id", "!=", id)
    // Who cannot come in cannot look after it either.
    .where("disabled_at", "is", null)
    .executeTakeFirst()
  if (!others) fail("invalid_request", `${email} is the last owner of ${projectId}: make somebody else an owner first.`)
}

async function roleIn(tx: Queries, projectId: string, userId: string): Promise<Role | undefined> {
  const memberships = tx.selectFrom("memberships").select("role").where("project_id", "=", projectId)
  return (await memberships.where("user_id", "=", userId).executeTakeFirst())?.role
}

/** Of one project or of all, the longest members first. */
export async function listMembers(app: Pick<App, "database">, projectId?: string): Promise<Member[]> {
  const all = app.database.query
    .selectFrom("memberships")
    .innerJoin("users", "users.id", "memberships.user_id")
    .select(["project_id as projectId", "role", "memberships.created_at as since", "email", "name", "disabled_at"])
    .orderBy("memberships.created_at")
    .orderBy("email")
  return (projectId === undefined ? all : all.where("project_id", "=", projectId)).execute()
}
