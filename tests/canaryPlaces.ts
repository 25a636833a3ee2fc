// Where this server writes and answers: everywhere that is searched for secrets.
import { existsSync, globSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { openData } from "../server/data.ts"
import { readConfig } from "../server/config.ts"
import { allProviders } from "../server/providers/all.ts"
import { call } from "./calls.ts"
import { atelierWith, freePort, runCommand } from "./harness.ts"
import type { Server } from "./harness.ts"

export type Place = { name: string; text: string | Buffer; mayHold?: string[] }

export type Driven = {
  server: Server
  environment: Record<string, string>
  /** A key of the project that has vendor keys of its own. */
  own: { url: string; testKey: string }
  /** Every answer that told of a failure. */
  refusals: string[]
  webhooks: string[]
}

/** Everywhere that this server writes or answers. What is there by its nature is named, and nothing else may be. */
export async function placesOf(driven: Driven): Promise<Place[]> {
  const { server, environment, own, refusals, webhooks } = driven
  const { dataFolder } = server
  const command = (...words: string[]) => atelierWith({ dataFolder, environment }, ...words)
  const metrics = await fetch(`http://${environment["ATELIER_METRICS_ADDRESS"]}/metrics`)
  const answered = async (path: string) => ({ name: path, text: (await call(server, path, { key: null })).text })
  return [
    { name: "standard error", text: server.log() },
    // The test key is shown at the start.
    { name: "standard output", text: server.said(), mayHold: ["API key, test"] },
    { name: "errors", text: refusals.join("\n") },
    // Its links to pictures are what it is for.
    { name: "webhooks", text: webhooks.join("\n"), mayHold: ["link "] },
    ...(await tablesOf(driven)),
    ...filesIn(dataFolder),
    { name: "metrics", text: await metrics.text() },
    { name: "doctor", text: (await runCommand(dataFolder, ["doctor", "--json"], { environment })).printed },
    { name: "vendor-keys list", text: await command("vendor-keys", "list", "--project", "own", "--json") },
    { name: "secrets status", text: await command("secrets", "status", "--json") },
    { name: "/v1/vendor-keys", text: (await call(own, "/v1/vendor-keys")).text },
    ...(await Promise.all(["/docs", "/openapi.json", "/healthz", "/readyz"].map(answered))),
  ]
}

/** Columns that hold what a caller said, which is his: prompts, addresses, and links in the bodies of webhooks. */
const callersOwn: Record<string, string[]> = {
  "generations.input_json": ["prompt"],
  // What a vendor made of the prompt stays with the picture.
  "attempts.pictures_json": ["prompt"],
  "images.notes_json": ["prompt"],
  "generations.references_json": ["reference", "internal host", "link inside", "password in a URL"],
  "generations.webhook_url": ["hook"],
  "webhook_endpoints.url": ["hook"],
  "webhook_deliveries.url": ["hook"],
  "webhook_deliveries.body": ["link "],
}

export const openAgain = ({ server: { dataFolder }, environment }: Pick<Driven, "server" | "environment">) =>
  openData(readConfig({ ...environment, ATELIER_DATA: dataFolder }, allProviders))

async function tablesOf(driven: Driven): Promise<Place[]> {
  const data = await openAgain(driven)
  try {
    const { query } = data.database
    const tables = await query.introspection.getTables()
    const rows = tables.map(async ({ name, columns }) => {
      const found = await query
        .selectFrom(name as "settings")
        .selectAll()
        .execute()
      return columns.map((column) => ({
        name: `${name}.${column.name}`,
        text: found.map((row) => String((row as Record<string, unknown>)[column.name])).join("\n"),
        mayHold: callersOwn[`${name}.${column.name}`] ?? [],
      }))
    })
    return (await Promise.all(rows)).flat(2)
  } finally {
    await data.database.close()
  }
}

/** The data folder but for pictures; the sandbox notes prompts, as a vendor would. */
function filesIn(dataFolder: string): Place[] {
  const held = [...new Set(Object.values(callersOwn).flat())]
  const files = globSync(["*", "sandbox/**"], { cwd: dataFolder, exclude: ["pictures"] })
  return files.flatMap((name) => {
    const path = join(dataFolder, name)
    if (!existsSync(path) || !/\.\w|key/.test(name)) return []
    const mayHold = name.startsWith("atelier.sqlite") ? held : name === "test-key" ? ["API key, test"] : ["prompt"]
    return [{ name, text: readFileSync(path), mayHold }]
  })
}

/** Settings by which it writes and answers as much as it can. */
export const watchedWays = async (): Promise<Record<string, string>> => ({
  ...{ ATELIER_EGRESS_ALLOW: "127.0.0.0/8", ATELIER_LOG_LEVEL: "debug" },
  ATELIER_METRICS_ADDRESS: `127.0.0.1:${await freePort()}`,
})
