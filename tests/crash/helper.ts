// Processes beside the server that nobody kills: each says where it listens, and ends when its parent is gone.
import { spawn } from "node:child_process"
import type { ChildProcess } from "node:child_process"
import { once } from "node:events"
import { join } from "node:path"

export type Helper = { url: string; stop: () => Promise<void> }

const helpers = new Set<ChildProcess>()

process.on("exit", () => {
  for (const helper of helpers) helper.kill("SIGKILL")
})

/** `script` stands in this folder. Rejects where it ends before it has said its address. */
export async function startHelper(script: string, options: object): Promise<Helper> {
  const command = [join(import.meta.dirname, script), JSON.stringify(options)]
  const child = spawn(process.execPath, command, { stdio: ["pipe", "pipe", "inherit"] })
  helpers.add(child)
  const ended = once(child, "close").then(() => helpers.delete(child))
  const said = once(child.stdout, "data").then(([text]) => String(text).trim())
  const url = await Promise.race([said, ended.then(() => Promise.reject(new Error(`${script} ended at once`)))])
  const stop = async () => {
    child.kill("SIGKILL")
    await ended
  }
  return { url, stop }
}

/** For the process itself: its standard input is open as long as its parent lives. */
export function endWithParent() {
  process.stdin.resume().once("end", () => process.exit())
}
