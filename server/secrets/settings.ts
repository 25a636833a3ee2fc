// Secrets that this installation makes for itself, the same for every process on its database.
import { randomBytes } from "node:crypto"
import type { App } from "../app.ts"
import { isSealed, placeOf, seal, unseal } from "./seal.ts"

type Needs = Pick<App, "database" | "masterKeys">

export const settingPlace = (name: string): string => placeOf("settings", [name], "value")

const freshSecret = (): string => randomBytes(32).toString("base64url")

/** 256 random bits, made the first time they are asked for. One that lies there open, from before, is sealed. */
export async function secretSetting(app: Needs, name: string): Promise<string> {
  const place = settingPlace(name)
  const fresh = freshSecret()
  const value = await app.database.transaction(async (tx) => {
    const found = tx.selectFrom("settings").select("value").where("name", "=", name)
    const known = (await found.executeTakeFirst())?.value
    if (known !== undefined && isSealed(known)) return known
    const sealed = { value: seal(app.masterKeys, place, known ?? fresh) }
    if (known === undefined)
      await tx
        .insertInto("settings")
        .values({ name, ...sealed })
        .execute()
    else await tx.updateTable("settings").set(sealed).where("name", "=", name).execute()
    return sealed.value
  })
  return unseal(app.masterKeys, place, value)
}

/** Puts a fresh one in its place. Servers that run go on with the one that they have read at their start. */
export async function renewSecretSetting(app: Needs, name: string): Promise<void> {
  const value = seal(app.masterKeys, settingPlace(name), freshSecret())
  await app.database.transaction((tx) => tx.updateTable("settings").set({ value }).where("name", "=", name).execute())
}
