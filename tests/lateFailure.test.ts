// A stream that has begun, because its vendor takes so long, and then fails: the caller is told why.
import assert from "node:assert/strict"
import { once } from "node:events"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { it } from "node:test"
import { setTimeout as sleep } from "node:timers/promises"
import OpenAI, { APIError } from "openai"
import { createKey } from "../server/accounts/keys.ts"
import { defaultProject } from "../server/accounts/projects.ts"
import { composeServer } from "./harness.ts"

it("a stream whose vendor refuses after it has begun ends with an event that says so", async (t) => {
  const vendor = createServer(async (request, response) => {
    for await (const _ of request) continue
    await sleep(5_500)
    const error = { message: "no", type: "image_generation_user_error", code: "moderation_blocked", param: null }
    response.writeHead(400, { "content-type": "application/json" }).end(JSON.stringify({ error }))
  }).listen(0, "127.0.0.1")
  t.after(() => vendor.close().closeAllConnections())
  await once(vendor, "listening")
  const { port } = vendor.address() as AddressInfo
  const server = await composeServer({ OPENAI_API_KEY: "k", OPENAI_BASE_URL: `http://127.0.0.1:${port}/v1` })
  t.after(() => server.end())
  const apiKey = await createKey(server.atelier.app, defaultProject, "live")
  const client = new OpenAI({ apiKey, baseURL: `${server.url}/v1`, maxRetries: 0 })
  const stream = await client.images.generate({ model: "gpt-image-2", prompt: "a late no", stream: true })
  const reading = (async () => {
    for await (const event of stream) assert.fail(`there is a ${event.type}`)
  })()
  await assert.rejects(reading, (error) => error instanceof APIError && error.code === "content_refused")
})
