// Other people's clients in Python: installed once, in an environment of their own below node_modules.
import { execFile } from "node:child_process"
import { createHash } from "node:crypto"
import { existsSync } from "node:fs"
import { mkdir, open, rm, stat, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { promisify } from "node:util"
import { root } from "../harness.ts"

const run = promisify(execFile)
const installMaxMs = 300_000
const scriptMaxMs = 60_000

/**
 * The path of a Python that has these packages ("name==version"), or why there is none: for the skip option of a test.
 * Only a machine without Python is a reason; that a package does not install is thrown.
 */
export async function pythonWith(...packages: string[]): Promise<{ python: string } | { missing: string }> {
  const usable = await run("python3", ["-c", "import venv, ensurepip"]).then(
    () => true,
    () => false,
  )
  if (!usable) return { missing: "python3 with venv is not installed" }
  const name = createHash("sha256").update(packages.join(" ")).digest("hex").slice(0, 12)
  const folder = join(root, "node_modules", ".cache", `python-${name}`)
  const stamp = join(folder, "complete")
  await mkdir(join(folder, ".."), { recursive: true })
  // Files of tests run side by side, and two of them may want the same packages.
  while (!existsSync(stamp)) {
    const mine = await open(`${folder}.lock`, "wx").catch(() => undefined)
    if (!mine) {
      await waitForOther(`${folder}.lock`)
      continue
    }
    try {
      await install(folder, packages)
      await writeFile(stamp, packages.join("\n"))
    } finally {
      await mine.close()
      await rm(`${folder}.lock`, { force: true })
    }
  }
  return { python: join(folder, "bin", "python") }
}

/** One that was interrupted leaves its lock behind. */
async function waitForOther(lock: string) {
  const age = await stat(lock).then(
    ({ mtimeMs }) => Date.now() - mtimeMs,
    () => 0,
  )
  if (age > installMaxMs) await rm(lock, { force: true })
  await sleep(200)
}

async function install(folder: string, packages: string[]) {
  await rm(folder, { recursive: true, force: true })
  await run("python3", ["-m", "venv", folder])
  const command = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", ...packages]
  await run(join(folder, "bin", "python"), command, { timeout: installMaxMs })
}

/** Runs a script and answers what it printed, as JSON. Throws with what it wrote to standard error. */
export async function runPython<Printed>(python: string, script: string, environment: Record<string, string>) {
  const env = { PATH: process.env["PATH"] ?? "", NO_PROXY: "127.0.0.1", ...environment }
  const { stdout } = await run(python, ["-c", script], { env, timeout: scriptMaxMs })
  return JSON.parse(stdout) as Printed
}
