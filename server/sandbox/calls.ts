// The log of calls: one JSON line for each request, written before its answer, so that a crash cannot hide a call.
import { appendFile, mkdir, rename, stat } from "node:fs/promises"
import { join } from "node:path"

type Call = {
  vendor: string
  method: string
  path: string
  model: string | null
  /** Its first 80 characters. */
  prompt: string | null
  /** Null where the vendor never answers. */
  status: number | null
}

export type LogCall = (call: Call) => Promise<void>

const logMaxBytes = 10 * 1024 * 1024

export function createCallLog(now: () => number, folder?: string): LogCall {
  if (folder === undefined) return async () => {}
  const path = join(folder, "calls.jsonl")
  let opening: Promise<void> | undefined
  let bytes = 0
  const open = async () => {
    await mkdir(folder, { recursive: true })
    bytes = (await stat(path).catch(() => undefined))?.size ?? 0
  }

  return async (call) => {
    await (opening ??= open())
    const line = `${JSON.stringify({ at: new Date(now()).toISOString(), ...call })}\n`
    if (bytes + line.length > logMaxBytes) {
      bytes = 0
      await rename(path, join(folder, "calls.1.jsonl")).catch(() => undefined)
    }
    bytes += line.length
    await appendFile(path, line)
  }
}
