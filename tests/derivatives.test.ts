// Pictures behind links, smaller and in other formats: new files beside the original, which stays as it is.
import assert from "node:assert/strict"
import { createHash } from "node:crypto"
import { after, before, describe, it } from "node:test"
import sharp from "sharp"
import { createKey } from "../server/accounts/keys.ts"
import { defaultProject } from "../server/accounts/projects.ts"
import { findMarks } from "../server/images/marks.ts"
import { call, download, generate, plainPng, uploadPicture } from "./calls.ts"
import type { Failure, Generation, Picture } from "./calls.ts"
import { composeServer } from "./harness.ts"
import type { InProcess } from "./harness.ts"
import { scriptVendor } from "./scriptedVendor.ts"
import type { ScriptedVendor } from "./scriptedVendor.ts"

let server: InProcess
let vendor: ScriptedVendor
let picture: Picture

before(async () => {
  vendor = await scriptVendor()
  server = await composeServer({ OPENAI_API_KEY: "any", OPENAI_BASE_URL: `${vendor.url}/v1` })
  picture = (await generate(server, "a picture of many sizes", { model: "openai/gpt-image-2", size: "1024x768" })).body
    .images[0]!
})
after(async () => {
  await server.end()
  vendor.end()
})

const get = (query: string, headers: Record<string, string> = {}, url = picture.url) =>
  fetch(`${url}&${query}`, { headers })

async function derive(query: string, url = picture.url) {
  const response = await get(query, {}, url)
  const bytes = Buffer.from(await response.arrayBuffer())
  assert.equal(response.status, 200, `${query} ${bytes.toString("utf8", 0, 300)}`)
  return { bytes, type: response.headers.get("content-type"), info: await sharp(bytes).metadata() }
}

const upload = async (bytes: Buffer) => (await uploadPicture(server, bytes)).url

/** Made by a vendor that answers these bytes; answers its link. */
async function made(bytes: Buffer): Promise<string> {
  const json = { created: 1, output_format: "png", data: [{ b64_json: bytes.toString("base64") }] }
  vendor.answer = () => ({ status: 200, json })
  const asked = { model: "openai/gpt-image-2", input: { prompt: "as it is" }, wait: 30 }
  const key = await createKey(server.atelier.app, defaultProject, "live")
  const { body } = await call<Generation>(server, "/v1/generations", { json: asked, key })
  return body.images[0]!.url
}

const marksIn = (bytes: Buffer) =>
  findMarks(
    { read: async (buffer, position, length) => bytes.subarray(position, position + length).copy(buffer) },
    bytes.length,
  )

const photo = (width = 300, height = 200) =>
  sharp({ create: { width, height, channels: 3, background: { r: 200, g: 30, b: 60 } } })

