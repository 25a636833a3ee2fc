// Commands about API keys.
import { createKey, listKeys, revokeKey, rotateKey, scopes } from "../accounts/keys.ts"
import { defaultProject } from "../accounts/projects.ts"
import { microsPerCredit } from "../catalogue/price.ts"
import { checkProject, readCredits, readMode, time, withData, writeColumns } from "./command.ts"
import type { Command } from "./command.ts"

const wordsIn = (list: string): string[] => list.split(",").map((word) => word.trim())

function scopesIn(list: string): string[] {
  const named = wordsIn(list)
  const wrong = named.find((word) => !(scopes as readonly string[]).includes(word))
  if (wrong !== undefined) throw new Error(`--scopes: there is no ${wrong}; a key may be allowed ${scopes.join(", ")}`)
  return named
}

export const createKeyCommand: Command = {
  words: "keys create",
  takes: `--mode test|live [--project ID] [--name NAME] [--scopes ${scopes.join(",")}] [--models a/b,c/*] [--cap CREDITS]`,
  about: "make an API key and print it; it is shown only this once",
  options: ["mode", "project", "name", "scopes", "models", "cap"],
  run: ({ options }) =>
    withData(async (data) => {
      const mode = readMode(options["mode"], "keys create")
      const project = await checkProject(data, options["project"] ?? defaultProject)
      const cap = options["cap"] === undefined ? null : readCredits(options["cap"], "cap")
      const key = await createKey(data, project, mode, {
        name: options["name"] ?? "",
        scopes: options["scopes"] === undefined ? ["*"] : scopesIn(options["scopes"]),
        models: options["models"] === undefined ? null : wordsIn(options["models"]),
        capMicros: cap,
      })
      return { text: key, value: { key, project, mode } }
    }),
}

export const listKeysCommand: Command = {
  words: "keys list",
  takes: "[--project ID]",
  about: "list a project's keys, without their secrets",
  options: ["project"],
  run: ({ options }) =>
    withData(async (data) => {
      const now = data.clock.now()
      const keys = await listKeys(data, await checkProject(data, options["project"] ?? defaultProject))
      const value = keys.map((key) => ({
        ...{ id: key.id, mode: key.mode, name: key.name, ends_in: key.last4, models: readList(key.models_json) },
        cap_credits: key.cap_micros === null ? null : key.cap_micros / microsPerCredit,
        spent_credits: key.spent_micros / microsPerCredit,
        ...{ created_at: time(key.created_at), last_used_at: time(key.last_used_at), expires_at: time(key.expires_at) },
        state: key.revoked_at !== null ? "revoked" : (key.expires_at ?? now + 1) <= now ? "expired" : "active",
      }))
      const text = value.map(({ id, mode, state, ends_in, name }) => [id, mode, state, `…${ends_in}`, name])
      return { text: writeColumns(text), value }
    }),
}

const readList = (json: string | null): unknown => (json === null ? null : JSON.parse(json))

export const rotateKeyCommand: Command = {
  words: "keys rotate",
  takes: "ID [--project ID]",
  about: "make a key with the same rights in its place, and let it expire in a day",
  options: ["project"],
  run: ({ options, rest: [id = ""] }) =>
    withData(async (data) => {
      const project = await checkProject(data, options["project"] ?? defaultProject)
      const key = await rotateKey(data, project, id)
      if (key === undefined)
        throw new Error(`${project} has no key ${id} that holds: atelier keys list shows which do.`)
      return { text: key, value: { key, project, replaces: id } }
    }),
}

export const revokeKeyCommand: Command = {
  words: "keys revoke",
  takes: "ID [--project ID]",
  about: "let a key hold no longer, at once and for good",
  options: ["project"],
  run: ({ options, rest: [id = ""] }) =>
    withData(async (data) => {
      const project = await checkProject(data, options["project"] ?? defaultProject)
      if (!(await revokeKey(data, project, id))) throw new Error(`${project} has no key ${id} that is not revoked.`)
      return { text: `${id} is revoked.`, value: { id, project, state: "revoked" } }
    }),
}
