// What every storage promises.
import assert from "node:assert/strict"
import { createHash, randomBytes } from "node:crypto"
import { describe, it } from "node:test"
import { readPieces } from "./pieces.ts"
import type { Storage } from "./storage.ts"

export function describeStorage(name: string, open: () => Promise<Storage>) {
  async function put(storage: Storage, parts: Buffer[]) {
    const draft = await storage.draft()
    for (const part of parts) await draft.write(part)
    return draft.seal()
  }

  const later = () => Date.now() + 60_000

  async function get(storage: Storage, sha256: string, start: number, end: number) {
    const parts: Buffer[] = []
    for await (const piece of readPieces(storage, sha256, { start, end }, "steps")) parts.push(Buffer.from(piece))
    return Buffer.concat(parts)
  }

  describe(`storage: ${name}`, () => {
    it("gives back what was kept, whole and in part, under its SHA-256", async () => {
      const storage = await open()
      const bytes = randomBytes(1_200_003)
      const sealed = await put(storage, [bytes.subarray(0, 10), bytes.subarray(10, 700_000), bytes.subarray(700_000)])
      await sealed.keep()
      assert.equal(sealed.sha256, createHash("sha256").update(bytes).digest("hex"))
      assert.equal(sealed.bytes, bytes.length)
      assert.ok(sealed.head.equals(bytes.subarray(0, 4096)))
      assert.ok((await get(storage, sealed.sha256, 0, bytes.length)).equals(bytes))
      assert.ok((await get(storage, sealed.sha256, 5, 400_009)).equals(bytes.subarray(5, 400_009)))
    })

    it("shows nothing under a name before it is kept, nor after a draft is discarded", async () => {
      const storage = await open()
      const sealed = await put(storage, [Buffer.from("one")])
      assert.equal(await storage.open(sealed.sha256), undefined)
      await sealed.discard()
      assert.equal(await storage.open(sealed.sha256), undefined)
      const draft = await storage.draft()
      await draft.write(Buffer.from("two"))
      await draft.discard()
      await draft.discard()
    })

    it("lets a draft be read before and after it is kept, and keeps it once", async () => {
      const storage = await open()
      const sealed = await put(storage, [Buffer.from("to be looked at")])
      for (const _ of ["before", "after", "again"]) {
        const object = await sealed.open()
        const buffer = Buffer.alloc(6)
        assert.deepEqual([await object.read(buffer, 3, 6), object.bytes], [6, 15])
        assert.equal(buffer.toString(), "be loo")
        await object.close()
        await sealed.keep()
        await sealed.discard()
      }
      const forgotten = await put(storage, [Buffer.from("gone")])
      await forgotten.discard()
      await assert.rejects(forgotten.open())
    })

    it("keeps the same bytes twice, at once, as one object", async () => {
      const storage = await open()
      const sealed = await Promise.all([1, 2, 3].map(() => put(storage, [Buffer.from("the same")])))
      await Promise.all(sealed.map((one) => one.keep()))
      assert.equal((await get(storage, sealed[0]!.sha256, 0, 8)).toString(), "the same")
    })

    it("forgets what is removed, and does not mind removing it again", async () => {
      const storage = await open()
      const sealed = await put(storage, [Buffer.from("gone")])
      await sealed.keep()
      for (let times = 0; times < 2; times++) await storage.remove(sealed.sha256, later())
      assert.equal(await storage.open(sealed.sha256), undefined)
    })

    it("removes nothing that was kept since a time", async () => {
      const storage = await open()
      const { sha256, keep } = await put(storage, [Buffer.from("just kept")])
      await keep()
      await storage.remove(sha256, Date.now() - 60_000)
      assert.equal((await get(storage, sha256, 0, 9)).toString(), "just kept")
    })

    it("removes drafts that nobody has touched since a time, and none that is being written", async () => {
      const storage = await open()
      const draft = await storage.draft()
      await draft.write(Buffer.from("half"))
      await storage.removeDrafts(Date.now() - 60_000)
      await draft.write(Buffer.from(" and whole"))
      const { sha256, keep } = await draft.seal()
      await keep()
      assert.equal((await get(storage, sha256, 0, 14)).toString(), "half and whole")
      const left = await put(storage, [Buffer.from("left by a crash")])
      await storage.removeDrafts(later())
      await assert.rejects(left.keep())
    })

    it("fails loudly where an object is missing or shorter than recorded", async () => {
      const storage = await open()
      await assert.rejects(get(storage, "a".repeat(64), 0, 1), /missing/)
      const sealed = await put(storage, [Buffer.from("short")])
      await sealed.keep()
      await assert.rejects(get(storage, sealed.sha256, 0, 100), /shorter/)
    })

    it("takes no name but a SHA-256", async () => {
      const storage = await open()
      for (const name of ["", "../../etc/passwd", "A".repeat(64)]) await assert.rejects(async () => storage.open(name))
    })

    it("says whether it is ready", async () => {
      await (await open()).check()
    })
  })
}
