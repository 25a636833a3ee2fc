import assert from "node:assert/strict"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, describe, it } from "node:test"
import { keyKinds, makeIdentity } from "../../tests/certificates.ts"
import { readSigner } from "./signer.ts"

const folder = mkdtempSync(join(tmpdir(), "atelier-signer-"))
after(() => rmSync(folder, { recursive: true }))

const read = (c2paCert: string, c2paKey: string) => readSigner({ c2paCert, c2paKey })

describe("the operator's key", () => {
  it("is none where none is set, and both settings or neither", () => {
    assert.equal(read("", ""), undefined)
    for (const [cert, key] of [["a.pem", ""] as const, ["", "a.key"] as const])
      assert.throws(() => read(cert, key), /ATELIER_C2PA_CERT and ATELIER_C2PA_KEY must be set together/)
  })

  it("is taken in every kind that C2PA signs with, with its chain", () => {
    for (const kind of Object.keys(keyKinds) as (keyof typeof keyKinds)[]) {
      const { files } = makeIdentity(folder, kind)
      const signer = read(files.cert, files.key)!
      assert.deepEqual([signer.algorithm, signer.certificates.length], [kind, 2])
      assert.match(signer.fingerprint, /^[0-9a-f]{64}$/)
      assert.equal(signer.until, Date.parse("2045-01-01"))
    }
  })

  it("is refused by the name of its setting where something is wrong, without a word of the key", () => {
    const one = makeIdentity(folder)
    const other = makeIdentity(folder, "ed25519")
    const broken = join(folder, "broken.pem")
    writeFileSync(broken, "no key")
    const authority = join(folder, "authority.pem")
    writeFileSync(authority, one.certificate.slice(one.certificate.lastIndexOf("-----BEGIN")))
    const cases: [string, string, RegExp][] = [
      [join(folder, "none"), one.files.key, /^ATELIER_C2PA_CERT must be a PEM file/],
      [broken, one.files.key, /^ATELIER_C2PA_CERT must be a PEM file of certificates: there is no certificate in it/],
      [one.files.cert, broken, /^ATELIER_C2PA_KEY must be a PEM file/],
      [one.files.cert, join(folder, "none"), /^ATELIER_C2PA_KEY must be a PEM file/],
      [one.files.cert, other.files.key, /^ATELIER_C2PA_KEY is not the key of the first certificate/],
      [authority, one.files.key, /^ATELIER_C2PA_KEY is not the key of the first certificate/],
    ]
    for (const [cert, key, message] of cases)
      assert.throws(
        () => read(cert, key),
        (error: Error) => message.test(error.message) && !error.message.includes("PRIVATE"),
      )
  })
})
