// Commands about vendor keys that projects bring themselves.
import { text } from "node:stream/consumers"
import { defaultProject } from "../accounts/projects.ts"
import { listVendorKeys, removeVendorKey, setVendorKey } from "../accounts/vendorKeys.ts"
import { describeUnopened, findUnopened } from "../secrets/ready.ts"
import { checkProject, time, withData, writeColumns } from "./command.ts"
import type { Command, Data } from "./command.ts"

export const setVendorKeyCommand: Command = {
  words: "vendor-keys set",
  needs: ["PROVIDER"],
  takes: "[--project ID] --key-stdin",
  about: "give a project a vendor key of its own, from standard input; it goes before the server's",
  options: ["project"],
  flags: ["key-stdin"],
  run: ({ options, flags, rest: [provider = ""] }) =>
    withData(async (data) => {
      if (!flags.has("key-stdin"))
        throw new Error(`A key on a command line is seen by others: printf %s "$KEY" | … ${provider} --key-stdin`)
      const project = await checkProject(data, options["project"] ?? defaultProject)
      await checkMasterKeys(data)
      const key = (await text(process.stdin)).trim()
      const { last4 } = await setVendorKey(data, project, provider, key)
      return { text: `${project} has a key of ${provider}: …${last4}`, value: { project, provider, last4 } }
    }),
}

/** A shell without the server's settings would seal with a key that the server does not have. */
async function checkMasterKeys(data: Data): Promise<void> {
  const unopened = await findUnopened(data)
  if (unopened.length > 0) throw new Error(Object.values(describeUnopened(data.masterKeys, unopened)).join("; "))
}

export const listVendorKeysCommand: Command = {
  words: "vendor-keys list",
  takes: "[--project ID]",
  about: "list a project's own vendor keys, by their last 4",
  options: ["project"],
  run: ({ options }) =>
    withData(async (data) => {
      const keys = await listVendorKeys(data, await checkProject(data, options["project"] ?? defaultProject))
      const value = keys.map(({ provider, last4, created_at, updated_at }) => ({
        ...{ provider, last4, created_at: time(created_at), updated_at: time(updated_at) },
      }))
      return { text: writeColumns(value.map(({ provider, last4 }) => [provider, `…${last4}`])), value }
    }),
}

export const removeVendorKeyCommand: Command = {
  words: "vendor-keys remove",
  needs: ["PROVIDER"],
  takes: "[--project ID]",
  about: "take a project's own vendor key away; tasks begun with it can no longer be asked for",
  options: ["project"],
  run: ({ options, rest: [provider = ""] }) =>
    withData(async (data) => {
      const project = await checkProject(data, options["project"] ?? defaultProject)
      if (!(await removeVendorKey(data, project, provider))) throw new Error(`${project} has no key of ${provider}.`)
      return { text: `${project} has no key of ${provider} any more.`, value: { project, provider, deleted: true } }
    }),
}
