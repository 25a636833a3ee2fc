// The command that lists the models, as a live key sees them.
import { noOwnKeys } from "../accounts/vendorKeys.ts"
import { allModels } from "../catalogue/catalogue.ts"
import { withCompatible } from "../catalogue/compatible.ts"
import { readConfig } from "../config.ts"
import { standingOf } from "../generations/listing.ts"
import type { Standing } from "../generations/listing.ts"
import { allProviders } from "../providers/all.ts"
import type { Command } from "./command.ts"

export const modelsCommand: Command = {
  words: "models",
  takes: "",
  about: "list the models: stage, price, and whether a live key can use them now",
  options: [],
  run: async () => {
    const app = { config: readConfig(process.env, allProviders), clock: { now: () => Date.now() } }
    const all = withCompatible(allModels, app.config.compatibleModels)
    const models = all.map((model) => ({ id: model.id, ...standingOf(app, noOwnKeys, model, "live") }))
    return { text: models.map(describeModel).join("\n"), value: models }
  },
}

/** One line: name, stage, price, and why it cannot be used now. */
function describeModel(model: { id: string } & Standing): string {
  const { id, stage, retires_at, successor, credits_from, unavailable_because } = model
  const end = retires_at === null ? "" : ` ${stage === "retired" ? "since" : "until"} ${retires_at}`
  const after = successor === null || stage === "active" ? "" : `, then ${successor}`
  const price = credits_from === null ? "no price" : `from ${credits_from} credits`
  return [id.padEnd(48), `${stage}${end}${after}`, price, unavailable_because ?? "available"].join("  ")
}
