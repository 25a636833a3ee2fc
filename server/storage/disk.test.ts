import assert from "node:assert/strict"
import { mkdtemp, readdir, utimes } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, it } from "node:test"
import { setImmediate as nextTurn } from "node:timers/promises"
import { diskStorage } from "./disk.ts"
import { describeStorage } from "./storage.contract.ts"

const newFolder = () => mkdtemp(join(tmpdir(), "atelier-storage-"))

describeStorage("disk", async () => diskStorage(await newFolder()))

describe("storage on disk", () => {
  it("loses nothing that is kept while what was there for long is removed", async () => {
    const folder = await newFolder()
    const storage = await diskStorage(folder)
    const put = async () => {
      const draft = await storage.draft()
      await draft.write(Buffer.from("the same bytes"))
      return draft.seal()
    }
    const hourAgo = Date.now() - 3_600_000
    for (let round = 0; round < 300; round++) {
      const { sha256, keep } = await put()
      await keep()
      const long = new Date(hourAgo - 3_600_000)
      await utimes(join(folder, "objects", sha256.slice(0, 2), sha256), long, long)
      const again = await put()
      const removing = storage.remove(sha256, hourAgo)
      for (let turn = 0; turn < round % 6; turn++) await nextTurn()
      await Promise.all([removing, again.keep()])
      const object = await storage.open(sha256)
      assert.ok(object, `round ${round}`)
      await object.close()
    }
    assert.deepEqual(await readdir(join(folder, "drafts")), [])
  })
})
