// Pictures that are none, and forms that are broken, wherever a caller may send one.
import assert from "node:assert/strict"
import { readdirSync } from "node:fs"
import { join } from "node:path"
import { after, before, describe, it } from "node:test"
import { call, plainPng } from "./calls.ts"
import type { Failure, Reply } from "./calls.ts"
import { composeServer } from "./harness.ts"
import type { InProcess } from "./harness.ts"

let server: InProcess
before(async () => {
  server = await composeServer({ ATELIER_UPLOAD_MAX_MB: "1" })
})
after(async () => {
  const rows = await server.atelier.app.database.query.selectFrom("generations").select("id").execute()
  await server.end()
  assert.deepEqual(rows, [], "nothing was accepted")
  assert.deepEqual(readdirSync(join(server.dataFolder, "pictures/drafts")), [], "nothing is left behind")
})

const gif = Buffer.from("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7", "base64")
const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><script>1</script></svg>')
const others: Record<string, Buffer> = {
  gif,
  svg,
  html: Buffer.from("<!doctype html><title>x</title>"),
  nothing: Buffer.alloc(0),
}
const broken: Record<string, Buffer> = {
  "the start of a png": Buffer.from("\x89PNG\r\n\x1a\n", "latin1"),
  "a png of no size": Buffer.from("89504e470d0a1a0a0000000d49484452000000000000000008060000001f15c489", "hex"),
  "a jpeg without a size": Buffer.from("ffd8ffe000104a46494600010100000100010000ffd9", "hex"),
}

const notPictures = [
  ...Object.entries(others).map(([name, bytes]) => [name, bytes, "image_type_not_allowed"] as const),
  ...Object.entries(broken).map(([name, bytes]) => [name, bytes, "image_invalid"] as const),
]

function check(reply: Reply<Failure>, code: string | string[], param: string | null) {
  const { error } = reply.body
  assert.ok([code].flat().includes(error?.code), `${reply.status} ${reply.text}`)
  assert.ok(reply.status >= 400 && reply.status < 500, String(reply.status))
  assert.equal(error.param, param, reply.text)
  assert.equal(reply.headers.get("x-request-id"), error.request_id)
}

const makers: [string, (image: unknown) => unknown, string][] = [
  ["/v1/generations", (image) => ({ model: "openai/gpt-image-1", input: { prompt: "x", image } }), "image"],
  ["/v1/models/openai/gpt-image-1/predictions", (image) => ({ input: { prompt: "x", image } }), "image"],
  ["/v1/models/bfl/flux-2-pro/predictions", (input_image) => ({ input: { prompt: "x", input_image } }), "image"],
  ["/v1/images/edits", (image) => ({ model: "gpt-image-1", prompt: "x", image }), "image"],
]

describe("bad pictures: in JSON", () => {
  for (const [path, wrap] of makers) {
    for (const [name, bytes, code] of notPictures)
      it(`${path}: ${name}, as a data URL that says png`, async () => {
        const image = `data:image/png;base64,${bytes.toString("base64")}`
        const codes = bytes.length === 0 ? [code, "invalid_request"] : code
        check(await call<Failure>(server, path, { json: wrap(image) }), codes, "image")
      })

    it(`${path}: base64 that is none, and things that are no picture at all`, async () => {
      for (const wrong of [
        "!!!not base64!!!",
        "data:image/png;base64,@@@@",
        "data:,x",
        "ftp://x/y.png",
        "file:///etc/passwd",
        "x",
      ])
        assert.equal((await call<Failure>(server, path, { json: wrap(wrong) })).status >= 400, true, wrong)
      for (const wrong of [7, true, { a: 1 }, [7]])
        assert.equal((await call<Failure>(server, path, { json: wrap(wrong) })).status, 400, String(wrong))
    })

    it(`${path}: larger than a picture may be`, async () => {
      const image = Buffer.concat([await plainPng(), Buffer.alloc(1_000_001)]).toString("base64")
      const reply = await call<Failure>(server, path, { json: wrap(image) })
      assert.deepEqual([reply.status, reply.body.error.code], [413, "too_large"])
    })

    it(`${path}: more of them than the model takes`, async () => {
      const image = (await plainPng({ width: 8, height: 8 })).toString("base64")
      const reply = await call<Failure>(server, path, { json: wrap(Array.from({ length: 17 }, () => image)) })
      assert.equal(reply.status, 400)
      assert.match(reply.body.error.message, path.includes("flux") ? /at most 8/ : /at most 16/)
    })
  }

  it("a mask without a picture, and pictures for a model that takes none", async () => {
    const mask = (await plainPng()).toString("base64")
    const alone = { model: "gpt-image-1", prompt: "x", mask }
    check(await call<Failure>(server, "/v1/images/generations", { json: alone }), "invalid_request", "mask")
    const dalle = { model: "dall-e-3", prompt: "x", image: mask }
    check(await call<Failure>(server, "/v1/images/edits", { json: dalle }), "invalid_request", "image")
  })
})

const boundary = "----boundary"
const part = (head: string, body: Buffer | string) =>
  Buffer.concat([
    Buffer.from(`--${boundary}\r\nContent-Disposition: form-data; ${head}\r\n\r\n`),
    Buffer.from(body),
    Buffer.from("\r\n"),
  ])
const file = (name: string, body: Buffer) => part(`name="${name}"; filename="x.png"\r\nContent-Type: image/png`, body)
const end = Buffer.from(`--${boundary}--\r\n`)

const post = (body: Buffer, type = `multipart/form-data; boundary=${boundary}`) =>
  call<Failure>(server, "/v1/images/edits", { body: new Uint8Array(body), headers: { "content-type": type } })

describe("bad pictures: in forms", () => {
  for (const [name, bytes, code] of notPictures)
    it(`${name}, whatever its name and type say`, async () => {
      const body = Buffer.concat([part('name="prompt"', "x"), file("image", bytes), end])
      check(await post(body), code, "image")
    })

  it("broken off at any place", async () => {
    const prompt = part('name="prompt"', "x")
    const whole = Buffer.concat([prompt, file("image[]", await plainPng()), end])
    for (let length = 0; length < whole.length - 4; length += 23) {
      const { status, body } = await post(whole.subarray(0, length))
      assert.deepEqual([status, body.error.code], [400, "invalid_request"], `${length} of ${whole.length}`)
      if (length > prompt.length + 150) assert.match(body.error.message, /broken/)
    }
  })

  it("without a boundary, or with another", async () => {
    const whole = Buffer.concat([part('name="prompt"', "x"), end])
    check(await post(whole, "multipart/form-data"), "invalid_request", null)
    check(await post(whole, "multipart/form-data; boundary=other"), "invalid_request", null)
  })

  it("a file that is too large, too many files, and too many fields", async () => {
    const prompt = part('name="prompt"', "x")
    const large = await post(Buffer.concat([prompt, file("image", Buffer.alloc(1_000_001)), end]))
    check(large, "too_large", "image")
    const png = await plainPng({ width: 8, height: 8 })
    const many = Array.from({ length: 18 }, () => file("image[]", png))
    check(await post(Buffer.concat([prompt, ...many, end])), "too_large", null)
    const fields = Array.from({ length: 101 }, (_, index) => part(`name="f${index}"`, "x"))
    check(await post(Buffer.concat([...fields, end])), "too_large", null)
  })
})
