// The servers under test: how each is started, always fresh, with a folder of its own.
import { spawnSync } from "node:child_process"
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { coreOfLoad, coreUnderTest, findProgram, freePort, start } from "./processes.ts"
import type { Running } from "./processes.ts"
import { startFlags } from "../tools/startFlags.ts"

export type ServerName = "tuned proxy" | "plain proxy" | "naive" | "nginx" | "atelier"

/** What callers need to know; `folder` is where it keeps its files. */
export type Server = Running & { headers: Record<string, string>; folder: string }

export type Servers = {
  start: (name: ServerName) => Promise<Server>
  close: () => Promise<void>
}

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

export const nginx = findProgram("nginx")

/** Starts the imitation vendor, beside which any server can then be started. */
export async function openServers(): Promise<Servers> {
  const folder = mkdtempSync(join(tmpdir(), "atelier-bench-"))
  process.on("exit", () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }))
  const port = await freePort()
  const command = [process.execPath, here("vendor.ts")]
  const vendor = await start({ command, port, environment: { PORT: String(port) } }, coreOfLoad)
  const template = join(folder, "atelier")
  const environment = atelierEnvironment(template, vendor.url)
  const key = createKey(environment)
  let count = 0
  return {
    async start(name) {
      const own = join(folder, String(count++))
      mkdirSync(own)
      const running = await starters[name]({ folder: own, vendorUrl: vendor.url, template })
      const stop = async () => {
        await running.stop()
        rmSync(own, { recursive: true, force: true })
      }
      const headers = name === "atelier" ? { authorization: `Bearer ${key}` } : {}
      return { ...running, stop, folder: own, headers: { "content-type": "application/json", ...headers } }
    },
    close: () => vendor.stop(),
  }
}

type Place = { folder: string; vendorUrl: string; template: string }

const starters: Record<ServerName, (place: Place) => Promise<Running>> = {
  "tuned proxy": (place) => startScript("tunedProxy.ts", place),
  "plain proxy": (place) => startScript("plainProxy.ts", place),
  naive: (place) => startScript("naive.ts", place),
  nginx: startNginx,
  atelier: startAtelier,
}

const nodeCommand = (script: string, flags: string[] = []): string[] => [
  process.execPath,
  ...flags,
  "--import",
  new URL("probe.ts", import.meta.url).href,
  here(script),
]

async function startScript(script: string, { folder, vendorUrl }: Place): Promise<Running> {
  const port = await freePort()
  const environment = { PORT: String(port), VENDOR_URL: vendorUrl, FOLDER: folder }
  return start({ command: nodeCommand(script), port, environment, probeFile: join(folder, "stall") }, coreUnderTest)
}

const atelierEnvironment = (data: string, vendorUrl: string): Record<string, string> => ({
  ATELIER_DATA: data,
  ATELIER_LOG_LEVEL: "error",
  OPENAI_API_KEY: "bench",
  OPENAI_BASE_URL: `${vendorUrl}/v1`,
})

function createKey(environment: Record<string, string>): string {
  const options = { env: { ...process.env, ...environment }, encoding: "utf8" } as const
  const made = spawnSync(process.execPath, [here("../server/cli.ts"), "keys", "create", "--mode", "live"], options)
  if (made.status !== 0) throw new Error(`no key could be made:\n${made.stderr}`)
  return made.stdout.trim()
}

/** In a copy of a data folder that has a key, so that not every start has to make one. */
async function startAtelier({ folder, vendorUrl, template }: Place): Promise<Running> {
  const data = join(folder, "data")
  cpSync(template, data, { recursive: true })
  const port = await freePort()
  const environment = { ...atelierEnvironment(data, vendorUrl), ATELIER_PORT: String(port) }
  const command = nodeCommand("../server/main.ts", startFlags())
  return start({ command, port, environment, probeFile: join(folder, "stall") }, coreUnderTest)
}

/** One process that is master and worker in one, so that its CPU time is all there is. */
async function startNginx({ folder }: Place): Promise<Running> {
  if (nginx === undefined) throw new Error("nginx is not installed")
  const port = await freePort()
  const config = join(folder, "nginx.conf")
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  )
  writeFileSync(
    config,
    `daemon off; master_process off; worker_processes 1; pid ${folder}/pid; error_log stderr error;
    events { worker_connections 512; }
    http {
      access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000;
      ${temporary.join(" ")}
      server { listen 127.0.0.1:${port}; root ${folder}; default_type image/png; }
    }`,
  )
  return start({ command: [nginx, "-c", config, "-p", folder, "-e", "stderr"], port }, coreUnderTest)
}
