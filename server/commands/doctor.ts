// The command that looks whether an installation is well: its settings, its folders, its database, and each vendor's key.
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { readPlans } from "../accounts/plans.ts"
import { openVendorKey } from "../accounts/vendorKeys.ts"
import { readConfig } from "../config.ts"
import type { Config } from "../config.ts"
import { verifyLedger } from "../credits/balance.ts"
import { readSigner } from "../derivatives/signer.ts"
import { createNetworkSend } from "../egress/network.ts"
import type { Send } from "../egress/send.ts"
import { allProviders, knownProvider } from "../providers/all.ts"
import type { Provider } from "../providers/provider.ts"
import { lookAtSecrets } from "../secrets/check.ts"
import { diskStorage } from "../storage/disk.ts"
import { withData, writeColumns } from "./command.ts"
import type { Command, Data } from "./command.ts"

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
      const own = await lookInside()
      const findings = [
        ...(await Promise.all([lookAtPlans(config), lookAtSigner(config), lookAtStorage(config)])),
        ...own.findings,
        ...(await Promise.all([...serversKeys(config), ...own.keys].map((key) => lookAtVendor(config, key, send)))),
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

/** What the database holds: the ledger, secrets, and the vendor keys of projects. */
async function lookInside(): Promise<{ findings: Finding[]; keys: KeyInUse[] }> {
  try {
    return await withData(async (data) => {
      const findings = [await lookAtLedger(data), ...(await lookAtSafety(data))]
      return { findings, keys: await projectsKeys(data) }
    })
  } catch (error) {
    return { findings: [ill("database", (error as Error).message, "see docs/guide/configuration.md")], keys: [] }
  }
}

async function lookAtLedger({ database }: Data): Promise<Finding> {
  const { accounts, entries, faults } = await verifyLedger(database.query)
  if (faults.length === 0) return well("database", `${entries} entries on ${accounts} accounts come out`)
  return ill("database", faults.join("; "), "stop the server and restore the last backup that comes out")
}

/** The same that the server looks at before it starts. */
async function lookAtSafety(data: Data): Promise<Finding[]> {
  const concerns = await lookAtSecrets(data)
  if (concerns.length === 0) return [well("secrets", `sealed by the master key of ${data.masterKeys.from}`)]
  return concerns.map(({ what, says, do: advice, refuses }) =>
    refuses ? ill(what, says, advice) : { what, state: "unknown", says, do: advice },
  )
}

/** A vendor key, whose it is and what to look at where it is not taken. */
type KeyInUse = { provider: Provider; what: string; key: string; needs: string }

const serversKeys = ({ vendors }: Config): KeyInUse[] =>
  allProviders.flatMap((provider) => {
    const { key, needs } = vendors[provider.id]!
    return key === undefined ? [] : [{ provider, what: provider.title, key, needs }]
  })

async function projectsKeys(data: Data): Promise<KeyInUse[]> {
  const rows = await data.database.query.selectFrom("vendor_keys").selectAll().orderBy("project_id").execute()
  const known = rows.filter(({ provider }) => data.config.vendors[provider]?.hasAddress === true)
  return known.flatMap(({ project_id: project, provider: id, sealed_key }) => {
    const provider = knownProvider(id)
    const needs = `the key of ${id} that the project ${project} has set`
    try {
      return [
        { provider, what: `${provider.title} (${project})`, key: openVendorKey(data, project, id, sealed_key), needs },
      ]
    } catch {
      // Said of the master key already.
      return []
    }
  })
}

const patienceMs = 10_000

/** With the cheapest question that the vendor answers. */
async function lookAtVendor({ vendors }: Config, inUse: KeyInUse, send: Send): Promise<Finding> {
  const { provider, what, key, needs } = inUse
  const { baseUrl } = vendors[provider.id]!
  if (provider.probe === undefined)
    return { what, state: "unknown", says: "has a key; it has no question that costs nothing" }
  try {
    const request = { method: "GET" as const, url: new URL(baseUrl + provider.probe), headers: provider.authorize(key) }
    const { status, body } = await send({ ...request, signal: AbortSignal.timeout(patienceMs) })
    body.destroy()
    if (status === 401 || status === 403) return ill(what, `refused the key (${status})`, `check ${needs}`)
    if (status >= 200 && status < 300) return well(what, "took the key")
    return { what, state: "unknown", says: `answered ${status}` }
  } catch {
    return ill(what, `could not be reached at ${baseUrl}`, "check the network, and the address if you have set one")
  }
}
