// Every other way out of the process, planted in a copy of the house: lint must find it outside egress/.
import assert from "node:assert/strict"
import { spawnSync } from "node:child_process"
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { basename, join } from "node:path"
import { after, before, describe, it } from "node:test"

const root = join(import.meta.dirname, "../..")

const modules = [
  ...["undici", "undici/index.js", "node:https", "https", "node:http2", "http2", "node:net", "net", "node:tls", "tls"],
  ...["node:dgram", "dgram", "node:dns", "dns", "node:dns/promises", "dns/promises", "node:module", "module"],
  ...["node:inspector", "node:inspector/promises", "node:cluster", "_http_client", "node:_tls_wrap"],
]

const forbidden = [
  ...modules.flatMap((name) => [
    `import * as all from "${name}"\nall`,
    `import one from "${name}"\none`,
    `import { one } from "${name}"\none`,
    `import { type Type, one } from "${name}"\none as Type`,
    `export { one } from "${name}"`,
    `export * from "${name}"`,
    `import "${name}"`,
    `await import("${name}")`,
  ]),
  ...["node:http", "http"].flatMap((name) => [
    `import { request } from "${name}"\nrequest`,
    `import { get as anything } from "${name}"\nanything`,
    `import { createServer, ClientRequest } from "${name}"\nnew ClientRequest(createServer)`,
    `import { Agent } from "${name}"\nAgent`,
    `import http from "${name}"\nhttp`,
    `import * as http from "${name}"\nhttp`,
    `export { request } from "${name}"`,
    `export * from "${name}"`,
  ]),
  ...["node:child_process", "child_process"].flatMap((name) => [
    ...["spawn", "spawnSync", "exec", "execSync", "execFile", "execFileSync"].map(
      (way) => `import { ${way} } from "${name}"\n${way}`,
    ),
    `import child from "${name}"\nchild`,
    `import * as child from "${name}"\nchild`,
  ]),
  ...["fetch", "WebSocket", "EventSource"].flatMap((name) => [
    `new ${name}("x")`,
    `const way = ${name}\nway`,
    `globalThis.${name}`,
    `globalThis["${name}"]`,
    `global.${name}`,
    `const { ${name}: way } = globalThis\nway`,
  ]),
  `process.getBuiltinModule("node:net")`,
  `const { getBuiltinModule } = process\ngetBuiltinModule("node:net")`,
  `import node from "node:process"\nnode.getBuiltinModule("node:net")`,
  `process.binding("tcp_wrap")`,
]

const allowed = [
  `import { createServer } from "node:http"\ncreateServer`,
  `import { fork } from "node:child_process"\nfork`,
  ...["node:http", "node:net", "node:child_process", "undici"].flatMap((name) => [
    `import type { Type } from "${name}"\nexport type Ours = Type`,
    `import { type Type } from "${name}"\nexport type Ours = Type`,
  ]),
  `export const fetchUrl = (app: { fetch: () => void }) => app.fetch()`,
]

const house = mkdtempSync(join(tmpdir(), "atelier-lint-"))
after(() => rmSync(house, { recursive: true }))

/** Writes each text to a file of its own in the folder, and answers their names. */
function plant(folder: string, texts: string[]): string[] {
  mkdirSync(join(house, folder), { recursive: true })
  return texts.map((text, index) => {
    const name = `${folder.replaceAll("/", "-")}-${index}.ts`
    writeFileSync(join(house, folder, name), text)
    return name
  })
}

type Found = { diagnostics: { filename: string; message: string; help?: string }[] }

/** The files in which lint finds a way out, beside whatever else it says of them. */
function filesWithWaysOut(): Set<string> {
  const program = join(root, "node_modules/oxlint/bin/oxlint")
  const { stdout } = spawnSync(process.execPath, [program, "-f", "json"], { cwd: house, encoding: "utf8" })
  const { diagnostics } = JSON.parse(stdout) as Found
  const waysOut = diagnostics.filter(({ message, help }) => `${message} ${help}`.includes("Only egress/ reaches out."))
  return new Set(waysOut.map(({ filename }) => basename(filename)))
}

describe("lint", () => {
  let found: Set<string>
  let planted: string[], inEgress: string[], harmless: string[]
  before(() => {
    cpSync(join(root, ".oxlintrc.json"), join(house, ".oxlintrc.json"))
    planted = plant("server/generations", forbidden)
    inEgress = plant("server/egress", forbidden)
    harmless = plant("server/http", allowed)
    found = filesWithWaysOut()
  })

  it("finds every way out of a room that is not egress/", () => {
    const missed = planted.flatMap((name, index) => (found.has(name) ? [] : [forbidden[index]]))
    assert.deepEqual(missed, [])
  })

  it("leaves them to egress/", () => {
    assert.deepEqual(
      inEgress.filter((name) => found.has(name)),
      [],
    )
  })

  it("lets others listen, start a process of ours and use types", () => {
    const wronged = harmless.flatMap((name, index) => (found.has(name) ? [allowed[index]] : []))
    assert.deepEqual(wronged, [])
  })
})
