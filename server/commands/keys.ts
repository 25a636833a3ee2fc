// Commands about API keys.
import { createKey, listKeys, revokeKey, rotateKey, scopes } from "../accounts/keys.ts"
import { readAddresses } from "../addresses.ts"
import { microsPerCredit } from "../catalogue/price.ts"
import type { ApiKeyRow } from "../database/tables/accounts.ts"
import {
  knownWordsIn,
  projectOf,
  readCredits,
  readMode,
  readName,
  time,
  withData,
  wordsIn,
  writeColumns,
} from "./command.ts"
import type { Command } from "./command.ts"

const dayMs = 86_400_000

/** A day to come, at whose beginning (UTC) the key holds no longer, or how many days it holds from now on. */
export function readExpiry(text: string, now: number): number {
  const [, days] = /^(\d{1,4})d$/.exec(text) ?? []
  const at = days === undefined ? Date.parse(/^\d{4}-\d\d-\d\d$/.test(text) ? text : "") : now + Number(days) * dayMs
  // 30 February would be taken for a day of March.
  if (!(at > now) || (days === undefined && time(at)?.slice(0, 10) !== text))
    throw new Error("--expires must be a day to come, such as 2031-01-31, or a number of days, such as 30d")
  return at
}

export function readRequests(text: string): number {
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text)
  throw new Error("--requests-per-hour must be a whole number from 1 to 999999")
}

/** Addresses and ranges, as a key is bound to them. */
export function readPlaces(list: string): string[] {
  const named = wordsIn(list)
  const wrong = named.find((word) => readAddresses(word) === undefined)
  if (wrong === undefined) return named
  throw new Error(`--addresses: ${wrong || "an empty one"} is no address or range such as 203.0.113.7 or 2001:db8::/32`)
}

export const createKeyCommand: Command = {
  words: "keys create",
  takes:
    `--mode test|live [--project ID] [--name NAME] [--scopes ${scopes.join(",")}] [--models a/b,c/*] [--cap CREDITS] ` +
    "[--requests-per-hour N] [--expires DAY|30d] [--addresses 203.0.113.0/24,…]",
  about: "make an API key and print it; it is shown only this once",
  options: ["mode", "project", "name", "scopes", "models", "cap", "requests-per-hour", "expires", "addresses"],
  run: (given) =>
    withData(async (data) => {
      const { name = "", scopes: granted, models, cap, expires, addresses } = given.options
      const { "requests-per-hour": requests } = given.options
      const mode = readMode(given.options["mode"], "keys create")
      const wishes = {
        name: readName(name),
        scopes: granted === undefined ? ["*"] : knownWordsIn("scopes", granted, scopes),
        models: models === undefined ? null : wordsIn(models),
        capMicros: cap === undefined ? null : readCredits(cap, "cap"),
        expiresAt: expires === undefined ? null : readExpiry(expires, data.clock.now()),
        requestsPerHour: requests === undefined ? null : readRequests(requests),
        addresses: addresses === undefined ? null : readPlaces(addresses),
      }
      const project = await projectOf(data, given)
      const key = await createKey(data, project, mode, wishes)
      return { text: key, value: { key, project, mode } }
    }),
}

export const listKeysCommand: Command = {
  words: "keys list",
  takes: "[--project ID]",
  about: "list a project's keys, without their secrets: what each may do, from where, until when, and its last use",
  options: ["project"],
  run: (given) =>
    withData(async (data) => {
      const now = data.clock.now()
      const value = (await listKeys(data, await projectOf(data, given))).map((key) => describeKey(key, now))
      return { text: writeColumns(value.map(writeKey)), value }
    }),
}

const readList = (json: string | null): string[] | null => (json === null ? null : (JSON.parse(json) as string[]))

const describeKey = (key: ApiKeyRow, now: number) => ({
  ...{ id: key.id, mode: key.mode, name: key.name, ends_in: key.last4, scopes: readList(key.scopes_json) ?? [] },
  ...{ models: readList(key.models_json), addresses: readList(key.addresses_json) },
  cap_credits: key.cap_micros === null ? null : key.cap_micros / microsPerCredit,
  spent_credits: key.spent_micros / microsPerCredit,
  requests_per_hour: key.requests_per_hour,
  ...{ created_at: time(key.created_at), last_used_at: time(key.last_used_at), expires_at: time(key.expires_at) },
  state: key.revoked_at !== null ? "revoked" : (key.expires_at ?? now + 1) <= now ? "expired" : "active",
})

function writeKey(key: ReturnType<typeof describeKey>): string[] {
  const { id, mode, state, ends_in, scopes, models, addresses, cap_credits, expires_at, last_used_at, name } = key
  return [
    ...[id, mode, state, `…${ends_in}`, scopes.includes("*") ? "all scopes" : scopes.join(",")],
    ...[models === null ? "all models" : models.join(","), `from ${addresses?.join(",") ?? "anywhere"}`],
    cap_credits === null ? "no cap" : `${key.spent_credits} of ${cap_credits} credits`,
    key.requests_per_hour === null ? "no limit of its own" : `${key.requests_per_hour} requests an hour`,
    expires_at === null ? "no expiry" : `until ${toMinutes(expires_at)}`,
    ...[last_used_at === null ? "never used" : `used ${toMinutes(last_used_at)}`, name],
  ]
}

const toMinutes = (iso: string): string => `${iso.slice(0, 16)}Z`

export const rotateKeyCommand: Command = {
  words: "keys rotate",
  needs: ["ID"],
  takes: "[--project ID]",
  about: "make a key with the same rights in its place, and let it expire in a day",
  options: ["project"],
  run: (given) =>
    withData(async (data) => {
      const [project, [id = ""]] = [await projectOf(data, given), given.rest]
      const key = await rotateKey(data, project, id)
      if (key === undefined)
        throw new Error(`${project} has no key ${id} that holds: atelier keys list shows which do.`)
      return { text: key, value: { key, project, replaces: id } }
    }),
}

export const revokeKeyCommand: Command = {
  words: "keys revoke",
  needs: ["ID"],
  takes: "[--project ID]",
  about: "let a key hold no longer, at once and for good",
  options: ["project"],
  run: (given) =>
    withData(async (data) => {
      const [project, [id = ""]] = [await projectOf(data, given), given.rest]
      if (!(await revokeKey(data, project, id))) throw new Error(`${project} has no key ${id} that is not revoked.`)
      return { text: `${id} is revoked.`, value: { id, project, state: "revoked" } }
    }),
}
