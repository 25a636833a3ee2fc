// Pictures behind their links: what a browser, a download manager and somebody who guesses get.
import assert from "node:assert/strict"
import { createHash } from "node:crypto"
import { after, before, describe, it } from "node:test"
import { generate, kindOf } from "./calls.ts"
import type { Picture } from "./calls.ts"
import { composeServer } from "./harness.ts"
import type { InProcess } from "./harness.ts"

let server: InProcess
let picture: Picture
let whole: Buffer

before(async () => {
  server = await composeServer()
  picture = (await generate(server, "a picture to link to", { output_format: "webp" })).body.images[0]!
  whole = Buffer.from(await (await get()).arrayBuffer())
})
after(() => server.end())

const get = (headers: Record<string, string> = {}, url = picture.url, method = "GET") => fetch(url, { method, headers })
const bytesOf = async (response: Response) => Buffer.from(await response.arrayBuffer())

describe("links: whole", () => {
  it("gives the very bytes without a key, with their type and nothing to sniff", async () => {
    const response = await get()
    assert.equal(response.status, 200)
    assert.equal(whole.length, picture.bytes)
    assert.equal(createHash("sha256").update(whole).digest("hex"), picture.sha256)
    assert.equal(kindOf(whole), "webp")
    const { headers } = response
    assert.equal(headers.get("content-type"), "image/webp")
    assert.equal(headers.get("content-length"), String(picture.bytes))
    assert.equal(headers.get("x-content-type-options"), "nosniff")
    assert.equal(headers.get("content-security-policy"), "default-src 'none'; sandbox")
    assert.equal(headers.get("cross-origin-resource-policy"), "cross-origin")
    assert.deepEqual([headers.get("content-disposition"), headers.get("set-cookie")], [null, null])
    assert.equal(headers.get("accept-ranges"), "bytes")
    assert.match(headers.get("cache-control") ?? "", /^private, max-age=86[34]\d\d$/)
    assert.match(headers.get("x-request-id") ?? "", /^req_/)
  })

  it("gives them by the id alone to who has the key", async () => {
    const address = `${server.url}/v1/images/${picture.id}`
    const response = await get({ authorization: `Bearer ${server.testKey}` }, address)
    assert.ok((await bytesOf(response)).equals(whole))
    // What a browser keeps of it is not shown to who has no key.
    assert.equal(response.headers.get("cache-control"), "private, no-cache")
    assert.equal((await get({ "if-none-match": response.headers.get("etag")! }, address)).status, 401)
    assert.equal((await get({}, address)).status, 401)
  })

  it("are saved, never opened, should a row say that they are anything else than the four kinds", async () => {
    const { query } = server.atelier.app.database
    const row = query.updateTable("images").where("id", "=", picture.id)
    await row.set({ media_type: "image/svg+xml" }).execute()
    try {
      assert.equal((await get()).headers.get("content-disposition"), "attachment")
    } finally {
      await row.set({ media_type: "image/webp" }).execute()
    }
  })

  it("tells the head alone to HEAD", async () => {
    const response = await get({}, picture.url, "HEAD")
    assert.equal(response.status, 200)
    assert.equal(response.headers.get("content-length"), String(picture.bytes))
    assert.equal(response.headers.get("content-type"), "image/webp")
    assert.equal((await bytesOf(response)).length, 0)
  })

  it("says 304 to who has it, by any form of the tag, and sends it to who has another", async () => {
    const tag = (await get()).headers.get("etag")!
    for (const header of [tag, `W/${tag}`, `"other", ${tag}`, "*"]) {
      const response = await get({ "if-none-match": header })
      assert.deepEqual([response.status, (await bytesOf(response)).length], [304, 0], header)
      assert.equal(response.headers.get("etag"), tag)
    }
    assert.equal((await get({ "if-none-match": '"other"' })).status, 200)
  })
})

