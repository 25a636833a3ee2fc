// What a request would cost, by the function that also bills it.
import type { App } from "../app.ts"
import { quote } from "../catalogue/price.ts"
import type { Quote } from "../catalogue/price.ts"
import { readInput } from "../catalogue/read.ts"
import { GatewayError } from "../errors.ts"
import { findModel } from "./routes.ts"
import { checkMarked } from "./unmarked.ts"

export type Quoted = Quote & { model: string }

type Wanted = { model: string; parameters: Record<string, unknown>; at?: string }

/** Throws `unknown_model`, `invalid_request`, and `price_missing` for models that only the operator can price. */
export function quoteGeneration(
  app: Pick<App, "catalogue" | "config">,
  { model: name, parameters, at }: Wanted,
): Quoted {
  const model = findModel(app, name)
  const { input, images, mask } = readInput(model, parameters, at)
  checkMarked(app, input, at)
  const quoted = quote(model, { input, images: images.length, mask: mask !== undefined })
  if (!quoted)
    throw new GatewayError({ code: "price_missing", detail: `The operator has not set a price for ${model.id}.` })
  return { model: model.id, ...quoted }
}
