// Where a call comes from, and where it reached us: the connection says so, or a proxy that the operator trusts.
import type { FastifyRequest } from "fastify"
import { isAddressWithin, plainAddress, readAddresses } from "../addresses.ts"
import type { App } from "../app.ts"

type Needs = Pick<App, "config">

/** As fastify takes it: whom `X-Forwarded-For`, `-Proto` and `-Host` are believed from. */
export function trustedProxies({ config }: Needs): false | ((address: string) => boolean) {
  const ranges = config.trustedProxies.map(readAddresses).filter((range) => range !== undefined)
  return ranges.length > 0 && ((address) => isAddressWithin(address, ranges))
}

/** Empty where the connection is gone. */
export const addressOf = ({ ip }: { ip: string | undefined }): string => plainAddress(ip ?? "")

/** "https://pictures.example" */
export function originOf({ config }: Needs, request: FastifyRequest): string {
  if (config.publicUrl !== "") return config.publicUrl.replace(/\/+$/, "")
  const host = /^[\w.:[\]-]+$/.test(request.host) ? request.host : `${config.host}:${config.port}`
  return `${request.protocol === "https" ? "https" : "http"}://${host}`
}
