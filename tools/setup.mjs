// Installs what the project needs, once, and again when the lock file has changed. Runs on any Node from 20.
import { spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import { readFileSync, writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("..", import.meta.url))
const stamp = `${root}/node_modules/.installed-from`
const wanted = createHash("sha256")
  .update(readFileSync(`${root}/package-lock.json`))
  .digest("hex")

function installed() {
  try {
    return readFileSync(stamp, "utf8")
  } catch {
    return ""
  }
}

if (installed() !== wanted) {
  // Everything to standard error: a command's own output must stay clean.
  console.error("Installing, once …")
  const npm = process.env.npm_execpath
  const [command, args] = npm ? [process.execPath, [npm, "ci"]] : ["npm", ["ci"]]
  const { status } = spawnSync(command, args, { cwd: root, stdio: ["inherit", 2, 2] })
  if (status !== 0) process.exit(status ?? 1)
  writeFileSync(stamp, wanted)
}
