// A backup made while the server works, restored by starting a server on it.
import assert from "node:assert/strict"
import { createHash } from "node:crypto"
import { copyFileSync, existsSync, readFileSync, rmSync, statSync } from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { it } from "node:test"
import { setTimeout as sleep } from "node:timers/promises"
import type { ImageRow } from "../server/database/tables/images.ts"
import { call, download, generate, kindOf } from "./calls.ts"
import type { Generation } from "./calls.ts"
import { atelierCommand, startServer, temporaryFolder } from "./harness.ts"
import type { Server } from "./harness.ts"

const skip = process.env["POSTGRES_FOR_TESTS"] !== undefined && "the embedded database only"

/** Asks for pictures, one after the other, until it is told to stop. */
async function keepAsking(server: Server, name: string, stopped: () => boolean): Promise<string[]> {
  const ids: string[] = []
  while (!stopped()) {
    const model = ids.length % 2 === 0 ? "openai/gpt-image-1-mini" : "bfl/flux-2-pro"
    const { status, body } = await generate(server, `${name} ${ids.length}`, {
      model,
      wait: ids.length % 3 === 0 ? 0 : 30,
    })
    assert.ok(status === 200 || status === 202)
    ids.push(body.id)
  }
  return ids
}

const open = "select id from generations where status in ('queued', 'running')"

function rowsOf<Row>(folder: string, sql: string): Row[] {
  const file = new DatabaseSync(join(folder, "atelier.sqlite"), { readOnly: true })
  try {
    return file.prepare(sql).all() as Row[]
  } finally {
    file.close()
  }
}

it("a backup made while the server works is consistent, and a server starts on it", { skip }, async () => {
  const server = await startServer()
  const backup = join(temporaryFolder(), "backup")
  let stopped = false
  const asking = [1, 2, 3, 4].map((caller) => keepAsking(server, `caller ${caller}`, () => stopped))
  const first = await generate(server, "before all")
  await sleep(500)
  await atelierCommand(server.dataFolder, "backup", backup)
  const between = await generate(server, "between the two")
  const told = JSON.parse(await atelierCommand(server.dataFolder, "backup", backup, "--json")) as { pictures: number }
  const atBackup = rowsOf(backup, open).length
  stopped = true
  const all = (await Promise.all(asking)).flat()
  await server.kill("SIGKILL")

  const images = rowsOf<ImageRow>(backup, "select * from images")
  assert.ok(images.length > 4 && told.pictures > 4 && all.length > images.length, `${images.length} of ${all.length}`)
  for (const { sha256, bytes } of images) {
    const file = readFileSync(join(backup, "pictures/objects", sha256.slice(0, 2), sha256))
    assert.equal(file.length, bytes)
    assert.equal(createHash("sha256").update(file).digest("hex"), sha256)
  }
  assert.equal(statSync(backup).mode & 0o77, 0, "nobody else may read it")

  // What opens the secrets is kept apart from what it opens.
  assert.ok(!existsSync(join(backup, "master-key")))
  await assert.rejects(startServer({}, backup), /master key/)
  copyFileSync(join(server.dataFolder, "master-key"), join(backup, "master-key"))
  const restored = await startServer({}, backup)
  const key = { ...restored, testKey: server.testKey }
  for (const { body } of [first, between]) {
    const found = await call<Generation>(key, `/v1/generations/${body.id}`)
    assert.equal(found.body.status, "succeeded")
    assert.equal(kindOf(await download(found.body.images[0]!.url)), "png")
  }
  for (const end = Date.now() + 30_000; rowsOf(backup, open).length > 0; await sleep(100))
    assert.ok(Date.now() < end, "what was under way comes to an end")
  assert.match(await atelierCommand(backup, "credits", "verify"), /come out/)
  assert.deepEqual(rowsOf(backup, "select id from jobs where kind = 'run-generation'"), [])
  console.log(`backup: ${images.length} pictures, ${atBackup} generations under way`)
  await restored.kill("SIGKILL")
})

it("a backup says where to write, and refuses the folder it is to copy", { skip }, async () => {
  const server = await startServer()
  const refused = async (...args: string[]) =>
    atelierCommand(server.dataFolder, "backup", ...args).then(
      () => assert.fail("taken"),
      ({ message }: Error) => message,
    )
  assert.match(await refused(), /needs FOLDER/)
  assert.match(await refused(server.dataFolder), /another FOLDER/)
  const { body } = await generate(server, "to be lost")
  const { sha256 } = body.images[0]!
  const objects = join(server.dataFolder, "pictures/objects", sha256.slice(0, 2))
  rmSync(join(objects, sha256))
  assert.match(await refused(join(temporaryFolder(), "b")), new RegExp(`1 pictures whose bytes are gone: ${sha256}`))
  await server.kill("SIGKILL")
})
