// Commands about balances.
import { defaultProject } from "../accounts/projects.ts"
import { microsPerCredit } from "../catalogue/price.ts"
import { grantCredits, showBalance, verifyLedger } from "../credits/balance.ts"
import type { Balance } from "../credits/balance.ts"
import { checkProject, readCredits, readMode, withData } from "./command.ts"
import type { Command } from "./command.ts"

const inCredits = ({ availableMicros, reservedMicros }: Balance) => ({
  available: availableMicros / microsPerCredit,
  reserved: reservedMicros / microsPerCredit,
})

export const grantCommand: Command = {
  words: "credits grant",
  takes: "--mode test|live --amount CREDITS --reason TEXT [--project ID]",
  about: "give a project credits, or take them back with a negative amount",
  options: ["mode", "amount", "reason", "project"],
  run: ({ options }) =>
    withData(async (data) => {
      const mode = readMode(options["mode"], "credits grant")
      const { reason = "" } = options
      if (reason === "") throw new Error("credits grant needs --reason, which stands in the ledger for good")
      const projectId = await checkProject(data, options["project"] ?? defaultProject)
      const micros = readCredits(options["amount"], "amount")
      const balance = inCredits(await grantCredits(data, { projectId, mode }, micros, reason))
      return { text: `${projectId} has ${balance.available} ${mode} credits.`, value: { projectId, mode, ...balance } }
    }),
}

export const showCommand: Command = {
  words: "credits show",
  takes: "[--project ID]",
  about: "show a project's balances",
  options: ["project"],
  run: ({ options }) =>
    withData(async (data) => {
      const projectId = await checkProject(data, options["project"] ?? defaultProject)
      const balances = await Promise.all(
        (["live", "test"] as const).map(async (mode) => {
          const balance = await showBalance(data.database.query, { projectId, mode })
          return { mode, ...inCredits(balance) }
        }),
      )
      const lines = balances.map(
        ({ mode, available, reserved }) => `${mode}  ${available} credits, ${reserved} set aside`,
      )
      return { text: lines.join("\n"), value: { project: projectId, balances } }
    }),
}

export const verifyCommand: Command = {
  words: "credits verify",
  takes: "",
  about: "sum every entry of the ledger anew and compare",
  options: [],
  run: () =>
    withData(async (data) => {
      const { accounts, entries, faults } = await verifyLedger(data.database.query)
      if (faults.length > 0) throw new Error(`The ledger does not come out:\n${faults.join("\n")}`)
      return { text: `${entries} entries on ${accounts} accounts come out.`, value: { accounts, entries, faults } }
    }),
}
