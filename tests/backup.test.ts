// A backup made while the server works, restored by starting a server on it.
import assert from "node:assert/strict"
import { createHash } from "node:crypto"
import { existsSync, readFileSync, rmSync, statSync } from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { it } from "node:test"
import { setTimeout as sleep } from "node:timers/promises"
import type { ImageRow } from "../server/database/tables/images.ts"
import { call, download, generate, kindOf } from "./calls.ts"
import type { Generation } from "./calls.ts"
import { atelierCommand, atelierWith, startServer, temporaryFolder } from "./harness.ts"
import type { Server } from "./harness.ts"
import { postgresMissing, runOn, runProgram, startPostgres } from "./postgres.ts"

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

/** The master key is kept apart from backups, and given to whoever starts on one. */
const keyOf = ({ dataFolder }: Server) => ({ ATELIER_MASTER_KEY_FILE: join(dataFolder, "master-key") })

function checkFiles(backup: string, images: Pick<ImageRow, "sha256" | "bytes">[]) {
  for (const { sha256, bytes } of images) {
    const file = readFileSync(join(backup, "pictures/objects", sha256.slice(0, 2), sha256))
    assert.equal(file.length, Number(bytes))
    assert.equal(createHash("sha256").update(file).digest("hex"), sha256)
  }
}

async function checkFound(restored: Server, testKey: string, generations: Generation[]) {
  for (const { id } of generations) {
    const found = await call<Generation>({ ...restored, testKey }, `/v1/generations/${id}`)
    assert.equal(found.body.status, "succeeded")
    assert.equal(kindOf(await download(found.body.images[0]!.url)), "png")
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
  checkFiles(backup, images)
  for (const path of [backup, join(backup, "atelier.sqlite")])
    assert.equal(statSync(path).mode & 0o77, 0, `nobody else may read ${path}`)

  assert.equal(existsSync(join(backup, "master-key")), false)
  await assert.rejects(startServer({}, backup), /no master key here opens/)
  const restored = await startServer(keyOf(server), backup)
  await checkFound(restored, server.testKey, [first.body, between.body])
  for (const end = Date.now() + 30_000; rowsOf(backup, open).length > 0; await sleep(100))
    assert.ok(Date.now() < end, "what was under way comes to an end")
  const verified = await atelierWith({ dataFolder: backup, environment: keyOf(server) }, "credits", "verify")
  assert.match(verified, /come out/)
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

it("a dump of PostgreSQL between two copies of the pictures is restored", { skip: postgresMissing }, async (t) => {
  const cluster = await startPostgres()
  t.after(() => cluster.end())
  const database = { ATELIER_DATABASE_URL: await cluster.newDatabase() }
  const server = await startServer(database)
  t.after(() => server.kill("SIGKILL"))
  const [backup, dump] = [join(temporaryFolder(), "backup"), join(temporaryFolder(), "atelier.dump")]
  const copyPictures = () => atelierWith({ dataFolder: server.dataFolder, environment: database }, "backup", backup)
  let stopped = false
  const asking = [1, 2].map((caller) => keepAsking(server, `caller ${caller}`, () => stopped))
  const first = await generate(server, "before all")
  await sleep(500)
  assert.match(await copyPictures(), /pg_dump.*The master key is not in it/)
  const between = await generate(server, "between the two")
  await runProgram("pg_dump", ["--format=custom", `--file=${dump}`, database.ATELIER_DATABASE_URL])
  await copyPictures()
  stopped = true
  const all = (await Promise.all(asking)).flat()
  await server.kill("SIGKILL")

  const url = await cluster.newDatabase()
  await runProgram("pg_restore", ["--no-owner", "--exit-on-error", `--dbname=${url}`, dump])
  const images = await runOn<ImageRow>(url, "select * from images")
  assert.ok(images.length > 2 && all.length + 2 > images.length, `${images.length} of ${all.length}`)
  checkFiles(backup, images)
  const environment = { ...keyOf(server), ATELIER_DATABASE_URL: url }
  const restored = await startServer(environment, backup)
  t.after(() => restored.kill("SIGKILL"))
  await checkFound(restored, server.testKey, [first.body, between.body])
  // What the other server held is taken over once its lease has run out.
  for (const end = Date.now() + 60_000; (await runOn(url, open)).length > 0; await sleep(200))
    assert.ok(Date.now() < end, "what was under way comes to an end")
  assert.match(await atelierWith({ dataFolder: backup, environment }, "credits", "verify"), /come out/)
})
