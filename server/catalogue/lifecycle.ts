// When a model's vendors stop serving it, and how clients are told.
import type { Model, Route } from "./model.ts"

/** Days are whole days in UTC. */
const startOf = (day: string): number => Date.parse(`${day}T00:00:00Z`)

export const hasRetired = (model: Pick<Model, "retires">, route: Pick<Route, "retires">, now: number): boolean => {
  const day = route.retires ?? model.retires
  return day !== undefined && now >= startOf(day)
}

/** The day from which no vendor serves the model; undefined while one of them has not said so. */
export function lastDayOf({ routes, retires }: Pick<Model, "routes" | "retires">): string | undefined {
  const days = routes.map((route) => route.retires ?? retires)
  return days.every((day) => day !== undefined) ? days.sort().at(-1) : undefined
}

export type Stage = "active" | "deprecated" | "retired"

export function stageOf(model: Model, now: number): Stage {
  const day = lastDayOf(model)
  if (day !== undefined && now >= startOf(day)) return "retired"
  return day !== undefined || model.deprecated !== undefined ? "deprecated" : "active"
}

/**
 * `Deprecation` (RFC 9745), `Sunset` (RFC 8594) and a link to what comes after, for models whose end is known.
 * `linkTo` is where a model is described.
 */
export function lifecycleHeaders(model: Model, linkTo: (id: string) => string): Record<string, string> {
  const day = lastDayOf(model)
  const { deprecated = day, successor } = model
  if (deprecated === undefined) return {}
  return {
    deprecation: `@${startOf(deprecated) / 1000}`,
    ...(day === undefined ? {} : { sunset: new Date(startOf(day)).toUTCString() }),
    ...(successor === undefined ? {} : { link: `<${linkTo(successor)}>; rel="successor-version"` }),
  }
}
