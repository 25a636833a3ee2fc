// With whose key a vendor is called: the project's own goes before the operator's.
import { openVendorKey } from "../accounts/vendorKeys.ts"
import type { OwnKeys } from "../accounts/vendorKeys.ts"
import type { App } from "../app.ts"
import { knownProvider } from "../providers/all.ts"
import type { VendorFailure } from "../providers/provider.ts"
import type { Attempt, KeySource } from "./attempts.ts"
import type { Work } from "./work.ts"

/** Undefined where the vendor is closed: neither the project nor the operator has a key of it. */
export function keySourceOf({ config }: Pick<App, "config">, own: OwnKeys, provider: string): KeySource | undefined {
  const vendor = config.vendors[provider]
  if (vendor?.hasAddress === true && own.has(provider)) return "project"
  return vendor?.key === undefined ? undefined : "server"
}

/** The sandbox is every vendor under its real address. */
export function addressOf({ app, generation }: Work, provider: string): string {
  return generation.mode === "test" ? knownProvider(provider).baseUrl : app.config.vendors[provider]!.baseUrl
}

/** The key that this very call is made with, which may be gone by now. The sandbox takes any. */
export function keyFor({ app, generation, own }: Work, { provider, keySource }: Attempt): string | undefined {
  if (generation.mode === "test") return "sandbox"
  if (keySource === "server") return app.config.vendors[provider]!.key
  const sealed = own.get(provider)
  return sealed === undefined ? undefined : openVendorKey(app, generation.projectId, provider, sealed)
}

/** Another key would ask in another account, which has no such task; so nobody knows what became of it. */
export const keyGone = ({ state }: Attempt): VendorFailure =>
  state === "pending"
    ? { code: "outcome_unknown", detail: "The vendor's key was taken away while the vendor was at work." }
    : { code: "provider_unavailable", detail: "The vendor's key was taken away before the vendor was called." }
