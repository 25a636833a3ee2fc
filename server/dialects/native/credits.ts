// What a project has and what it has used.
import { z } from "zod"
import { microsPerCredit } from "../../catalogue/price.ts"
import { showBalance } from "../../credits/balance.ts"
import { listHistory } from "../../credits/history.ts"
import type { HistoryItem } from "../../credits/history.ts"
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

const Entry = z.object({
  id: z.string(),
  created_at: z.iso.datetime(),
  kind: z.enum(["grant", "adjust", "reserve", "settle", "release", "refund"]).meta({
    description: "Given, taken back, set aside, charged, not charged after all, or charged and given back.",
  }),
  amount: z.number().meta({ description: "In credits." }),
  available: z.number().meta({ description: "What it did to the credits that may be spent; negative for less." }),
  generation_id: z.string().nullable(),
  reason: z.string(),
})

const writeEntry = ({ id, kind, reason, ...item }: HistoryItem): z.infer<typeof Entry> => ({
  ...{ id, created_at: new Date(item.createdAt).toISOString(), kind },
  ...{ amount: item.amountMicros / microsPerCredit, available: item.availableMicros / microsPerCredit },
  ...{ generation_id: item.generationId, reason },
})

export const listEntries = route({
  ...shared,
  path: "/v1/credits/entries",
  summary: "List where credits came from and where they went, newest first",
  about:
    "Of this key's project and kind. What a request may cost is set aside when it is accepted (`reserve`); at its end what " +
    "was delivered is charged and the rest given back (`settle`), or all of it is (`release`).",
  query: z.strictObject({ limit: z.int().min(1).max(100).default(20), cursor: z.string().optional() }),
  answers: [
    {
      status: 200,
      about: "One page. `next_cursor` is null on the last.",
      schema: z.object({ data: z.array(Entry), next_cursor: z.string().nullable() }),
    },
  ],
  failures: ["invalid_key", "invalid_request"],
  async handle({ app, caller, query: { limit, cursor: after } }) {
    const { items, next } = await listHistory(app.database.query, caller, { limit, after })
    return { status: 200, json: { data: items.map(writeEntry), next_cursor: next ?? null } }
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
    from: day.optional().meta({ description: "The first day, UTC; 30 days before the last without it." }),
    to: day.optional().meta({ description: "The last day, UTC; today without it. At most 366 days." }),
    format: z.enum(["json", "csv"]).default("json"),
  }),
  answers: [{ status: 200, about: "Newest first.", schema: z.object({ data: z.array(UsageRow) }) }],
  failures: ["invalid_key", "invalid_request"],
  async handle({ app, caller, query }) {
    const data = await usageOf(app.database.query, caller, query, app.clock.now())
    if (query.format === "json") return { status: 200, json: { data } }
    const names = Object.keys(UsageRow.shape) as (keyof z.infer<typeof UsageRow>)[]
    const lines = [names.join(","), ...data.map((row) => names.map((name) => row[name]).join(","))]
    return { status: 200, type: "text/csv; charset=utf-8", text: `${lines.join("\n")}\n` }
  },
})