describe("links: parts", () => {
  it("gives the part asked for", async () => {
    const { bytes } = picture
    for (const [range, start, end] of [
      ["bytes=0-0", 0, 1],
      ["bytes=0-99", 0, 100],
      ["bytes=100-", 100, bytes],
      ["bytes=-50", bytes - 50, bytes],
      [`bytes=-${bytes * 2}`, 0, bytes],
      [`bytes=5-${bytes + 5}`, 5, bytes],
      [`bytes=${bytes - 1}-${bytes - 1}`, bytes - 1, bytes],
    ] as const) {
      const response = await get({ range })
      assert.equal(response.status, 206, range)
      assert.equal(response.headers.get("content-range"), `bytes ${start}-${end - 1}/${bytes}`)
      assert.equal(response.headers.get("content-length"), String(end - start))
      assert.ok((await bytesOf(response)).equals(whole.subarray(start, end)), range)
    }
  })

  it("says 416, with the length there is, to a part beyond the end", async () => {
    for (const range of [`bytes=${picture.bytes}-`, "bytes=99999999-99999999", "bytes=-0"]) {
      const response = await get({ range })
      assert.equal(response.status, 416, range)
      assert.equal(response.headers.get("content-range"), `bytes */${picture.bytes}`)
      assert.equal((await bytesOf(response)).length, 0)
    }
  })

  it("gives the whole to what it does not serve in parts", async () => {
    for (const range of ["bytes=0-1,5-6", "lines=1-2", "bytes=9-3", "bytes=a-b", "bytes=-"])
      assert.equal((await get({ range })).status, 200, range)
  })

  it("heeds If-Range, and tells HEAD about the part", async () => {
    const tag = (await get()).headers.get("etag")!
    assert.equal((await get({ range: "bytes=0-9", "if-range": tag })).status, 206)
    assert.equal((await get({ range: "bytes=0-9", "if-range": '"old"' })).status, 200)
    const head = await get({ range: "bytes=0-9" }, picture.url, "HEAD")
    assert.deepEqual([head.status, head.headers.get("content-length")], [206, "10"])
  })
})

describe("links: not valid", () => {
  const missing = async (url: string) => {
    const response = await get({}, url)
    const { error } = (await response.json()) as { error: { code: string; message: string; request_id: string } }
    assert.deepEqual([response.status, error.code], [404, "not_found"], url)
    assert.equal(error.request_id, response.headers.get("x-request-id"))
    return error.message
  }

  it("opens nothing with a signature that was changed in any place", async () => {
    const url = new URL(picture.url)
    const signature = url.searchParams.get("signature")!
    for (let index = 0; index < signature.length - 1; index++) {
      const other = signature[index] === "A" ? "B" : "A"
      url.searchParams.set("signature", signature.slice(0, index) + other + signature.slice(index + 1))
      await missing(url.href)
    }
    for (const wrong of ["", "A", signature.slice(0, -4), `${signature}AAAA`, "A".repeat(10_000)]) {
      url.searchParams.set("signature", wrong)
      await missing(url.href)
    }
  })

  it("opens no other picture and no other time with a signature", async () => {
    const other = (await generate(server, "another picture")).body.images[0]!
    await missing(picture.url.replace(picture.id, other.id))
    for (const expires of ["99999999999", "1e11", "", "-1", "NaN"])
      await missing(picture.url.replace(/expires=\d+/, `expires=${expires}`))
    await missing(picture.url.replace(/expires=\d+&/, ""))
  })

  it("opens until the link expires, and then no longer", async () => {
    const { clock } = server.atelier.app
    const { now } = clock
    const expires = Number(new URL(picture.url).searchParams.get("expires")) * 1000
    try {
      clock.now = () => expires - 1
      assert.equal((await get()).status, 200)
      clock.now = () => expires
      assert.match(await missing(picture.url), /expired/)
    } finally {
      clock.now = now
    }
  })

  it("does not take the signature for a key", async () => {
    const { search } = new URL(picture.url)
    for (const path of ["/v1/generations", "/v1/models"])
      assert.ok([400, 401].includes((await get({}, server.url + path + search)).status))
  })
})
