// What an answer says in its headers about the generation behind it, whatever the dialect.
import type { App } from "../app.ts"
import { lifecycleHeaders } from "../catalogue/lifecycle.ts"
import type { Generation } from "./generation.ts"

export function generationHeaders(
  app: Pick<App, "catalogue">,
  origin: string,
  { id, model: name, warnings }: Pick<Generation, "id" | "model" | "warnings">,
): Record<string, string> {
  const model = app.catalogue.find(name)
  return {
    "atelier-generation": id,
    ...(warnings.length > 0 ? { "atelier-warnings": warnings.join("; ") } : {}),
    ...(model ? lifecycleHeaders(model, (other) => `${origin}/v1/models/${other}`) : {}),
  }
}
