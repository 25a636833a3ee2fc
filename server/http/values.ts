// Checks what came with a call against a route's schemas, and says everything that is wrong at once.
import type { z } from "zod"
import { GatewayError } from "../errors.ts"
import { nearest } from "../nearest.ts"

/** Path and query, which are text: numbers in them are read as such. */
export function readValues(schema: z.ZodObject | undefined, values: unknown): Record<string, unknown> {
  const given = { ...(values as Record<string, unknown>) }
  if (!schema) return given
  for (const [name, field] of Object.entries(schema.shape)) {
    const value = given[name]
    if (typeof value === "string" && /^\d{1,15}$/.test(value) && takesNumber(field as z.ZodType))
      given[name] = Number(value)
  }
  return checkBody(schema, given) as Record<string, unknown>
}

/** Whether it is for being text that it takes no text. */
const takesNumber = (field: z.ZodType): boolean =>
  field.safeParse("").error?.issues.some((issue) => issue.code === "invalid_type" && issue.expected === "number") ===
  true

/** Throws `invalid_request` that names each wrong field. */
export function checkBody(schema: z.ZodType, value: unknown): unknown {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const problems = parsed.error.issues.flatMap((issue) => {
    const param = issue.path.join(".")
    if (issue.code !== "unrecognized_keys") return [{ param, message: `${param || "body"}: ${issue.message}` }]
    const known = Object.keys((schema as z.ZodObject).shape ?? {})
    return issue.keys.map((name) => {
      const [near] = nearest(name, known)
      return { param: name, message: `${name} is not known here${near ? `; did you mean ${near}?` : ""}` }
    })
  })
  throw new GatewayError({
    code: "invalid_request",
    detail: problems.map(({ message }) => message).join("; "),
    problems,
  })
}