describe("derivatives: sizes and formats", () => {
  it("are as large as was asked, each fit in its way", async () => {
    for (const [query, width, height] of [
      ["w=512", 512, 384],
      ["h=96", 128, 96],
      ["w=200&h=200", 200, 150],
      ["w=200&h=200&fit=inside", 200, 150],
      ["w=200&h=200&fit=cover", 200, 200],
      ["w=200&h=200&fit=contain", 200, 200],
      ["w=1024&h=768", 1024, 768],
    ] as const) {
      const { info } = await derive(query)
      assert.deepEqual([info.width, info.height, info.format], [width, height, "png"], query)
    }
  })

  it("are in the format that was asked, and quality tells", async () => {
    for (const format of ["webp", "avif", "jpeg", "png"]) {
      const { info, type } = await derive(`w=256&format=${format}`)
      assert.equal(type, `image/${format}`)
      assert.equal(info.format, format === "avif" ? "heif" : format)
    }
    const size = async (quality: number) => (await derive(`w=256&format=webp&quality=${quality}`)).bytes.length
    assert.ok((await size(5)) < (await size(95)))
  })

  it("have an empty border where contain leaves one, or a white one in a JPEG", async () => {
    const corner = async (query: string) => {
      const { bytes } = await derive(`w=100&h=100&fit=contain&${query}`)
      return [...(await sharp(bytes).ensureAlpha().raw().toBuffer()).subarray(0, 4)]
    }
    assert.equal((await corner("format=webp"))[3], 0)
    assert.deepEqual(await corner("format=jpeg&quality=100"), [255, 255, 255, 255])
  })

  it("are sent like any picture: with their own tag, in parts, to HEAD, with nothing to sniff", async () => {
    const whole = await derive("w=64&format=webp")
    const response = await get("w=64&format=webp")
    const tag = response.headers.get("etag")!
    assert.equal(tag, `"${createHash("sha256").update(whole.bytes).digest("hex")}"`)
    assert.equal(response.headers.get("x-content-type-options"), "nosniff")
    assert.match(response.headers.get("content-security-policy") ?? "", /default-src 'none'/)
    assert.equal((await get("w=64&format=webp", { "if-none-match": tag })).status, 304)
    const part = await get("w=64&format=webp", { range: "bytes=10-19" })
    assert.equal(part.status, 206)
    assert.ok(Buffer.from(await part.arrayBuffer()).equals(whole.bytes.subarray(10, 20)))
    const head = await fetch(`${picture.url}&w=64&format=webp`, { method: "HEAD" })
    assert.equal(head.headers.get("content-length"), String(whole.bytes.length))
  })

  it("are not larger than a picture that stands on its side in its file", async () => {
    const url = await made(await photo(300, 200).withMetadata({ orientation: 6 }).jpeg().toBuffer())
    const { info } = await derive("w=300", url)
    assert.deepEqual([info.width, info.height], [200, 300])
  })

  it("leave the original as it is", async () => {
    assert.equal(
      createHash("sha256")
        .update(await download(picture.url))
        .digest("hex"),
      picture.sha256,
    )
  })

  it("are given to who has the key, also by a name of one's own, and not to who has a wrong link", async () => {
    const headers = { authorization: `Bearer ${server.testKey}` }
    const byKey = await fetch(`${server.url}/v1/images/${picture.id}?w=64&format=webp`, { headers })
    assert.ok(Buffer.from(await byKey.arrayBuffer()).equals((await derive("w=64&format=webp")).bytes))
    const address = `${server.url}/v1/default/image/of-many-sizes.png`
    const body = new Uint8Array(await plainPng())
    await fetch(address, { method: "PUT", headers: { ...headers, "content-type": "image/png" }, body })
    const byName = await fetch(`${address}?w=32&format=jpeg`, { headers })
    assert.deepEqual([byName.status, byName.headers.get("content-type")], [200, "image/jpeg"])
    assert.equal((await sharp(await byName.arrayBuffer()).metadata()).width, 32)
    const forged = picture.url.replace(/signature=../, "signature=AA")
    assert.equal((await get("w=64", {}, forged)).status, 404)
    assert.equal((await fetch(`${server.url}/v1/images/${picture.id}?w=64`)).status, 401)
  })
})

describe("derivatives: refused", () => {
  for (const [query, param] of [
    ["w=1025", "w"],
    ["h=769", "h"],
    ["w=15", "w"],
    ["w=4097", "w"],
    ["w=1e2", "w"],
    ["w=-5", "w"],
    ["w=", "w"],
    ["w=64&w=65", "w"],
    ["w=64&fit=cover", "fit"],
    ["w=64&h=64&fit=fill", "fit"],
    ["format=gif", "format"],
    ["format=svg", "format"],
    ["format=webp&quality=0", "quality"],
    ["format=webp&quality=101", "quality"],
    ["w=64&quality=80", "quality"],
  ] as const)
    it(`${query}: names ${param}`, async () => {
      const response = await get(query)
      const { error } = (await response.json()) as Failure
      assert.deepEqual([response.status, error.code, error.param], [400, "invalid_request", param])
    })

  it("of a file whose bytes are no picture to the end: the original is still served", async () => {
    const cut = (await photo(600, 600).png({ compressionLevel: 0 }).toBuffer()).subarray(0, 20_000)
    const url = await made(cut)
    assert.ok((await download(url)).equals(cut))
    const response = await get("w=64", {}, url)
    const { error } = (await response.json()) as Failure
    assert.deepEqual([response.status, error.code], [422, "image_invalid"])
  })

  it("beyond 64 of one picture, while those that there are stay", async () => {
    const { app } = server.atelier
    const url = await upload(await plainPng())
    const id = new URL(url).pathname.split("/").pop()!
    const first = await derive("w=20", url)
    const row = {
      image_id: id,
      signer: "",
      sha256: "0".repeat(64),
      bytes: 1,
      media_type: "image/png",
      width: 1,
      height: 1,
    }
    const rows = Array.from({ length: 63 }, (_, index) => ({ ...row, variant: `filler ${index}`, created_at: 1 }))
    await app.database.transaction((tx) => tx.insertInto("derivatives").values(rows).execute())
    const response = await get("w=21", {}, url)
    assert.deepEqual([response.status, ((await response.json()) as Failure).error.code], [400, "invalid_request"])
    assert.ok((await derive("w=20", url)).bytes.equals(first.bytes))
    await app.database.transaction((tx) => tx.deleteFrom("images").where("id", "=", id).execute())
    const left = await app.database.query.selectFrom("derivatives").selectAll().where("image_id", "=", id).execute()
    assert.deepEqual(left, [], "they go with their picture")
  })
})

