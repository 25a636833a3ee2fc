// The command that looks whether an installation is well: its settings, its folders, its database, and each vendor's key.
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { readPlans } from "../accounts/plans.ts"
import { readConfig } from "../config.ts"
import type { Config } from "../config.ts"
import { verifyLedger } from "../credits/balance.ts"
import { readSigner } from "../derivatives/signer.ts"
import { createNetworkSend } from "../egress/network.ts"
import type { Send } from "../egress/send.ts"
import { allProviders } from "../providers/all.ts"
import type { Provider } from "../providers/provider.ts"
import { diskStorage } from "../storage/disk.ts"
import { withData, writeColumns } from "./command.ts"
import type { Command } from "./command.ts"

type Finding = { what: string; state: "well" | "ill" | "unknown"; says: string; do?: string }

const well = (what: string, says: string): Finding => ({ what, state: "well", says })
const ill = (what: string, says: string, advice: string): Finding => ({ what, state: "ill", says, do: advice })

export const doctorCommand: Command = {
  words: "doctor",
  takes: "",
  about: "look whether settings, folders, database, clock and vendor keys are well, and say what to do",
  options: [],
  run: async () => {
    const config = readConfig(process.env, allProviders)
    const send = createNetworkSend()
    try {
      const findings = [
        ...(await Promise.all([lookAtPlans(config), lookAtSigner(config), lookAtStorage(config), lookAtDatabase()])),
        ...(await Promise.all(allProviders.map((provider) => lookAtVendor(config, provider, send)))).flat(),
      ]
      if (findings.some(({ state }) => state === "ill")) process.exitCode = 1
      const rows = findings.map(({ what, state, says, do: advice = "" }) => [state, what, says, advice])
      return { text: writeColumns(rows), value: findings }
    } finally {
      await send.close()
    }
  },
}

/** The settings themselves were read before: a wrong one has ended the command with its name. */
async function lookAtPlans({ plans }: Config): Promise<Finding> {
  try {
    return well("plans", Object.keys(readPlans(plans)).join(", "))
  } catch (error) {
    return ill("plans", (error as Error).message, "correct the file, or unset ATELIER_PLANS")
  }
}

async function lookAtSigner(config: Config): Promise<Finding> {
  try {
    const signer = readSigner(config)
    if (!signer) return well("signing", "derivatives are not signed: ATELIER_C2PA_CERT is not set")
    const day = new Date(signer.until).toISOString().slice(0, 10)
    if (signer.until > Date.now()) return well("signing", `derivatives are signed (${signer.algorithm}), until ${day}`)
    return ill("signing", `the certificate has expired on ${day}`, "get a new one, or unset ATELIER_C2PA_CERT and _KEY")
  } catch (error) {
    return ill("signing", (error as Error).message, "correct the files, or unset ATELIER_C2PA_CERT and _KEY")
  }
}

async function lookAtStorage({ dataFolder }: Config): Promise<Finding> {
  try {
    await (await diskStorage(join(dataFolder, "pictures"))).check()
    const probe = await mkdtemp(join(dataFolder, "doctor-"))
    try {
      await writeFile(join(probe, "clock"), "")
      const { mtimeMs } = await stat(join(probe, "clock"))
      const apart = Math.abs(mtimeMs - Date.now())
      if (apart > 60_000)
        return ill(
          "storage",
          `its clock is ${Math.round(apart / 1000)} seconds off`,
          "set the clocks of both machines by NTP",
        )
    } finally {
      await rm(probe, { recursive: true, force: true })
    }
    return well("storage", dataFolder)
  } catch (error) {
    return ill(
      "storage",
      (error as Error).message,
      `make ${dataFolder} writable, or set ATELIER_DATA to another folder`,
    )
  }
}

async function lookAtDatabase(): Promise<Finding> {
  try {
    return await withData(async ({ database }) => {
      const { accounts, entries, faults } = await verifyLedger(database.query)
      if (faults.length === 0) return well("database", `${entries} entries on ${accounts} accounts come out`)
      return ill("database", faults.join("; "), "stop the server and restore the last backup that comes out")
    })
  } catch (error) {
    return ill("database", (error as Error).message, "see docs/guide/configuration.md for where it lies")
  }
}

const patienceMs = 10_000

/** With the cheapest question that the vendor answers; nothing for vendors without a key. */
async function lookAtVendor({ vendors }: Config, provider: Provider, send: Send): Promise<Finding[]> {
  const { key, baseUrl, needs } = vendors[provider.id]!
  const what = provider.title
  if (key === undefined) return []
  if (provider.probe === undefined)
    return [{ what, state: "unknown", says: "has a key; it has no question that costs nothing" }]
  try {
    const request = { method: "GET" as const, url: new URL(baseUrl + provider.probe), headers: provider.authorize(key) }
    const { status, body } = await send({ ...request, signal: AbortSignal.timeout(patienceMs) })
    body.destroy()
    if (status === 401 || status === 403) return [ill(what, `refused the key (${status})`, `check ${needs}`)]
    if (status >= 200 && status < 300) return [well(what, "took the key")]
    return [{ what, state: "unknown", says: `answered ${status}` }]
  } catch {
    return [ill(what, `could not be reached at ${baseUrl}`, "check the network, and the address if you have set one")]
  }
}
