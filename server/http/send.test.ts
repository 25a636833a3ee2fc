// Answers as they go over a real connection: to slow readers, to those who leave, and when their source breaks.
import assert from "node:assert/strict"
import { once } from "node:events"
import { createServer, request } from "node:http"
import type { IncomingMessage, ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { after, before, describe, it } from "node:test"
import { setTimeout as sleep } from "node:timers/promises"
import { flushed } from "./send.ts"

let answer: (response: ServerResponse) => Promise<void>
let answering: Promise<void>
const server = createServer((_, response) => {
  answering = answer(response)
  answering.catch(() => undefined)
})

before(async () => {
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
})
after(() => {
  server.closeAllConnections()
  server.close()
})

async function ask(): Promise<IncomingMessage> {
  const sent = request({ port: (server.address() as AddressInfo).port, host: "127.0.0.1" }).end()
  sent.on("error", () => undefined)
  return ((await once(sent, "response")) as [IncomingMessage])[0]
}

describe("writing an answer", () => {
  it("waits for a slow reader, and leaves no listener behind on a long answer", async () => {
    let most = 0
    answer = async (response) => {
      const piece = Buffer.alloc(100_000)
      for (let count = 0; count < 200; count++) {
        assert.ok(await flushed(response, piece))
        most = Math.max(most, response.listenerCount("close") + response.listenerCount("error"))
      }
      response.end()
    }
    const warnings: Error[] = []
    const onWarning = (warning: Error) => warnings.push(warning)
    process.on("warning", onWarning)
    const reply = await ask()
    let length = 0
    for await (const chunk of reply) length += (chunk as Buffer).length
    await answering
    await sleep(10)
    process.off("warning", onWarning)
    assert.equal(length, 20_000_000)
    assert.ok(most < 10, `${most} listeners`)
    assert.deepEqual(warnings, [])
  })

  it("stops once the reader has gone", async () => {
    let written = 0
    answer = async (response) => {
      while (await flushed(response, Buffer.alloc(100_000))) written++
    }
    const reply = await ask()
    await once(reply, "readable")
    reply.destroy()
    await answering
    assert.ok(written < 10_000)
  })

  it("sends a reader away who takes nothing", async () => {
    const sent: boolean[] = []
    answer = async (response) => {
      do sent.push(await flushed(response, Buffer.alloc(1_000_000), 50))
      while (sent.at(-1) === true && sent.length < 1_000)
    }
    const reply = await ask()
    reply.on("error", () => undefined)
    await answering
    assert.equal(sent.at(-1), false)
    reply.destroy()
  })

  it("says at once that a reader had already gone", async () => {
    const gone = Promise.withResolvers<boolean>()
    answer = async (response) => {
      response.write("x")
      await once(response, "close")
      gone.resolve(await flushed(response, "y"))
    }
    const reply = await ask()
    reply.destroy()
    assert.equal(await gone.promise, false)
  })
})
