// npm run crash-test: a server is killed again and again while it works, and a judge reads what it left behind.
import { parseArgs } from "node:util"
import { startPostgres } from "../postgres.ts"
import { catchBugs } from "./catch.ts"
import { crash } from "./crash.ts"
import { sayFaults, sayFigures } from "./figures.ts"

const usage = `Usage: npm run crash-test -- [--generations 500] [--kills 30] [--callers 24] [--seed 1] [--postgres] [--keep]
       npm run crash-test -- --bugs [--only TEXT] [--seed 1]

  --generations   how many wishes the client has
  --kills         how often the server is killed
  --callers       how many callers there are at once
  --seed          another seed makes other wishes, mischief and kills
  --postgres      on a PostgreSQL of its own, where one is installed; SQLite without it
  --bugs [--only] plants bugs in copies of the server, one at a time, and shows which rule of the judge catches each;
                  --only takes those whose name holds a text, and may be given several times
  --keep          leaves the logs and the data behind, and says where`

const options = {
  generations: { type: "string", default: "500" },
  kills: { type: "string", default: "30" },
  callers: { type: "string", default: "24" },
  seed: { type: "string", default: "1" },
  bugs: { type: "boolean", default: false },
  only: { type: "string", multiple: true },
  postgres: { type: "boolean", default: false },
  keep: { type: "boolean", default: false },
  help: { type: "boolean", default: false },
} as const

async function main() {
  const { values } = parseArgs({ options })
  if (values.help) return console.log(usage)
  if (values.bugs) {
    if (!(await catchBugs(readCount(values.seed), values.only ?? [""]))) process.exitCode = 1
    return
  }
  const cluster = values.postgres ? await startPostgres() : undefined
  try {
    const done = await crash({
      ...{ wishes: readCount(values.generations), kills: readCount(values.kills), callers: readCount(values.callers) },
      ...{ seed: readCount(values.seed), keep: values.keep, postgres: await cluster?.newDatabase() },
    })
    console.log(sayFigures(done))
    console.log(sayFaults(done.faults))
    if (values.keep) console.log(`Logs and data are in ${done.folder}`)
    if (done.faults.length > 0) process.exitCode = 1
  } finally {
    await cluster?.end()
  }
}

function readCount(text: string): number {
  if (/^\d{1,7}$/.test(text)) return Number(text)
  throw new Error(`${text} is not a whole number.\n${usage}`)
}

// Ending ends the processes that were started and removes their folders.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => process.exit(130))

await main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error)
  process.exit(1)
})
