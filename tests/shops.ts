// Projects with money of their own, and what their keys see of it.
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { createKey } from "../server/accounts/keys.ts"
import { createProject } from "../server/accounts/projects.ts"
import { grantCredits } from "../server/credits/balance.ts"
import { balanceOf, houseAccount } from "../server/credits/ledger.ts"
import type { Mode } from "../server/egress/send.ts"
import { call } from "./calls.ts"
import { temporaryFolder } from "./harness.ts"
import type { InProcess } from "./harness.ts"

export type Shop = { url: string; testKey: string; id: string; mode: Mode }

/** A file for `ATELIER_PLANS`: without monthly credits, which may come at any moment. */
export function plansFile(
  more: Record<string, { title: string; requests_per_hour: number; monthly_credits?: number }> = {},
): string {
  const path = join(temporaryFolder(), "plans.json")
  const metered = { title: "Metered", requests_per_hour: 100_000 }
  writeFileSync(path, JSON.stringify({ metered, community: { ...metered, unmetered: ["live"] }, ...more }))
  return path
}

let count = 0

/** A project with 100 credits, and a key of this kind. On plan `community` its live keys need none. */
export async function openShop({ url, atelier: { app } }: InProcess, mode: Mode, plan = "metered"): Promise<Shop> {
  const id = `shop-${++count}`
  await createProject(app, { id, plan })
  await grantCredits(app, { projectId: id, mode }, 100_000_000, "to begin with")
  return { url, testKey: await createKey(app, id, mode), id, mode }
}

export async function balance(shop: Shop): Promise<{ available: number; reserved: number }> {
  const { available, reserved } = (await call<{ available: number; reserved: number }>(shop, "/v1/credits")).body
  return { available, reserved }
}

export type Entry = {
  kind: string
  amount: number
  available: number
  generation_id: string | null
  reason: string
}

export const entriesOf = async (shop: Shop, query = "") =>
  (await call<{ data: Entry[]; next_cursor: string | null }>(shop, `/v1/credits/entries${query}`)).body

/** In micro-credits. */
export const houseHas = ({ atelier }: InProcess, mode: Mode, kind: "granted" | "revenue" | "lost"): Promise<number> =>
  balanceOf(atelier.app.database.query, houseAccount(mode, kind))
