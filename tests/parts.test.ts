// A generation of several calls to its vendor: none of them is forgotten because something goes wrong beside it.
import assert from "node:assert/strict"
import { after, before, it } from "node:test"
import { call, generate } from "./calls.ts"
import type { Generation } from "./calls.ts"
import { composeServer } from "./harness.ts"
import type { InProcess } from "./harness.ts"

let server: InProcess
before(async () => {
  server = await composeServer()
})
after(() => server.end())

it("a job that fails has written down first what its other calls brought", async () => {
  const { app } = server.atelier
  const failed = Promise.withResolvers<void>()
  app.log.error = () => failed.resolve()
  const { hold } = app.queue
  let holds = 0
  app.queue.hold = async (tx, job) => {
    if (++holds === 2) throw new Error("the second call could not be written down")
    return hold(tx, job)
  }
  const { body } = await generate(server, "two cups", { model: "bfl/flux-2-pro", n: 2, wait: 0 })
  await failed.promise
  const { query } = app.database
  const attempts = await query.selectFrom("attempts").select("state").where("generation_id", "=", body.id).execute()
  assert.deepEqual(
    attempts.map(({ state }) => state),
    ["pending"],
  )
  const canceled = await call<Generation>(server, `/v1/generations/${body.id}/cancel`, { method: "POST" })
  assert.equal(canceled.body.status, "canceled")
})
