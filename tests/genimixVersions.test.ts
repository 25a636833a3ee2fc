// Genimix' ids over time: the same request again, and what happens to an id while its picture is being made.
import assert from "node:assert/strict"
import { createHash } from "node:crypto"
import { after, before, describe, it } from "node:test"
import { setTimeout as sleep } from "node:timers/promises"
import { createKey, findKeyHolder } from "../server/accounts/keys.ts"
import { defaultProject } from "../server/accounts/projects.ts"
import { startGeneration } from "../server/generations/start.ts"
import { call, plainPng } from "./calls.ts"
import { composeServer, sandboxCalls, startServer } from "./harness.ts"
import type { InProcess } from "./harness.ts"

type Body = { success: boolean; code: string }

let server: InProcess
before(async () => {
  server = await composeServer()
})
after(() => server.end())

type Target = Pick<InProcess, "url" | "testKey">

const city = { provider: "google", modelId: "imagen-3.0-generate-002" }
const generatePath = (id: string) => `/v1/${defaultProject}/generate/${id}`
const imagePath = (id: string) => `/v1/${defaultProject}/image/${id}`

const make = (id: string, json: unknown, key = server.testKey) =>
  call<Body>(server, generatePath(id), { method: "PUT", json, key })

const remove = (id: string) => call<Body>(server, imagePath(id), { method: "DELETE" })

function upload(id: string, bytes: Buffer) {
  const body = new Uint8Array(bytes)
  return call<Body>(server, imagePath(id), { method: "PUT", body, headers: { "content-type": "image/png" } })
}

async function read(id: string, { url, testKey }: Target = server) {
  const response = await fetch(url + imagePath(id), { headers: { "x-api-key": testKey } })
  return { status: response.status, headers: response.headers, bytes: Buffer.from(await response.arrayBuffer()) }
}

async function shaOf(id: string): Promise<string> {
  const { headers, bytes } = await read(id)
  const sha = createHash("sha256").update(bytes).digest("hex")
  assert.equal(headers.get("etag"), `"${sha}"`)
  return sha
}

/** How often vendors were asked for this very prompt. */
const callsFor = (prompt: string, { dataFolder }: Pick<InProcess, "dataFolder"> = server): number =>
  sandboxCalls({ dataFolder }).filter((one) => one.method === "POST" && one.prompt === prompt).length

/** Resolves once the vendor has been asked. */
async function asked(prompt: string) {
  while (callsFor(prompt) === 0) await sleep(20)
}

const refusal = ({ status, body }: { status: number; body: Body }) => [status, body.success, body.code]

describe("Genimix: the same request again", { concurrency: true }, () => {
  it("is answered with what it made, however it is written, and nothing is made again", async () => {
    const prompt = "a red kite"
    const one = await make("kite", { ...city, prompt, seed: null })
    const { bytes } = await read("kite")
    const other = await make("kite", { seed: null, prompt, modelId: city.modelId, provider: city.provider })
    assert.deepEqual([one.status, other.status, other.body], [200, 200, one.body])
    assert.equal(other.headers.get("atelier-generation"), one.headers.get("atelier-generation"))
    assert.deepEqual(
      [one, other].map(({ headers }) => headers.get("idempotent-replayed")),
      [null, "true"],
    )
    assert.ok((await read("kite")).bytes.equals(bytes))
    assert.equal(callsFor(prompt), 1)
  })

  it("is answered once it is done while it is being made, by however many it was asked", async () => {
    const prompt = "a crowd sandbox:slow"
    const replies = await Promise.all(Array.from({ length: 12 }, () => make("crowd", { ...city, prompt })))
    assert.deepEqual(new Set(replies.map(({ status }) => status)), new Set([200]))
    assert.equal(new Set(replies.map(({ headers }) => headers.get("atelier-generation"))).size, 1)
    assert.equal(callsFor(prompt), 1)
  })

  it("begins nothing of its own where both came at the same moment", async () => {
    const { app } = server.atelier
    const caller = (await findKeyHolder(app, server.testKey))!
    const imageName = { name: "twins", fingerprint: "f".repeat(64), mode: "test" as const }
    const parameters = { prompt: "twins" }
    const wanted = {
      dialect: "genimix",
      model: "gpt-image-1",
      parameters,
      received: new Map(),
      waited: true,
      imageName,
    }
    const started = await Promise.all(Array.from({ length: 8 }, () => startGeneration(app, caller, wanted)))
    assert.equal(new Set(started.map(({ id }) => id)).size, 1)
  })

  it("of another content, under another id or by another kind of key, is another", async () => {
    const prompt = "a blue kite"
    await make("blue", { ...city, prompt })
    await make("blue-2", { ...city, prompt })
    assert.equal(callsFor(prompt), 2)
    const sha = await shaOf("blue")
    assert.equal((await make("blue", { ...city, prompt: "a green kite" })).status, 200)
    assert.notEqual(await shaOf("blue"), sha)
    await make("blue", { ...city, prompt })
    assert.equal(callsFor(prompt), 3, "what was replaced is a new version again")
    const live = await createKey(server.atelier.app, defaultProject, "live")
    const { body } = await make("blue", { ...city, prompt }, live)
    assert.equal(body.code, "provider_unavailable", "the sandbox's picture is not what a live key asks for")
  })

  it("is tried again where it failed, and what the id meant before stays until then", async () => {
    const prompt = "a storm sandbox:moderation"
    await make("weather", { ...city, prompt: "a breeze" })
    const sha = await shaOf("weather")
    for (const _ of [1, 2])
      assert.deepEqual(refusal(await make("weather", { ...city, prompt })), [422, false, "content_refused"])
    assert.equal(callsFor(prompt), 2)
    assert.equal(await shaOf("weather"), sha)
    await make("weather", { ...city, prompt: "a breeze" })
    assert.equal(callsFor("a breeze"), 1, "the picture that is there is this one")
  })

  it("makes it anew after an upload or a deletion", async () => {
    const prompt = "a bridge"
    await make("bridge", { ...city, prompt })
    await upload("bridge", await plainPng())
    await make("bridge", { ...city, prompt })
    assert.equal(callsFor(prompt), 2)
    await remove("bridge")
    await make("bridge", { ...city, prompt })
    assert.equal(callsFor(prompt), 3)
  })
})

