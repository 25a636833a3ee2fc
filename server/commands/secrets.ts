// Commands about the master key, and what it seals.
import { countByKey, describeUses, giveUpSealedWith, sealAnew } from "../secrets/columns.ts"
import { addKey, makeOwnFile } from "../secrets/masterKeys.ts"
import type { MasterKeys } from "../secrets/masterKeys.ts"
import { findUnopened } from "../secrets/ready.ts"
import { renewSecretSetting } from "../secrets/settings.ts"
import { newSecret } from "../webhooks/sign.ts"
import { withData, writeColumns } from "./command.ts"
import type { Command } from "./command.ts"

const fromSetting = "ATELIER_MASTER_KEY"

export const secretsStatusCommand: Command = {
  words: "secrets status",
  takes: "",
  about: "show where the master keys are, and how many secrets each of them seals",
  options: [],
  run: () =>
    withData(async ({ database, masterKeys }) => {
      const uses = await countByKey(database.query)
      const here = masterKeys.all().map(({ id }) => id)
      const ids = [...new Set([...here, ...uses.map(({ keyId }) => keyId)])]
      const value = ids.map((id) => {
        const own = uses.filter(({ keyId }) => keyId === id)
        const state = !here.includes(id) ? "missing" : id === here[0] ? "newest" : "older"
        return { key: id, state, sealed: own.reduce((sum, { count }) => sum + count, 0), what: describeUses(own) }
      })
      const rows = value.map(({ key, state, what }) => [
        ...[key, state],
        what || (state === "older" ? "nothing: it can be removed" : "nothing"),
      ])
      return { text: `${masterKeys.from}\n${writeColumns(rows)}`, value: { from: masterKeys.from, keys: value } }
    }),
}

export const newMasterKeyCommand: Command = {
  words: "secrets new-key",
  takes: "",
  about: "put a fresh master key before the others in its file; `secrets rotate` then seals everything with it",
  options: [],
  run: () =>
    withData(async ({ masterKeys }) => {
      checkIsFile(masterKeys)
      const id = await addKey(masterKeys.from)
      return { text: `${id} is the newest key in ${masterKeys.from}. Next: atelier secrets rotate`, value: { key: id } }
    }),
}

function checkIsFile({ from }: MasterKeys) {
  if (from !== fromSetting) return
  throw new Error(
    `The master key is in ${fromSetting}: set it to a fresh one, a comma and the key before it, and restart every server.`,
  )
}

export const rotateSecretsCommand: Command = {
  words: "secrets rotate",
  takes: "",
  about: "seal every secret anew with the newest master key; the server may run meanwhile",
  options: [],
  run: () =>
    withData(async (data) => {
      const count = await sealAnew(data)
      const key = data.masterKeys.newest().id
      const text = `${count} secrets were sealed anew with ${key}. \`atelier secrets status\` shows which older keys can go.`
      return { text, value: { key, sealed: count } }
    }),
}

export const forgetSecretsCommand: Command = {
  words: "secrets forget",
  needs: ["KEY"],
  takes: "",
  about:
    "give up the secrets whose master key is lost: vendor keys are deleted, webhooks disabled, links to pictures end",
  options: [],
  run: ({ rest: [key = ""] }) =>
    withData(async (data) => {
      // By its id, so that nobody gives up what only the settings of this shell do not open.
      const lost = (await findUnopened(data)).filter(({ keyId }) => keyId === key)
      if (lost.length === 0)
        throw new Error(
          `Nothing here was sealed with ${key} and cannot be opened: atelier secrets status shows what is.`,
        )
      if (data.masterKeys.all().length === 0) await makeOwnFile(data.masterKeys.from)
      const count = await giveUpSealedWith(data, key, newSecret)
      return {
        text: `Given up: ${describeUses(lost)}. Set vendor keys anew; owners of webhooks rotate and enable them.`,
        value: { lost: count },
      }
    }),
}

/** The secrets that the installation makes for itself, by what they sign. */
const ownSecrets: Record<string, string> = { links: "link-secret", "request-webhooks": "webhook-seal" }

export const renewSecretCommand: Command = {
  words: "secrets renew",
  needs: ["WHAT"],
  takes: "",
  about:
    "make a fresh secret for links (to pictures) or for request-webhooks (to URLs that requests name); once every server is restarted, what the old one signed is worth nothing",
  options: [],
  run: ({ rest: [what = ""] }) =>
    withData(async (data) => {
      const name = Object.hasOwn(ownSecrets, what) ? ownSecrets[what] : undefined
      if (name === undefined)
        throw new Error(`secrets renew takes ${Object.keys(ownSecrets).join(" or ")}, not ${what}`)
      await renewSecretSetting(data, name)
      return {
        text: `The secret for ${what} is a fresh one. Restart every server: until then it signs with the old.`,
        value: { what },
      }
    }),
}
