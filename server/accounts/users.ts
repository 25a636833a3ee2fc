// People: an address, a name, perhaps a password. What they may do in a project is in members.ts.
import { z } from "zod"
import type { App } from "../app.ts"
import type { UserRow } from "../database/tables/accounts.ts"
import { fail } from "../errors.ts"
import { newId } from "../ids.ts"
import { faultInPassword, hashPassword, isPassword } from "./passwords.ts"

type Needs = Pick<App, "database" | "clock">

const Email = z.email().max(254)

/** In small letters, as it is stored: two that differ only so are one. Throws where it is no address. */
export function readEmail(text: string): string {
  const email = text.trim().toLowerCase()
  return Email.safeParse(email).success ? email : fail("invalid_request", `${text} is not an email address.`)
}

export type NewUser = { email: string; name?: string; password?: string }

/** Throws where there is a user with that address already. */
export async function createUser(app: Needs, { email, name = "", password }: NewUser): Promise<UserRow> {
  const row: UserRow = {
    ...{ id: newId("usr"), email: readEmail(email), name },
    password_hash: password === undefined ? null : await hashChecked(password),
    ...{ created_at: app.clock.now(), disabled_at: null },
  }
  const { numInsertedOrUpdatedRows } = await app.database.transaction((tx) =>
    tx
      .insertInto("users")
      .values(row)
      .onConflict((conflict) => conflict.column("email").doNothing())
      .executeTakeFirstOrThrow(),
  )
  return (numInsertedOrUpdatedRows ?? 0n) > 0n ? row : fail("invalid_request", `There is a user ${row.email} already.`)
}

export const listUsers = (app: Pick<App, "database">): Promise<UserRow[]> =>
  app.database.query.selectFrom("users").selectAll().orderBy("email").execute()

/** Throws `not_found` where there is no such user. */
export async function findUser(app: Pick<App, "database">, email: string): Promise<UserRow> {
  const found = app.database.query.selectFrom("users").selectAll().where("email", "=", readEmail(email))
  return (await found.executeTakeFirst()) ?? fail("not_found", `There is no user ${readEmail(email)}.`)
}

/** Who is disabled cannot come in, and stays a member of his projects. */
export async function disableUser(app: Needs, email: string): Promise<void> {
  const { id, disabled_at } = await findUser(app, email)
  await change(app, id, { disabled_at: disabled_at ?? app.clock.now() })
}

export async function enableUser(app: Needs, email: string): Promise<void> {
  await change(app, (await findUser(app, email)).id, { disabled_at: null })
}

/** Throws where there is no such user, or where it cannot be a password. */
export async function setPassword(app: Needs, email: string, password: string): Promise<void> {
  await change(app, (await findUser(app, email)).id, { password_hash: await hashChecked(password) })
}

const change = (app: Needs, id: string, changed: Partial<UserRow>) =>
  app.database.transaction((tx) => tx.updateTable("users").set(changed).where("id", "=", id).execute())

function hashChecked(password: string): Promise<string> {
  const fault = faultInPassword(password)
  return fault === undefined ? hashPassword(password) : fail("invalid_request", `Not a password: ${fault}.`)
}

/** Undefined where the password is wrong, or where nobody of that address can come in: both take the same work. */
export async function verifyPassword(
  app: Pick<App, "database">,
  email: string,
  password: string,
): Promise<UserRow | undefined> {
  const users = app.database.query.selectFrom("users").selectAll().where("disabled_at", "is", null)
  const user = await users.where("email", "=", email.trim().toLowerCase()).executeTakeFirst()
  return (await isPassword(password, user?.password_hash ?? null)) ? user : undefined
}
