// Whether the server lives, and whether it can work. Both without a key, for whatever keeps it running.
import { z } from "zod"
import { GatewayError } from "../../errors.ts"
import { route } from "../../http/route.ts"
import { phrase } from "./errors.ts"

const Answer = z.object({ status: z.literal("ok") })

const shared = { method: "GET", group: "Server", access: "anyone", phrase } as const

export const healthz = route({
  ...shared,
  path: "/healthz",
  summary: "Whether the process lives",
  answers: [{ status: 200, about: "It does.", schema: Answer }],
  failures: [],
  handle: () => ({ status: 200, json: { status: "ok" } }),
})

export const readyz = route({
  ...shared,
  path: "/readyz",
  summary: "Whether new work can be taken",
  about: "Writes to storage and asks the database.",
  answers: [{ status: 200, about: "It can.", schema: Answer }],
  failures: ["unavailable"],
  async handle({ app }) {
    if (app.stopping.aborted) throw new GatewayError({ code: "unavailable" })
    try {
      await app.database.check()
      await app.storage.check()
    } catch (error) {
      throw new GatewayError({ code: "unavailable", detail: "The database or the storage does not work." }, error)
    }
    return { status: 200, json: { status: "ok" } }
  },
})
