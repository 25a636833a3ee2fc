// Runs the checks and every test, and closes with the names of what was skipped and why.
import { spawnSync } from "node:child_process"
import { globSync } from "node:fs"
import { run } from "node:test"
import { spec } from "node:test/reporters"

const check = spawnSync("npm", ["run", "--silent", "check"], { stdio: "inherit", shell: process.platform === "win32" })
if (check.status !== 0) process.exit(check.status ?? 1)

const skipped = []
const files = globSync(["server/**/*.test.ts", "tests/**/*.test.ts", "bench/**/*.test.ts"]).sort()
const stream = run({
  files,
  // Two cores: one file beside another, or tests that watch memory and processes disturb each other.
  concurrency: 2,
  coverage: true,
  coverageIncludeGlobs: ["server/**/*.ts"],
  coverageExcludeGlobs: ["server/**/*.test.ts", "server/**/*.contract.ts"],
})
stream.on("test:pass", ({ name, skip }) => {
  if (skip !== undefined) skipped.push(typeof skip === "string" ? `${name}: ${skip}` : name)
})
stream.on("test:fail", () => {
  process.exitCode = 1
})
stream.compose(new spec()).pipe(process.stdout)
process.on("exit", () => {
  if (skipped.length > 0) console.log(`\nSkipped here, by name:\n${skipped.map((line) => `  ${line}`).join("\n")}`)
})
