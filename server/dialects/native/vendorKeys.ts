// Vendor keys that a project brings itself: set, looked at by their last 4, and taken away.
import { z } from "zod"
import type { KeyHolder } from "../../accounts/keys.ts"
import { listVendorKeys, removeVendorKey, setVendorKey } from "../../accounts/vendorKeys.ts"
import type { VendorKey } from "../../accounts/vendorKeys.ts"
import { fail } from "../../errors.ts"
import { route } from "../../http/route.ts"
import { phrase } from "./errors.ts"

const ByProvider = z.object({ provider: z.string().meta({ description: "A vendor, such as `openai`." }) })
const time = z.iso.datetime()

const VendorKeyAnswer = z.object({
  provider: z.string(),
  last4: z.string().meta({ description: "All that is ever shown of the key." }),
  created_at: time,
  updated_at: time,
})

const iso = (milliseconds: number): string => new Date(milliseconds).toISOString()

const writeVendorKey = ({ provider, last4, created_at, updated_at }: VendorKey) => ({
  ...{ provider, last4, created_at: iso(created_at), updated_at: iso(updated_at) },
})

/** A test key reaches no vendor, and may lie in a file: it is not let near what costs money. */
function checkIsLive({ mode }: KeyHolder): void {
  if (mode !== "live") fail("missing_scope", "Vendor keys are for live keys: ask with one.")
}

const shared = { group: "Vendor keys", access: "key", scope: "manage", phrase } as const

export const listOwnVendorKeys = route({
  ...shared,
  method: "GET",
  path: "/v1/vendor-keys",
  summary: "List the project's own vendor keys",
  answers: [{ status: 200, about: "All of them.", schema: z.object({ data: z.array(VendorKeyAnswer) }) }],
  failures: ["invalid_key", "missing_scope"],
  async handle({ app, caller }) {
    checkIsLive(caller)
    return { status: 200, json: { data: (await listVendorKeys(app, caller.projectId)).map(writeVendorKey) } }
  },
})

export const getOwnVendorKey = route({
  ...shared,
  method: "GET",
  path: "/v1/vendor-keys/{provider}",
  summary: "Look whether the project has a key of a vendor",
  params: ByProvider,
  answers: [{ status: 200, about: "It has.", schema: VendorKeyAnswer }],
  failures: ["invalid_key", "missing_scope", "not_found"],
  async handle({ app, caller, params: { provider } }) {
    checkIsLive(caller)
    const found = (await listVendorKeys(app, caller.projectId)).find((key) => key.provider === provider)
    return { status: 200, json: writeVendorKey(found ?? fail("not_found", noSuchKey)) }
  },
})

const noSuchKey = "The project has no key of that vendor."

export const setOwnVendorKey = route({
  ...shared,
  method: "PUT",
  path: "/v1/vendor-keys/{provider}",
  summary: "Give the project a vendor key of its own",
  about:
    "Live calls of the project reach the vendor with it, before any key of the server, and models open that the server " +
    "has no key for. It is sealed, and sent to nobody but the vendor, at the address that the server's operator has set.",
  params: ByProvider,
  body: z.strictObject({ key: z.string().min(1).max(4096) }),
  answers: [{ status: 200, about: "It is set, in the place of the one before it.", schema: VendorKeyAnswer }],
  failures: ["invalid_request", "invalid_key", "missing_scope"],
  async handle({ app, caller, params: { provider }, body: { key } }) {
    checkIsLive(caller)
    const set = await setVendorKey(app, caller.projectId, provider, key)
    app.vendorKeys.forget(caller.projectId)
    return { status: 200, json: writeVendorKey(set) }
  },
})

export const deleteOwnVendorKey = route({
  ...shared,
  method: "DELETE",
  path: "/v1/vendor-keys/{provider}",
  summary: "Take the project's own key of a vendor away",
  about:
    "Tasks that were begun with it and are still under way end as `outcome_unknown`: no other key can ask for them.",
  params: ByProvider,
  answers: [
    { status: 200, about: "It is gone.", schema: z.object({ provider: z.string(), deleted: z.literal(true) }) },
  ],
  failures: ["invalid_key", "missing_scope", "not_found"],
  async handle({ app, caller, params: { provider } }) {
    checkIsLive(caller)
    if (!(await removeVendorKey(app, caller.projectId, provider))) return fail("not_found", noSuchKey)
    app.vendorKeys.forget(caller.projectId)
    return { status: 200, json: { provider, deleted: true } }
  },
})
