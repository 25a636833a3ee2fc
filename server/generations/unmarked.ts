// Pictures without the vendor's watermark: asked for only where the operator lets them be.
import type { App } from "../app.ts"
import type { Input } from "../catalogue/model.ts"
import { GatewayError } from "../errors.ts"

/** Throws `invalid_request`, naming the parameter (with what stands before it in the request) and the setting. */
export function checkMarked({ config }: Pick<App, "config">, input: Input, at = ""): void {
  if (config.unmarked === "allow" || input["watermark"] !== false) return
  const message = "watermark false is not taken here: the operator has set ATELIER_UNMARKED to refuse"
  throw new GatewayError({
    code: "invalid_request",
    detail: message,
    problems: [{ param: `${at}watermark`, message }],
  })
}
