// The Gempix2 API as its document prints it: the envelope, the job, the upload, the codes.
import assert from "node:assert/strict"
import { after, before, describe, it } from "node:test"
import { setTimeout as sleep } from "node:timers/promises"
import sharp from "sharp"
import { createKey } from "../server/accounts/keys.ts"
import { createProject } from "../server/accounts/projects.ts"
import { grantCredits } from "../server/credits/balance.ts"
import { call, download, kindOf, plainPng } from "./calls.ts"
import { composeServer, sandboxCalls } from "./harness.ts"
import type { InProcess } from "./harness.ts"

type Envelope<Data> = { code: number; msg: string; data: Data }
type Job = {
  uuid: string
  status: string
  generationType: string
  prompt: string
  aspectRatio: string
  createdAt: string
}
type State = {
  uuid: string
  status: string
  imageUrl?: string
  progress: number
  estimatedTime: number
  error?: { code: string; message: string }
}
type Refusal = { required?: number; current?: number; error: string; problems?: { param: string }[] }

let server: InProcess
before(async () => {
  server = await composeServer()
})
after(() => server.end())

type Target = { url: string; testKey: string }

const begin = (json: unknown, target: Target = server) =>
  call<Envelope<Job & Refusal>>(target, "/api/generate-image", { json })

const text = (prompt: string, more: object = {}) => ({ generationType: "text_to_image", prompt, ...more })

/** Every state until the end, as who polls sees them. */
async function follow(uuid: string, path = "image-status"): Promise<State[]> {
  const states: State[] = []
  for (let looks = 0; looks < 400; looks++, await sleep(10)) {
    const { status, body } = await call<Envelope<State>>(server, `/api/${path}/${uuid}`)
    assert.deepEqual([status, body.code, body.msg], [200, 0, "Success"])
    states.push(body.data)
    if (body.data.status === "completed" || body.data.status === "failed") return states
  }
  return assert.fail("it never ends")
}

describe("a job", () => {
  it("is begun, followed and delivered as the document's example prints it", async () => {
    const prompt = "A beautiful sunset over the ocean with waves gently lapping the shore"
    const { status, body } = await begin(text(prompt, { aspectRatio: "16:9" }))
    assert.deepEqual([status, body.code, body.msg], [200, 0, "Success"])
    const { uuid, createdAt, ...facts } = body.data
    assert.deepEqual(facts, { status: "pending", generationType: "text_to_image", prompt, aspectRatio: "16:9" })
    assert.equal(new Date(createdAt).toISOString(), createdAt)
    const states = await follow(uuid)
    for (const [index, { status: word, imageUrl, progress, estimatedTime }] of states.entries()) {
      assert.ok(["pending", "processing", "completed"].includes(word))
      assert.equal(imageUrl !== undefined, word === "completed", "a link only when it is there")
      assert.ok(Number.isInteger(progress) && progress <= 100 && (progress === 100) === (word === "completed"))
      assert.ok(progress >= (states[index - 1]?.progress ?? 0), "progress never falls")
      assert.ok(Number.isInteger(estimatedTime) && estimatedTime >= 0)
    }
    const picture = await download(states.at(-1)!.imageUrl!)
    const { width = 0, height = 0 } = await sharp(picture).metadata()
    assert.ok(Math.abs(width / height - 16 / 9) < 0.1, `${width}x${height}`)
    assert.equal(states.at(-1)?.estimatedTime, 0)
  })

  it("is found under the other spelling of its path as well", async () => {
    const { body } = await begin(text("a ferry"))
    assert.equal((await follow(body.data.uuid, "images-status")).at(-1)?.status, "completed")
  })

  it("says why it failed, and has no link then", async () => {
    const { body } = await begin(text("sandbox:moderation ferry"))
    const last = (await follow(body.data.uuid)).at(-1)!
    assert.deepEqual([last.status, last.error?.code, last.imageUrl], ["failed", "content_refused", undefined])
  })

  it("may name another model than the one this server is set to", async () => {
    const { body } = await begin(text("a dinghy", { model: "bfl/flux-2-pro", aspectRatio: "1:1" }))
    await follow(body.data.uuid)
    assert.equal(sandboxCalls(server).find(({ prompt }) => prompt === "a dinghy")?.vendor, "bfl")
  })
})

