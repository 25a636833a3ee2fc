// Who calls: the key from the headers, looked up.
import type { IncomingHttpHeaders } from "node:http"
import { findKeyHolder } from "../accounts/keys.ts"
import type { KeyHolder } from "../accounts/keys.ts"
import type { App } from "../app.ts"
import { GatewayError } from "../errors.ts"

/** Throws `invalid_key` where there is no key, a wrong one, one that may not come from this address, or two that differ. */
export async function authenticate(
  app: Pick<App, "database" | "clock">,
  headers: IncomingHttpHeaders,
  address: string,
  keyHeader = "x-api-key",
): Promise<KeyHolder> {
  // fal's clients say Key where others say Bearer.
  const authorization = /^(?:Bearer|Key) +(\S+) *$/i.exec(headers.authorization ?? "")?.[1]
  const given = [authorization, headers["x-api-key"], headers[keyHeader]].filter((key) => typeof key === "string")
  if (given.length === 0) throw refused(`Send your API key as Authorization: Bearer <key>, or as ${keyHeader}.`)
  if (new Set(given).size > 1) throw refused("The headers hold different keys.")
  const holder = await findKeyHolder(app, given[0]!, address)
  if (!holder) throw refused("This API key is not valid.")
  return holder
}

const refused = (detail: string): GatewayError => new GatewayError({ code: "invalid_key", detail })
