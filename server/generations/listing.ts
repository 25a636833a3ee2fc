// Where a model stands now: what stage of its life it is in, what it costs, and whether a kind of key can use it.
import type { OwnKeys } from "../accounts/vendorKeys.ts"
import type { App } from "../app.ts"
import { lastDayOf, stageOf } from "../catalogue/lifecycle.ts"
import type { Stage } from "../catalogue/lifecycle.ts"
import type { Model } from "../catalogue/model.ts"
import { leastPrice, microsPerCredit } from "../catalogue/price.ts"
import type { Mode } from "../egress/send.ts"
import { GatewayError, messageOf } from "../errors.ts"
import { openRoutes } from "./routes.ts"

export type Standing = {
  available: boolean
  unavailable_because: string | null
  stage: Stage
  /** The day its end was announced. */
  deprecated_at: string | null
  /** The first day without it. */
  retires_at: string | null
  successor: string | null
  /** Credits for one picture by default. */
  credits_from: number | null
}

type Needs = Pick<App, "config" | "clock">

export function standingOf(app: Needs, own: OwnKeys, model: Model, mode: Mode): Standing {
  const problem = whyUnavailable(app, own, model, mode)
  const price = leastPrice(model)
  return {
    available: problem === null,
    unavailable_because: problem,
    stage: stageOf(model, app.clock.now()),
    deprecated_at: model.deprecated ?? null,
    retires_at: lastDayOf(model) ?? null,
    successor: model.successor ?? null,
    credits_from: price === undefined ? null : price / microsPerCredit,
  }
}

function whyUnavailable(app: Needs, own: OwnKeys, model: Model, mode: Mode): string | null {
  try {
    openRoutes(app, own, model, mode)
    return null
  } catch (error) {
    if (error instanceof GatewayError) return messageOf(error.failure)
    throw error
  }
}
