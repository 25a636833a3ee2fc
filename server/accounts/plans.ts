// Plans: how much a project may ask for, which models, and what it is given each month. One file of configuration.
import { readFileSync } from "node:fs"
import { z } from "zod"
import type { Mode } from "../egress/send.ts"

const Plan = z.strictObject({
  title: z.string().min(1),
  /** Requests that make or upload pictures. */
  requests_per_hour: z.int().min(1).max(1_000_000),
  /** Generations at work at once; what comes above it waits. */
  concurrent: z.int().min(1).max(100_000).optional(),
  monthly_credits: z.number().min(0).max(1_000_000_000).default(0),
  /** Names of models; `family/*` is all of a family, `*` all there are. */
  models: z.array(z.string().min(1)).min(1).default(["*"]),
  /** For which keys nothing is taken from a balance: what they use is counted and paid by the house. */
  unmetered: z.array(z.enum(["live", "test"])).default([]),
})

const Plans = z.record(z.string().regex(/^[a-z][a-z0-9-]{0,31}$/), Plan).refine((plans) => "community" in plans, {
  message: "there must be a plan named community: projects are on it unless another is named",
})

export type Plan = z.infer<typeof Plan>
export type Plans = Record<string, Plan>

export const defaultPlan = "community"

const shipped: z.input<typeof Plans> = {
  free: { title: "Free", requests_per_hour: 10, concurrent: 2, monthly_credits: 20 },
  starter: { title: "Starter", requests_per_hour: 100, concurrent: 5, monthly_credits: 500 },
  pro: { title: "Pro", requests_per_hour: 500, concurrent: 20, monthly_credits: 3_000 },
  // For those who run it for themselves: the vendors' bills are theirs already.
  community: { title: "Community", requests_per_hour: 100_000, unmetered: ["live"] },
}

/** The shipped plans, or those of a JSON file in their place. Throws an Error that names the file and the wrong field. */
export function readPlans(path: string): Plans {
  const given: unknown = path === "" ? shipped : readJson(path)
  const parsed = Plans.safeParse(given)
  if (parsed.success) return parsed.data
  const lines = parsed.error.issues.map(({ path: at, message }) => `  ${at.join(".") || "the file"}: ${message}`)
  throw new Error(`ATELIER_PLANS: ${path} is not a file of plans:\n${lines.join("\n")}`)
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, "utf8"))
  } catch (error) {
    throw new Error(`ATELIER_PLANS: ${path} cannot be read as JSON: ${(error as Error).message}`, { cause: error })
  }
}

/** A project whose plan is no longer in the file is on the default one. */
export const planOf = (plans: Plans, name: string): Plan => plans[name] ?? plans[defaultPlan]!

export const isUnmetered = (plan: Plan, mode: Mode): boolean => plan.unmetered.includes(mode)

/** Whether a list of names, as plans and keys have them, lets a model through. */
export const allowsModel = (names: readonly string[], model: string): boolean =>
  names.some((name) => name === "*" || name === model || (name.endsWith("/*") && model.startsWith(name.slice(0, -1))))