describe("an uploaded picture", () => {
  async function upload(bytes: Buffer, type: string, name = "file", headers: Record<string, string> = {}) {
    const form = new FormData()
    form.append(name, new Blob([new Uint8Array(bytes)], { type }), "image.jpg")
    return call<Envelope<{ imageUrl: string; imageKey: string } & Refusal>>(server, "/api/upload-image-image", {
      ...{ body: form, headers },
    })
  }

  it("is taken once however often it is sent under one Idempotency-Key", async () => {
    const [one, other] = [await plainPng({ width: 40 }), await plainPng({ width: 41 })]
    const keyed = { "idempotency-key": "one-upload" }
    const replies = await Promise.all([1, 2, 3].map(() => upload(one, "image/png", "file", keyed)))
    const again = await upload(one, "image/png", "file", keyed)
    assert.equal(new Set([...replies, again].map(({ body }) => body.data.imageKey)).size, 1)
    assert.equal(again.headers.get("idempotent-replayed"), "true")
    const different = await upload(other, "image/png", "file", keyed)
    assert.deepEqual([different.status, different.body.data.error], [422, "idempotency_mismatch"])
    const fresh = await upload(one, "image/png")
    assert.notEqual(fresh.body.data.imageKey, again.body.data.imageKey)
  })

  it("is kept as it came, under a key and a link that needs none, and can be started from by either", async () => {
    const jpeg = await sharp(await plainPng({ width: 200, height: 100 }))
      .flatten()
      .jpeg()
      .toBuffer()
    const { status, body } = await upload(jpeg, "image/jpeg")
    assert.deepEqual([status, body.code, body.msg], [200, 0, "Upload successful"])
    const { imageUrl, imageKey } = body.data
    assert.deepEqual(await download(imageUrl), jpeg)
    for (const start of [{ imageKey }, { imageUrl }, { imageUrl, imageKey }]) {
      const begun = await begin({ generationType: "image_to_image", prompt: "the same in oil", ...start })
      assert.equal(begun.body.code, 0, JSON.stringify(begun.body))
      const last = (await follow(begun.body.data.uuid)).at(-1)!
      assert.ok(kindOf(await download(last.imageUrl!)))
    }
  })

  it("is refused where it is none, or comes under another name", async () => {
    const wrong = await upload(Buffer.from("<svg/>"), "image/png")
    assert.deepEqual([wrong.status, wrong.body.code, wrong.body.data.error], [415, 1000, "image_type_not_allowed"])
    const named = await upload(await plainPng(), "image/png", "picture")
    assert.deepEqual([named.status, named.body.code], [400, 1000])
    assert.match(named.body.msg, /file/)
  })
})

describe("the codes", () => {
  it("are 1000 for what is wrong with a request, with every wrong field", async () => {
    const cases: [unknown, RegExp][] = [
      [{ generationType: "text_to_image" }, /prompt/],
      [{ generationType: "text_to_video", prompt: "x" }, /generationType/],
      [text("x", { aspectRatio: "2:1" }), /aspectRatio/],
      [text("x", { colour: "red" }), /colour/],
      [text("x", { imageUrl: "https://example.com/a.png" }), /image_to_image/],
      [{ generationType: "image_to_image", prompt: "x" }, /imageUrl is missing/],
      [{ generationType: "image_to_image", prompt: "x", imageKey: "r2-key-none" }, /imageUrl must be/],
    ]
    for (const [json, message] of cases) {
      const { status, body } = await begin(json)
      assert.deepEqual([status, body.code], [400, 1000], JSON.stringify(body))
      assert.match(body.msg, message)
      assert.ok(body.data.problems!.length >= 1)
    }
    const unknown = await call<Envelope<Refusal>>(server, "/api/image-status/image-uuid-123")
    assert.deepEqual([unknown.status, unknown.body.code], [404, 1000])
  })

  it("are 1001 with what is required and what there is, 1002 for a wrong key, 1003 for too many", async () => {
    const { app } = server.atelier
    await createProject(app, { id: "poor", plan: "free" })
    await grantCredits(app, { projectId: "poor", mode: "test" }, 1_000_000, "one credit")
    const poor = { url: server.url, testKey: await createKey(app, "poor", "test") }
    const broke = await begin(text("x"), poor)
    assert.deepEqual([broke.status, broke.body.code], [402, 1001])
    assert.deepEqual([broke.body.data.required, broke.body.data.current], [3.78, 1])
    const wrong = await begin(text("x"), { url: server.url, testKey: "YOUR_API_KEY" })
    assert.deepEqual([wrong.status, wrong.body.code], [401, 1002])
    const told = await Promise.all(Array.from({ length: 10 }, () => begin(text("x"), poor)))
    const limited = told.find(({ status }) => status === 429)!
    assert.equal(limited.body.code, 1003)
    assert.equal(limited.headers.get("x-ratelimit-remaining"), "0")
  })

  it("are 5000 for what is wrong with this server", async () => {
    const { app } = server.atelier
    const key = await createKey(app, "default", "live")
    const { status, body } = await begin(text("x"), { url: server.url, testKey: key })
    assert.deepEqual([status, body.code, body.data.error], [503, 5000, "provider_unavailable"])
  })
})
