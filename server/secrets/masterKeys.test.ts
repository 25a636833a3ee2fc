import assert from "node:assert/strict"
import { randomBytes } from "node:crypto"
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, it } from "node:test"
import { temporaryFolder } from "../../tests/harness.ts"
import { addKey, makeOwnFile, openMasterKeys, readKeys } from "./masterKeys.ts"

const fresh = () => randomBytes(32)

describe("master keys as text", () => {
  it("are hex or base64 of 32 bytes, the newest first, and have an id that follows from them", () => {
    const [one, two] = [fresh(), fresh()]
    const spelled = [one.toString("hex"), one.toString("hex").toUpperCase()]
    for (const text of [...spelled, one.toString("base64"), one.toString("base64url"), ` ${one.toString("hex")}\r\n`])
      assert.deepEqual(
        readKeys(text).map(({ bytes, id }) => [bytes, id]),
        [[one, readKeys(one.toString("hex"))[0]!.id]],
      )
    for (const between of [",", "\n", ", "])
      assert.deepEqual(
        readKeys(`${two.toString("hex")}${between}${one.toString("base64")}`).map(({ bytes }) => bytes),
        [two, one],
      )
    assert.match(readKeys(one.toString("hex"))[0]!.id, /^[0-9a-f]{8}$/)
    assert.ok(!one.toString("hex").includes(readKeys(one.toString("hex"))[0]!.id))
    assert.deepEqual(readKeys(" \n"), [])
  })

  it("are refused where they are no key, guessable or twice there, and are in no message", () => {
    const twice = fresh().toString("hex")
    const refused = {
      changeme: /not 32 bytes/,
      [fresh().toString("hex").slice(1)]: /not 32 bytes/,
      [randomBytes(31).toString("base64url")]: /not 32 bytes/,
      [`${twice}\n${twice}`]: /twice/,
      ["0".repeat(64)]: /not random/,
      ["A".repeat(43)]: /not random/,
      ["deadbeef".repeat(8)]: /not random/,
      [Buffer.from(Array.from({ length: 32 }, (_, index) => index)).toString("hex")]: /not random/,
      [Buffer.from("my very secret password, 32 bytes").subarray(0, 32).toString("base64")]: /not random/,
    }
    for (const [text, why] of Object.entries(refused))
      assert.throws(
        () => readKeys(text),
        (error: Error) => why.test(error.message) && !error.message.includes(text.slice(0, 12)),
        text,
      )
  })
})

const configOf = (change: Partial<Parameters<typeof openMasterKeys>[0]> = {}) => ({
  ...{ masterKey: "", masterKeyFile: "", dataFolder: temporaryFolder() },
  ...change,
})

describe("where the master key is", () => {
  it("is the setting, the file of the setting, or one of its own in the data folder", async () => {
    const [key, other] = [fresh(), fresh()]
    assert.deepEqual(openMasterKeys(configOf({ masterKey: key.toString("hex") })).newest().bytes, key)
    const masterKeyFile = join(temporaryFolder(), "key")
    writeFileSync(masterKeyFile, other.toString("hex"))
    assert.deepEqual(openMasterKeys(configOf({ masterKeyFile })).newest().bytes, other)
    const config = configOf({ masterKey: " \n" })
    assert.deepEqual(openMasterKeys(config).all(), [])
    await makeOwnFile(join(config.dataFolder, "master-key"))
    assert.equal(openMasterKeys(config).all().length, 1)
  })

  it("is refused with the setting's or the file's name, never with a key", () => {
    const masterKey = fresh().toString("hex")
    const masterKeyFile = join(temporaryFolder(), "none")
    assert.throws(() => openMasterKeys(configOf({ masterKey, masterKeyFile })), /are both set/)
    assert.throws(() => openMasterKeys(configOf({ masterKeyFile })), /ATELIER_MASTER_KEY_FILE.*none.*openssl rand/s)
    assert.throws(
      () => openMasterKeys(configOf({ masterKey: masterKey.slice(1) })),
      (error: Error) => {
        assert.match(error.message, /ATELIER_MASTER_KEY .*key 1 is not 32 bytes/)
        return !error.message.includes(masterKey.slice(1, 9))
      },
    )
    writeFileSync(masterKeyFile, "changeme")
    assert.throws(() => openMasterKeys(configOf({ masterKeyFile })), /none cannot be used: key 1/)
  })
})

describe("the file of its own", () => {
  it("is made once, readable by its owner alone, also by several at the same time", async () => {
    const folder = temporaryFolder()
    const path = join(folder, "master-key")
    await Promise.all(Array.from({ length: 8 }, () => makeOwnFile(path)))
    const text = readFileSync(path, "utf8")
    await makeOwnFile(path)
    assert.equal(readFileSync(path, "utf8"), text)
    assert.equal(readKeys(text).length, 1)
    assert.equal(statSync(path).mode & 0o777, 0o600)
    assert.deepEqual(readdirSync(folder), ["master-key"])
  })

  it("is read again once there is a newer key in it, and does not forget one that was taken out", async () => {
    const config = configOf()
    const path = join(config.dataFolder, "master-key")
    await makeOwnFile(path)
    const keys = openMasterKeys(config)
    const first = keys.newest()
    const id = await addKey(path)
    assert.equal(statSync(path).mode & 0o777, 0o600)
    assert.deepEqual(
      keys.all().map((key) => key.id),
      [id, first.id],
    )
    assert.equal(keys.newest().id, id)
    const elsewhere = openMasterKeys(config)
    const next = await addKey(path)
    assert.equal(elsewhere.find(next)?.id, next)
    rmSync(path)
    assert.equal(elsewhere.find(first.id)?.id, first.id)
    assert.throws(() => elsewhere.newest(), /no master key/)
  })

  it("is not changed by two commands at once", async () => {
    const path = join(temporaryFolder(), "master-key")
    await makeOwnFile(path)
    writeFileSync(`${path}.new`, "")
    await assert.rejects(addKey(path), /another command is at work/)
    assert.equal(readKeys(readFileSync(path, "utf8")).length, 1)
  })
})
