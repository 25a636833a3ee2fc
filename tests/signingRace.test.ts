// Several servers that sign the same derivative at the same time: no two signed files are the same, and one is kept.
import assert from "node:assert/strict"
import { readdirSync } from "node:fs"
import { join } from "node:path"
import { describe, it } from "node:test"
import { download, plainPng, uploadPicture } from "./calls.ts"
import { makeIdentity } from "./certificates.ts"
import { composeServer, temporaryFolder } from "./harness.ts"

describe("derivatives of several servers", { timeout: 60_000 }, () => {
  it("are the same for all: what the slower one has made is not left behind", async () => {
    const { files } = makeIdentity(temporaryFolder())
    const signed = await composeServer({ ATELIER_C2PA_CERT: files.cert, ATELIER_C2PA_KEY: files.key })
    const { workshop } = signed.atelier.app
    const objects = () =>
      readdirSync(join(signed.dataFolder, "pictures/objects"), { recursive: true }).filter((name) =>
        /[0-9a-f]{64}$/.test(String(name)),
      ).length
    try {
      const { url } = await uploadPicture(signed, await plainPng())
      const before = objects()
      const both = Promise.withResolvers<void>()
      let asking = 0
      // As two servers: each makes its own.
      workshop.once = async (_name, work) => {
        if (++asking === 2) both.resolve()
        await both.promise
        return work(new AbortController().signal)
      }
      const [one, other] = await Promise.all([download(`${url}&w=20`), download(`${url}&w=20`)])
      assert.ok(one!.equals(other!))
      assert.equal(objects(), before + 1)
      assert.ok((await download(`${url}&w=20`)).equals(one!))
    } finally {
      await signed.end()
    }
  })
})
