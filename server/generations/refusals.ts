// Faults of our own side of a call, as the failure of an attempt.
import type { App } from "../app.ts"
import { GatewayError } from "../errors.ts"
import type { Step } from "./attempts.ts"

export function failureStep(app: Pick<App, "clock" | "log">, error: unknown): Step {
  const failure = error instanceof GatewayError ? error.failure : { code: "internal" as const }
  app.log.warn({ err: error, code: failure.code }, "a step of a generation failed")
  return { state: "failed", failure, dueAt: app.clock.now() }
}
