// Commands about balances.
import { defaultProject } from "../accounts/projects.ts"
import { microsPerCredit } from "../catalogue/price.ts"
import { grantCredits, showBalance, verifyLedger } from "../credits/balance.ts"
import type { Balance } from "../credits/balance.ts"
import { refundGeneration } from "../credits/refund.ts"
import { listHistory } from "../credits/history.ts"
import { listLosses, sumLosses } from "../credits/losses.ts"
import { checkProject, readCredits, readLimit, readMode, time, withData, writeColumns } from "./command.ts"
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
      const lost = await sumLosses(data.database.query, projectId)
      const balances = await Promise.all(
        (["live", "test"] as const).map(async (mode) => {
          const balance = await showBalance(data.database.query, { projectId, mode })
          return { mode, ...inCredits(balance), lost: lost[mode] / microsPerCredit }
        }),
      )
      const lines = balances.map(
        (one) => `${one.mode}  ${one.available} credits, ${one.reserved} set aside, ${one.lost} lost by the house`,
      )
      return { text: lines.join("\n"), value: { project: projectId, balances } }
    }),
}

export const historyCommand: Command = {
  words: "credits history",
  takes: "[--project ID] [--mode test|live] [--limit NUMBER]",
  about: "list a project's entries with their reasons, newest first",
  options: ["project", "mode", "limit"],
  run: ({ options }) =>
    withData(async (data) => {
      const mode = readMode(options["mode"] ?? "live", "credits history")
      const projectId = await checkProject(data, options["project"] ?? defaultProject)
      const asked = { limit: readLimit(options["limit"]), house: true }
      const { items } = await listHistory(data.database.query, { projectId, mode }, asked)
      const entries = items.map(({ id, kind, amountMicros, availableMicros, generationId, reason, createdAt }) => ({
        ...{ id, time: time(createdAt)!, kind, amount: amountMicros / microsPerCredit },
        ...{ available: availableMicros / microsPerCredit, generation: generationId, reason },
      }))
      const rows = entries.map((one) => [
        ...[one.time, one.kind, String(one.amount), String(one.available), one.generation ?? "", one.reason],
      ])
      const text = writeColumns([["time", "kind", "amount", "available", "generation", "reason"], ...rows])
      return { text, value: { project: projectId, mode, entries } }
    }),
}

export const refundCommand: Command = {
  words: "credits refund",
  takes: "--generation ID --reason TEXT [--amount CREDITS]",
  about: "give back what a generation was charged, or a part of it; once for a generation",
  options: ["generation", "reason", "amount"],
  run: ({ options }) =>
    withData(async (data) => {
      const { generation: generationId = "", reason = "", amount } = options
      if (generationId === "") throw new Error("credits refund needs --generation")
      if (reason === "") throw new Error("credits refund needs --reason, which its project can read")
      const micros = amount === undefined ? undefined : readCredits(amount, "amount")
      const refunded = await refundGeneration(data, { generationId, micros, reason })
      const { projectId, mode } = refunded
      const credits = refunded.micros / microsPerCredit
      return {
        text: `${projectId} got ${credits} ${mode} credits back.`,
        value: { generation: generationId, project: projectId, mode, credits },
      }
    }),
}

export const unknownCommand: Command = {
  words: "credits unknown",
  takes: "[--project ID] [--limit NUMBER]",
  about: "list calls that a vendor may bill and that no project paid for, to compare with the vendor's bill",
  options: ["project", "limit"],
  run: ({ options }) =>
    withData(async (data) => {
      const { project } = options
      const projectId = project === undefined ? undefined : await checkProject(data, project)
      const rows = await listLosses(data, { projectId, limit: readLimit(options["limit"]) })
      const sums = await sumLosses(data.database.query, projectId)
      const calls = rows.map((row) => ({
        ...{ time: time(row.created_at)!, mode: row.mode, project: row.project_id, generation: row.generation_id },
        ...{ vendor: row.provider, model: row.model, vendor_model: row.vendor_model },
        ...{ credits: row.amount_micros / microsPerCredit, reason: row.reason },
      }))
      const cells = calls.map((one) => [
        ...[one.time, one.mode, one.project, one.generation, one.vendor, one.model, String(one.credits), one.reason],
      ])
      const head = ["time", "mode", "project", "generation", "vendor", "model", "credits", "reason"]
      const [live, test] = [sums.live / microsPerCredit, sums.test / microsPerCredit]
      const text = `${writeColumns([head, ...cells])}\nIn all: ${live} live credits, ${test} test credits.`
      return { text, value: { calls, credits: { live, test } } }
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