describe("derivatives: kept", () => {
  it("are made once, however many ask at the same time and later", async () => {
    const { workshop } = server.atelier.app
    const { run } = workshop
    let runs = 0
    workshop.run = (...asked) => {
      runs++
      return run(...asked)
    }
    try {
      const all = await Promise.all(Array.from({ length: 12 }, () => derive("w=111&format=webp")))
      assert.equal(runs, 1)
      assert.equal(new Set(all.map(({ bytes }) => bytes.toString("hex"))).size, 1)
      await derive("w=111&format=webp&quality=80")
      assert.equal(runs, 1)
      await derive("w=112&format=webp")
      assert.equal(runs, 2)
    } finally {
      workshop.run = run
    }
  })
})

describe("derivatives: marks", () => {
  const trained = "xmp:trainedAlgorithmicMedia"
  const said = (bytes: Buffer, what: string) => bytes.includes(`digitalsourcetype/${what}<`)

  it("say that a model made the picture, in every format", async () => {
    for (const format of ["webp", "jpeg", "png"])
      assert.deepEqual(await marksIn((await derive(`w=128&format=${format}`)).bytes), [trained], format)
    assert.ok(said((await derive("w=128&format=avif")).bytes, "trainedAlgorithmicMedia"))
  })

  it("say that it is a composite where the model was given a picture", async () => {
    const image = (await plainPng()).toString("base64")
    const { body } = await generate(server, "with a hat", { model: "openai/gpt-image-2", image })
    const { url } = body.images[0]!
    const composite = "compositeWithTrainedAlgorithmicMedia"
    assert.deepEqual(await marksIn((await derive("w=64&format=webp", url)).bytes), [`xmp:${composite}`])
    assert.ok(said((await derive("w=64&format=avif", url)).bytes, composite))
  })

  it("claim nothing of an upload that claims nothing, and carry nothing else that was in it", async () => {
    const withGps = { IFD0: { Artist: "a secret artist" }, IFD3: { GPSLatitude: "51/1 30/1 0/1" } }
    const url = await upload(await photo().withExif(withGps).withIccProfile("p3").jpeg().toBuffer())
    for (const format of ["webp", "jpeg", "png", "avif"]) {
      const { bytes, info } = await derive(`w=100&format=${format}`, url)
      assert.deepEqual(await marksIn(bytes), [])
      assert.deepEqual([info.exif, info.xmp, info.icc], [undefined, undefined, undefined], format)
      assert.ok(!bytes.includes("secret artist"))
    }
  })

  it("keep what the original says: China's label, to the letter", async () => {
    const label = '{"Label":"1","ContentProducer":"a & b <c>","ProduceID":"7"}'
    const xmp =
      '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">' +
      '<rdf:Description rdf:about="" xmlns:T="http://www.tc260.org.cn/ns/AIGC/1.0/"' +
      ' xmlns:dc="http://purl.org/dc/elements/1.1/" dc:title="not kept">' +
      `<T:AIGC>${label.replaceAll("&", "&amp;").replaceAll("<", "&lt;")}</T:AIGC></rdf:Description></rdf:RDF></x:xmpmeta>`
    const url = await made(await photo().withXmp(xmp).webp().toBuffer())
    const written = label
      .replaceAll("&", "&amp;")
      .replaceAll("<", "&lt;")
      .replaceAll(">", "&gt;")
      .replaceAll('"', "&quot;")
    for (const format of ["webp", "jpeg", "png", "avif"]) {
      const { bytes } = await derive(`w=100&format=${format}`, url)
      if (format !== "avif") assert.deepEqual(await marksIn(bytes), [trained, "aigc"], format)
      assert.ok(bytes.includes(`<TC260:AIGC>${written}</TC260:AIGC>`), format)
      assert.ok(!bytes.includes("not kept"))
    }
  })

  it("stand upright and in sRGB, whatever the upload was in", async () => {
    const url = await upload(
      await photo(300, 200).withMetadata({ orientation: 6 }).withIccProfile("p3").jpeg().toBuffer(),
    )
    const { info, bytes } = await derive("w=100&format=png", url)
    assert.deepEqual([info.width, info.height, info.orientation], [100, 150, undefined])
    // What is drawn in sRGB and kept in P3 is the same red again.
    const [red, green, blue] = await sharp(bytes).raw().toBuffer()
    assert.ok(Math.abs(red! - 200) < 6 && Math.abs(green! - 30) < 6 && Math.abs(blue! - 60) < 6)
  })
})
