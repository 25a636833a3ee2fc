// What a project has and what it has used.
import { z } from "zod"
import { microsPerCredit } from "../../catalogue/price.ts"
import { showBalance } from "../../credits/balance.ts"
import { usageOf } from "../../credits/usage.ts"
import { route } from "../../http/route.ts"
import { phrase } from "./errors.ts"

const group = "Credits"
const shared = { method: "GET", group, access: "key", phrase } as const

export const getCredits = route({
  ...shared,
  path: "/v1/credits",
  summary: "Read the balance of this key's kind",
  about: "Live and test keys have balances of their own. A credit is US$0.01.",
  answers: [
    {
      status: 200,
      about: "The balance.",
      schema: z.object({
        mode: z.enum(["live", "test"]),
        plan: z.string(),
        available: z.number(),
        reserved: z.number().meta({ description: "Set aside for generations under way." }),
      }),
    },
  ],
  failures: ["invalid_key"],
  async handle({ app, caller }) {
    const { availableMicros, reservedMicros } = await showBalance(app.database.query, caller)
    const [available, reserved] = [availableMicros / microsPerCredit, reservedMicros / microsPerCredit]
    return { status: 200, json: { mode: caller.mode, plan: caller.plan, available, reserved } }
  },
})

const day = z.string().regex(/^\d{4}-\d{2}-\d{2}$/)

const UsageRow = z.object({
  day,
  model: z.string(),
  key_id: z.string(),
  generations: z.int(),
  succeeded: z.int(),
  failed: z.int(),
  images: z.int(),
  credits: z.number(),
})

export const getUsage = route({
  ...shared,
  path: "/v1/usage",
  summary: "Read what was made and charged, by day, model and key",
  query: z.strictObject({
    from: day.optional().meta({ description: "The first day, UTC; 30 days ago without it." }),
    to: day.optional().meta({ description: "The last day, UTC; today without it." }),
    format: z.enum(["json", "csv"]).default("json"),
  }),
  answers: [{ status: 200, about: "Newest first.", schema: z.object({ data: z.array(UsageRow) }) }],
  failures: ["invalid_key", "invalid_request"],
  async handle({ app, caller, query }) {
    const today = app.clock.now()
    const from = query.from ?? new Date(today - 30 * 86_400_000).toISOString().slice(0, 10)
    const to = query.to ?? new Date(today).toISOString().slice(0, 10)
    const data = await usageOf(app.database.query, caller, { from, to })
    if (query.format === "json") return { status: 200, json: { data } }
    const names = Object.keys(UsageRow.shape) as (keyof z.infer<typeof UsageRow>)[]
    const lines = [names.join(","), ...data.map((row) => names.map((name) => row[name]).join(","))]
    return { status: 200, type: "text/csv; charset=utf-8", text: `${lines.join("\n")}\n` }
  },
})
