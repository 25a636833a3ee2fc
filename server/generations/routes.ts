// Which model a name means, and by which of its routes a request can be served now.
import type { OwnKeys } from "../accounts/vendorKeys.ts"
import type { App } from "../app.ts"
import { hasRetired, lastDayOf } from "../catalogue/lifecycle.ts"
import type { Given, Model, Route } from "../catalogue/model.ts"
import { refusalOf } from "../catalogue/refused.ts"
import type { Mode } from "../egress/send.ts"
import { GatewayError } from "../errors.ts"
import type { Problem } from "../errors.ts"
import { knownProvider } from "../providers/all.ts"
import { keySourceOf } from "./access.ts"

type Needs = Pick<App, "config" | "clock">

/** Throws `unknown_model` with the nearest names, or with the reason where the name is known and refused. */
export function findModel(app: Pick<App, "catalogue">, name: string): Model {
  const model = app.catalogue.find(name)
  if (model) return model
  const shown = JSON.stringify(name.slice(0, 128))
  const near = app.catalogue.nearest(name)
  const hint = near.length > 0 ? `Did you mean ${near.join(" or ")}?` : "GET /v1/models lists them."
  const refusal = refusalOf(name)
  const detail = refusal === undefined ? `There is no model ${shown}. ${hint}` : `${shown} is not served. ${refusal}`
  throw new GatewayError({ code: "unknown_model", detail, problems: [{ param: "model", message: detail }] })
}

/**
 * The routes that this kind of key may go, best first: those whose vendor serves the model and whose key the project or
 * the operator has set. Throws `model_retired` or `provider_unavailable` where there is none.
 */
export function openRoutes(app: Needs, own: OwnKeys, model: Model, mode: Mode): Route[] {
  const isKeyed = ({ provider }: Route) => keySourceOf(app, own, provider) !== undefined
  // The sandbox needs no key and serves what has been retired; with keys it is gone through as live calls would go.
  if (mode === "test") return model.routes.some(isKeyed) ? model.routes.filter(isKeyed) : model.routes
  const served = model.routes.filter((route) => !hasRetired(model, route, app.clock.now()))
  if (served.length === 0) throw retired(model)
  const open = served.filter(isKeyed)
  if (open.length > 0) return open
  const names = served.map(({ provider }) => app.config.vendors[provider]?.needs ?? provider)
  const detail = `No vendor key opens ${model.id} here: the operator has to set ${[...new Set(names)].join(" or ")}.`
  throw new GatewayError({ code: "provider_unavailable", detail })
}

/** The open routes that can serve this very request. Throws `invalid_request` with what stands in the way of each. */
export function routesFor(app: Needs, own: OwnKeys, model: Model, mode: Mode, given: Given): Route[] {
  const open = openRoutes(app, own, model, mode)
  const able = open.filter((route) => hindrance(route, given) === undefined)
  // Without any key there is nobody to fall back to: a test key meets the vendor that a live one most likely would.
  const isUnkeyed = able.every(({ provider }) => keySourceOf(app, own, provider) === undefined)
  if (able.length > 0) return isUnkeyed ? able.slice(0, 1) : able
  const problems = open.flatMap((route) => hindrance(route, given) ?? [])
  const detail = problems.map(({ message }) => message).join("; ")
  throw new GatewayError({ code: "invalid_request", detail, problems })
}

function hindrance({ provider, cannot }: Route, given: Given): Problem | undefined {
  const { title, limits } = knownProvider(provider)
  if (given.images > limits.references)
    return { param: "image", message: `${title} takes at most ${limits.references} pictures to start from` }
  return cannot?.(given)
}

function retired(model: Model): GatewayError {
  const { id, successor } = model
  const instead = successor === undefined ? "" : ` Use ${successor} instead.`
  const detail = `${id} is no longer served by its vendors, since ${lastDayOf(model)}.${instead}`
  const problems = [{ param: "model", message: detail }]
  return new GatewayError({
    code: "model_retired",
    detail,
    problems,
    ...(successor === undefined ? {} : { successor }),
  })
}
