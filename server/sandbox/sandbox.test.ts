// The sandbox in the place of the network: who is reached, what goes wrong on request, and hanging up.
import assert from "node:assert/strict"
import { mkdtemp, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { buffer, text } from "node:stream/consumers"
import { describe, test } from "node:test"
import { createSandbox } from "./sandbox.ts"
import type { Sandbox, SandboxRequest } from "./sandbox.ts"

const sandbox = createSandbox({ pace: "none" })

function requestFor(word: string, { signal } = new AbortController()): SandboxRequest {
  const fields = { model: "gpt-image-1", prompt: `a kite ${word}`, output_format: "jpeg", quality: "low" }
  const chunks = async function* () {
    yield Buffer.from(JSON.stringify(fields))
  }
  const url = new URL("https://api.openai.com/v1/images/generations")
  const headers = { authorization: "Bearer k" }
  return { method: "POST", url, headers, body: { type: "application/json", chunks }, signal }
}

const generate = (word: string, to: Sandbox = sandbox) => to(requestFor(word))

test("a host that nobody imitates is not found", async () => {
  const url = new URL("https://example.com/")
  const { signal } = new AbortController()
  await assert.rejects(sandbox({ method: "GET", url, headers: {}, signal }), { code: "ENOTFOUND" })
})

describe("on request", () => {
  test("a body breaks off half-way", async () => {
    const { status, body } = await generate("sandbox:broken-body")
    assert.equal(status, 200)
    await assert.rejects(buffer(body), { code: "ECONNRESET" })
  })

  test("base64 is damaged", async () => {
    assert.match(await text((await generate("sandbox:bad-base64.")).body), /"b64_json":"@@not\*base64@@/)
  })

  test("a page comes instead of an answer", async () => {
    const { status, headers, body } = await generate("sandbox:html")
    assert.deepEqual([status, headers["content-type"]], [200, "text/html; charset=utf-8"])
    assert.match(await text(body), /^<!doctype html>/)
  })

  test("a refused rate says how long to wait", async () => {
    const { status, headers, body } = await generate("sandbox:rate-limit")
    body.destroy()
    assert.deepEqual([status, headers["retry-after"]], [429, "1"])
  })

  test("words that mean nothing change nothing", async () => {
    const { status, body } = await generate("sandbox:unheard-of")
    body.destroy()
    assert.equal(status, 200)
  })
})

describe("hanging up", () => {
  test("ends the wait for an answer that never comes, which the log shows without a status", async () => {
    const folder = await mkdtemp(join(tmpdir(), "sandbox-"))
    const caller = new AbortController()
    const waiting = createSandbox({ pace: "none", folder })(requestFor("sandbox:timeout", caller))
    const reason = new Error("hung up")
    setImmediate(() => caller.abort(reason))
    await assert.rejects(waiting, reason)
    assert.equal(JSON.parse(await readFile(join(folder, "calls.jsonl"), "utf8")).status, null)
    await rm(folder, { recursive: true })
  })

  test("ends the drawing at a human pace", async () => {
    const caller = new AbortController()
    const waiting = createSandbox({ pace: "human" })(requestFor("", caller))
    setImmediate(() => caller.abort())
    await assert.rejects(waiting, { name: "AbortError" })
  })

  test("destroys a body that nobody reads", async () => {
    const caller = new AbortController()
    const { body } = await sandbox(requestFor("sandbox:slow-drip", caller))
    caller.abort()
    await assert.rejects(buffer(body))
    assert.equal(body.destroyed, true)
  })
})