describe("Genimix: while a picture is being made", { concurrency: true }, () => {
  before(() => make("first", { ...city, prompt: "the first call" }))

  it("its id can be deleted; it ends, but does not get the id any more", async () => {
    const prompt = "a ghost sandbox:slow"
    const making = make("ghost", { ...city, prompt })
    await asked(prompt)
    assert.equal((await read("ghost")).status, 404)
    assert.equal((await remove("ghost")).status, 200)
    assert.equal((await remove("ghost")).status, 404)
    const { status, headers } = await making
    assert.equal(status, 200)
    assert.equal((await read("ghost")).status, 404)
    const id = headers.get("atelier-generation")!
    const { body } = await call<{ images: { id: string }[] }>(server, `/v1/generations/${id}`)
    assert.equal((await call(server, `/v1/images/${body.images[0]!.id}`)).status, 200, "it was paid for and is kept")
  })

  it("an upload of the same id comes after it, and stays", async () => {
    const prompt = "a tortoise sandbox:slow"
    const png = await plainPng({ width: 31 })
    const making = make("race", { ...city, prompt })
    await asked(prompt)
    await upload("race", png)
    assert.equal((await making).status, 200)
    assert.ok((await read("race")).bytes.equals(png))
  })

  it("another request of the same id comes after it, and stays", async () => {
    const prompt = "a hare sandbox:slow"
    const making = make("last", { ...city, prompt })
    await asked(prompt)
    await make("last", { ...city, prompt: "a snail" })
    const sha = await shaOf("last")
    assert.equal((await making).status, 200)
    assert.equal(await shaOf("last"), sha)
  })

  it("the caller may hang up: it gets its id all the same", async () => {
    const prompt = "a lighthouse sandbox:slow"
    const hangUp = new AbortController()
    const json = { ...city, prompt }
    const calling = call(server, generatePath("alone"), { method: "PUT", json, signal: hangUp.signal }).catch(
      () => undefined,
    )
    await asked(prompt)
    hangUp.abort()
    await calling
    const { status } = await make("alone", json)
    assert.deepEqual([status, callsFor(prompt)], [200, 1])
    assert.equal((await read("alone")).status, 200)
  })
})

describe("Genimix: a server that is killed while a picture is being made", () => {
  it("goes on when it is started again, and gives the picture its id", async () => {
    const json = { provider: "bfl", modelId: "flux-2-pro", prompt: "a phoenix sandbox:slow" }
    const first = await startServer()
    const sending = { method: "PUT", json }
    const broken = call(first, generatePath("phoenix"), sending).catch(() => undefined)
    for (const end = Date.now() + 20_000; (await read("phoenix", first)).status === 404; await sleep(100)) {
      const rows = await call<{ data: { status: string }[] }>(first, "/v1/generations")
      if (rows.body.data[0]?.status === "running") break
      assert.ok(Date.now() < end)
    }
    // The vendor's task is written down by now.
    await sleep(1_000)
    await first.kill("SIGKILL")
    await broken
    const second = await startServer({}, first.dataFolder)
    for (const end = Date.now() + 20_000; (await read("phoenix", second)).status !== 200; await sleep(100))
      assert.ok(Date.now() < end, "it gets its id, though nobody asks again")
    const again = await call<Body>(second, generatePath("phoenix"), sending)
    assert.deepEqual([again.status, callsFor(json.prompt, second)], [200, 1])
    await second.kill("SIGTERM")
  })
})
