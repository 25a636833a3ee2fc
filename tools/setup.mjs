// Installs what the project needs, once, and again when the lock file has changed. Runs on any Node from 20.
import { spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import { readFileSync, rmSync, writeFileSync } from "node:fs"
import { setTimeout as sleep } from "node:timers/promises"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("..", import.meta.url))
const stamp = `${root}/node_modules/.installed-from`
const lock = `${root}/.installing`
const wanted = createHash("sha256")
  .update(readFileSync(`${root}/package-lock.json`))
  .digest("hex")

function isInstalled() {
  try {
    return readFileSync(stamp, "utf8") === wanted
  } catch {
    return false
  }
}

/** Two commands started at once must not both install: the second waits for the first, if it still lives. */
async function takeLock() {
  for (;;) {
    try {
      writeFileSync(lock, String(process.pid), { flag: "wx" })
      return
    } catch (error) {
      if (error.code !== "EEXIST") throw error
    }
    if (isHeld()) await sleep(200)
    else rmSync(lock, { force: true })
  }
}

function isHeld() {
  try {
    process.kill(Number(readFileSync(lock, "utf8")), 0)
    return true
  } catch (error) {
    return error.code === "EPERM"
  }
}

function install() {
  // Everything to standard error: a command's own output must stay clean.
  console.error("Installing, once …")
  const npm = process.env.npm_execpath
  const [command, args] = npm ? [process.execPath, [npm, "ci"]] : ["npm", ["ci"]]
  const { status } = spawnSync(command, args, { cwd: root, stdio: ["inherit", 2, 2] })
  if (status === 0) writeFileSync(stamp, wanted)
  return status ?? 1
}

if (!isInstalled()) {
  await takeLock()
  process.on("exit", () => rmSync(lock, { force: true }))
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(1))
  if (!isInstalled()) process.exitCode = install()
}
