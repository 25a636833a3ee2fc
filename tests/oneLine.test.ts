// CONTRIBUTING says that a model of a known vendor is one line. Its own example is applied to a copy, which then draws.
import assert from "node:assert/strict"
import { cpSync, readFileSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { it } from "node:test"
import { call, generate } from "./calls.ts"
import { root, startServer, temporaryFolder } from "./harness.ts"

/** The lines before, added and after, of the first diff in the text. */
function readDiff(text: string) {
  const [, diff = ""] = /```diff\n(.*?)```/s.exec(text) ?? []
  const lines = diff.trimEnd().split("\n")
  const added = lines.filter((line) => line.startsWith("+"))
  const at = lines.findIndex((line) => line.startsWith("+"))
  const plain = (some: string[]) => some.map((line) => line.slice(1)).join("\n")
  return { added, before: plain(lines.slice(0, at)), after: plain(lines.slice(at + added.length)) }
}

it("a model of a known vendor is one line", async () => {
  const { added, before, after } = readDiff(readFileSync(join(root, "CONTRIBUTING.md"), "utf8"))
  assert.equal(added.length, 1)
  const copy = temporaryFolder()
  cpSync(join(root, "server"), join(copy, "server"), { recursive: true })
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"))
  const file = join(copy, "server/catalogue/bfl.ts")
  const parts = readFileSync(file, "utf8").split(`${before}\n${after}`)
  assert.equal(parts.length, 2, "the lines around it are as CONTRIBUTING shows them")
  writeFileSync(file, parts.join(`${before}\n${added[0]!.slice(1)}\n${after}`))
  const server = await startServer({}, temporaryFolder(), copy)
  try {
    const model = "bfl/flux-2-pro-preview"
    assert.equal((await call(server, `/v1/models/${model}`)).status, 200)
    const { body } = await generate(server, "a line", { model, width: 256, height: 256 })
    assert.deepEqual([body.status, body.images[0]?.width], ["succeeded", 256])
    const quoted = await call<{ credits: number }>(server, "/v1/quotes", { json: { model, input: { prompt: "x" } } })
    assert.equal(quoted.body.credits, 3)
  } finally {
    await server.kill("SIGTERM")
  }
})
