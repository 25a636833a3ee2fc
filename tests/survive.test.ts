// A server that is told to stop does so in good order. How it bears being killed is tested in tests/crash/.
import assert from "node:assert/strict"
import { describe, it } from "node:test"
import { setTimeout as sleep } from "node:timers/promises"
import { call, download, generate, kindOf } from "./calls.ts"
import type { Generation } from "./calls.ts"
import { startServer } from "./harness.ts"
import { openReader } from "./crash/reader.ts"

const unhurried = { ATELIER_SANDBOX_PACE: "human" }

describe("survive: told to stop", () => {
  it("finishes the call in flight, takes nothing new, and is gone soon after with 0", async () => {
    const server = await startServer(unhurried)
    const asking = call<{ data: unknown[] }>(server, "/v1/images/generations", {
      json: { model: "gpt-image-1", prompt: "the last one", n: 2 },
    })
    const { rows } = openReader({ folder: server.dataFolder })
    while ((await rows("select id from attempts")).length === 0) await sleep(20)
    const ended = server.kill("SIGTERM")
    await sleep(100)
    const late = await generate(server, "too late", { wait: 0 }).catch(() => undefined)
    assert.ok(late === undefined || late.status === 503, "refused, or no longer listened to")
    const { status, headers, body } = await asking
    assert.deepEqual([status, body.data.length], [200, 2])
    const answeredAt = Date.now()
    assert.deepEqual(await ended, { code: 0, signal: null })
    assert.ok(Date.now() - answeredAt < 5_000, "an idle connection holds nothing up")
    const again = await startServer(unhurried, server.dataFolder)
    const found = await call<Generation>(again, `/v1/generations/${headers.get("atelier-generation")}`)
    assert.equal(found.body.status, "succeeded")
    for (const { url } of found.body.images) assert.equal(kindOf(await download(url)), "png")
    assert.equal(again.testKey, server.testKey, "the key of the first start still works")
    await again.kill("SIGKILL")
  })

  it("refuses to work on a folder on which another server works", async () => {
    const server = await startServer()
    await assert.rejects(startServer({}, server.dataFolder), /Another server already works on/)
    await server.kill("SIGKILL")
  })
})
