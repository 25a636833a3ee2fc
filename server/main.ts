// Starts the server: reads the settings, opens the data folder, listens, and says where.
import { readFile, writeFile } from "node:fs/promises"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import { createKey, findKeyHolder } from "./accounts/keys.ts"
import { defaultProject } from "./accounts/projects.ts"
import { composeAtelier } from "./compose.ts"
import type { Atelier } from "./compose.ts"
import { addressHere, readConfig } from "./config.ts"
import type { Config } from "./config.ts"
import { describeCause } from "./log.ts"
import { allProviders } from "./providers/all.ts"

async function main() {
  const config = readConfig(process.env, allProviders)
  const atelier = await composeAtelier(config)
  await listen(config, atelier)
  const { port } = atelier.server.server.address() as AddressInfo
  console.log(banner(config, port, await readyTestKey(config, atelier)) + warnings(atelier))
  stopOnSignals(atelier)
}

async function listen({ host, port }: Config, { server }: Atelier): Promise<void> {
  try {
    await server.listen({ host, port })
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const advice = {
      EADDRINUSE: "Something else listens there; set ATELIER_PORT.",
      EACCES: "Set ATELIER_PORT above 1023.",
    }
    const known = advice[code as keyof typeof advice] ?? "Check ATELIER_HOST and ATELIER_PORT."
    throw new Error(`Cannot listen on ${host}:${port}. ${known} (${message})`, { cause: error })
  }
}

/** A test key costs nothing and reaches no vendor, so it may lie in a file for the next start to show again. */
async function readyTestKey(config: Config, { app }: Atelier): Promise<string> {
  const path = join(config.dataFolder, "test-key")
  const known = await readFile(path, "utf8").catch(() => "")
  if (await findKeyHolder(app, known.trim())) return known.trim()
  const key = await createKey(app, defaultProject, "test")
  await writeFile(path, `${key}\n`, { mode: 0o600 })
  return key
}

function banner(config: Config, port: number, key: string): string {
  const address = addressHere({ ...config, port })
  const live = Object.entries(config.vendors).flatMap(([id, { key: vendorKey }]) => (vendorKey ? [id] : []))
  return `
Atelier   ${address}
Docs      ${address}/docs
Data      ${config.dataFolder}
Vendors   ${live.length > 0 ? live.join(", ") : "no key set; test keys work without any"}
Test key  ${key}

Try it:
curl -s ${address}/v1/generations -H 'Authorization: Bearer ${key}' -H 'Content-Type: application/json' -d '{"model":"bfl/flux-2-pro","input":{"prompt":"a small boat on a still lake under the northern lights"},"wait":60}'
`
}

const warnings = ({ concerns }: Atelier): string =>
  concerns.map(({ what, says, do: advice }) => `\nWarning   ${what}: ${says}; ${advice}`).join("")

const lookForParentEveryMs = 500

function stopOnSignals(atelier: Atelier) {
  let stopping = false
  const stop = async (signal: string) => {
    if (stopping) return
    stopping = true
    console.log(`${signal}: finishing what is under way, taking nothing new.`)
    await atelier.stop()
    process.exit(0)
  }
  for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => void stop(signal))
  // The shell that npm puts between dies of a signal without passing it on.
  const parent = process.ppid
  if (process.env["npm_lifecycle_event"] !== undefined)
    setInterval(() => process.ppid !== parent && void stop("npm has ended"), lookForParentEveryMs).unref()
}

// Node itself would print all that hangs on the error: what was sent, and where to.
process.on("uncaughtException", (error) => {
  console.error(JSON.stringify({ level: 60, time: Date.now(), err: describeCause(error), msg: "the server ends" }))
  process.exit(1)
})

await main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error)
  process.exit(1)
})
