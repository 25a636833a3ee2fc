// The last way to every model: AIHubMix, which passes requests on to the vendors, or another Atelier in its place.
import { lastDayOf } from "./lifecycle.ts"
import { to } from "./model.ts"
import type { Model, Route, Rule } from "./model.ts"

const noEarlyStates: Rule = ({ input }) =>
  Number(input["partial_images"] ?? 0) > 0
    ? { param: "partial_images", message: "AIHubMix gives no early states of a picture" }
    : undefined

/** What none of the vendors can do is not done by passing it on. */
const nobodyBehind =
  (routes: Route[]): Rule =>
  (given) => {
    const problems = routes.map(({ cannot }) => cannot?.(given))
    return problems.includes(undefined) ? undefined : problems[0]
  }

/** Ids here are the paths that AIHubMix's documents print. It cannot serve what the vendors behind it have given up. */
export function resold(model: Model): Model {
  const { id, routes } = model
  const day = lastDayOf(model)
  const behind = nobodyBehind(routes)
  const cannot: Rule = (given) => noEarlyStates(given) ?? behind(given)
  return {
    ...model,
    routes: [...routes, to("aihubmix", id, { cannot, ...(day === undefined ? {} : { retires: day }) })],
  }
}
