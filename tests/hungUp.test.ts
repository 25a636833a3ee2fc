// Callers who hang up while their pictures wait for a turn: the place is free again for another.
import assert from "node:assert/strict"
import { after, before, describe, it } from "node:test"
import { createWorkshop } from "../server/derivatives/workshop.ts"
import { GatewayError } from "../server/errors.ts"
import { call, plainPng, uploadPicture } from "./calls.ts"
import { composeServer } from "./harness.ts"
import type { InProcess } from "./harness.ts"

let server: InProcess
let png: Buffer

before(async () => {
  server = await composeServer()
  png = await plainPng()
})
after(() => server.end())

describe("a caller's picture", { timeout: 60_000 }, () => {
  for (const [name, path, image] of [
    ["an upload under a name", "/v1/default/image/late", undefined],
    ["an upload in a form", "/api/upload-image-image", undefined],
    ["a picture to start from", "/v1/generations", "image"],
    ["a picture to start from, in a form", "/v1/images/edits", "image"],
  ] as const)
    it(`${name}: waits no longer to be checked once he has hung up`, async () => {
      const { inspector } = server.atelier.app
      const [waiting, left] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
      const inspect: typeof inspector.inspect = (_picture, _openDraft, over) => {
        waiting.resolve()
        over?.addEventListener("abort", () => left.resolve())
        return left.promise.then(() => {
          throw new GatewayError({ code: "unavailable" })
        })
      }
      server.atelier.app.inspector = { ...inspector, inspect }
      const hanging = new AbortController()
      const { signal } = hanging
      try {
        const form = new FormData()
        form.append(image ?? "file", new Blob([new Uint8Array(png)], { type: "image/png" }), "x.png")
        form.append("prompt", "a mill")
        const bytes = { method: "PUT", body: new Uint8Array(png), headers: { "content-type": "image/png" } }
        const input = { prompt: "a mill", image: png.toString("base64") }
        const ways = {
          "/v1/default/image/late": bytes,
          "/v1/generations": { json: { model: "openai/gpt-image-1", input, wait: 60 } },
          "/api/upload-image-image": { body: form },
          "/v1/images/edits": { body: form },
        }
        const hungUp = assert.rejects(call(server, path, { ...ways[path], signal }))
        await waiting.promise
        hanging.abort()
        await hungUp
        await left.promise
      } finally {
        server.atelier.app.inspector = inspector
      }
    })
})

describe("derivatives", { timeout: 60_000 }, () => {
  it("are waited for by so many, and no more by who has hung up", async () => {
    const { url } = await uploadPicture(server, png)
    const { app } = server.atelier
    const { workshop: usual } = app
    const narrow = createWorkshop(app.log, { atOnceMax: 1, waitingMax: 1 })
    const waits: Promise<unknown>[] = []
    const arrived = Promise.withResolvers<void>()
    const inTurn: typeof narrow.inTurn = (work, over) => {
      const wait = narrow.inTurn(work, over)
      waits.push(wait)
      arrived.resolve()
      return wait
    }
    app.workshop = { ...narrow, inTurn }
    try {
      const busy = Promise.withResolvers<void>()
      const first = narrow.inTurn(() => busy.promise)
      const hanging = new AbortController()
      const hungUp = assert.rejects(fetch(`${url}&w=20`, { signal: hanging.signal }))
      await arrived.promise
      const refused = await fetch(`${url}&w=30`)
      assert.deepEqual([refused.status, refused.headers.get("retry-after")], [503, "10"])
      hanging.abort()
      await hungUp
      await assert.rejects(waits[0]!)
      const served = fetch(`${url}&w=40`)
      busy.resolve()
      await first
      assert.equal((await served).status, 200)
    } finally {
      app.workshop = usual
      narrow.close()
    }
  })
})
