// npm run bench: measures Atelier beside a proxy, a naive server and nginx, and says whether it is fast enough.
import { mkdirSync, writeFileSync } from "node:fs"
import { cpus } from "node:os"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import { canPin, hasProc, pinLoad } from "./processes.ts"
import { allScenarios } from "./scenarios.ts"
import type { Size } from "./scenarios.ts"
import { nginx, openServers } from "./servers.ts"
import { judge, medians, writeResults, writeVerdicts } from "./table.ts"
import type { Result } from "./table.ts"

const usage = `Usage: npm run bench -- [--quick] [--only <text>]

  --quick         one short round: enough to see a number move, not to believe it
  --only <text>   only scenarios and servers whose name holds the text, for example "64 at a time"`

const full: Size = {
  concurrencies: [1, 16, 64],
  pictures: 120,
  steadySeconds: 3,
  gets: 1_200,
  polls: 3_000,
  accepts: 3_000,
}
const quick: Size = { concurrencies: [16], pictures: 100, steadySeconds: 1, gets: 400, polls: 1_000, accepts: 1_500 }

async function main() {
  const options = { quick: { type: "boolean" }, only: { type: "string" }, help: { type: "boolean" } } as const
  const { values } = parseArgs({ options })
  if (values.help) return console.log(usage)
  const size = values.quick ? quick : full
  const all = await measureAll(size, values.quick ? 1 : 3, values.only ?? "")
  const results = medians(all)
  const verdicts = judge(results)
  console.log(`\n${writeResults(results)}\n\n${writeVerdicts(verdicts)}\n`)
  const machine = { node: process.version, platform: process.platform, cpu: cpus()[0]?.model, cores: cpus().length }
  const conditions = { pinned: canPin, nginx: nginx !== undefined, quick: values.quick ?? false }
  console.log(`Written to ${save({ at: new Date().toISOString(), machine, conditions, verdicts, results, all })}`)
}

async function measureAll(size: Size, rounds: number, only: string): Promise<Result[]> {
  sayWhatIsMissing()
  pinLoad()
  const scenarios = allScenarios(size).filter(
    ({ scenario, server, slow }) => `${scenario}: ${server}`.includes(only) && !(slow && rounds === 1),
  )
  const servers = await openServers()
  const results: Result[] = []
  // Round by round, so that whatever else the machine does meanwhile falls on all servers alike.
  for (let round = 1; round <= rounds; round++) {
    for (const { scenario, server, slow, measure } of scenarios) {
      if (slow && round > 1) continue
      console.error(`round ${round} of ${rounds}: ${scenario}: ${server}`)
      results.push({ scenario, server, values: await measure(servers) })
    }
  }
  await servers.close()
  return results
}

function sayWhatIsMissing() {
  if (!hasProc) console.log("This is not Linux: CPU time and memory cannot be read, and their columns are empty.")
  if (!canPin) console.log("Nothing is pinned: taskset or a second core is missing. Expect noise.")
  if (nginx === undefined) console.log("nginx is not installed: skipped.")
}

function save(report: { at: string; [about: string]: unknown }): string {
  const folder = new URL("results/", import.meta.url)
  mkdirSync(folder, { recursive: true })
  const path = fileURLToPath(new URL(`${report.at.replaceAll(":", "-")}.json`, folder))
  writeFileSync(path, `${JSON.stringify(report, null, 2)}\n`)
  return path
}

// Ending ends the processes that were started and removes their folder.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => process.exit(130))

await main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error)
  process.exit(1)
})
process.exit()
