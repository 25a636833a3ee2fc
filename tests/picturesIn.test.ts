// Pictures of callers on their way in: what is refused, what is taken out, and what reaches a vendor or a public link.
import assert from "node:assert/strict"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { Readable } from "node:stream"
import { after, before, describe, it } from "node:test"
import sharp from "sharp"
import { createKey } from "../server/accounts/keys.ts"
import { defaultProject } from "../server/accounts/projects.ts"
import { call, download, plainPng } from "./calls.ts"
import type { Failure, Generation } from "./calls.ts"
import { composeServer } from "./harness.ts"
import type { InProcess } from "./harness.ts"
import {
  animatedWebp,
  exifBlock,
  manifest,
  packedPng,
  pngOf,
  secrets,
  segment,
  withChunks,
  withSegments,
  xmpOf,
} from "./pictureFiles.ts"
import { scriptVendor } from "./scriptedVendor.ts"
import type { ScriptedVendor } from "./scriptedVendor.ts"

let vendor: ScriptedVendor
let server: InProcess
let key: string
let png: Buffer
let jpeg: Buffer

before(async () => {
  vendor = await scriptVendor()
  server = await composeServer({ OPENAI_API_KEY: "any", OPENAI_BASE_URL: `${vendor.url}/v1` })
  key = await createKey(server.atelier.app, defaultProject, "live")
  png = await plainPng({ width: 48, height: 32 })
  jpeg = await sharp(png).flatten().jpeg().toBuffer()
  vendor.answer = () => ({ status: 200, json: { data: [{ b64_json: png.toString("base64") }] } })
})
after(async () => {
  await server.end()
  vendor.end()
  assert.deepEqual(readdirSync(join(server.dataFolder, "pictures/drafts")), [], "nothing is left behind")
})

const text = (content: string) => Buffer.from(content, "latin1")

/** As a telephone held upright writes it: turned, with the place, an editor's words and a manifest in it. */
const photo = () =>
  Buffer.concat([
    withSegments(
      jpeg,
      segment(0xe1, Buffer.concat([text("Exif\0\0"), exifBlock(6)])),
      segment(0xe1, text(`http://ns.adobe.com/xap/1.0/\0${xmpOf("trainedAlgorithmicMedia")}`)),
      segment(0xeb, Buffer.concat([text("JP\0\x01\0\0\0\x01"), manifest])),
      segment(0xfe, "Made by Jane Doe"),
    ),
    text("PK\x03\x04 an archive"),
  ])

async function checkClean(bytes: Buffer) {
  for (const secret of secrets) assert.ok(!bytes.includes(text(secret)), secret)
  const { width, height, orientation, exif } = await sharp(bytes).metadata()
  assert.deepEqual([width, height, orientation, exif], [32, 48, undefined, undefined])
}

const put = (name: string, bytes: Buffer) =>
  call<Failure["error"]>(server, `/v1/default/image/${name}`, {
    method: "PUT",
    body: new Uint8Array(bytes),
    headers: { "content-type": "image/png" },
  })

async function get(name: string): Promise<Buffer> {
  const headers = { authorization: `Bearer ${server.testKey}` }
  return Buffer.from(await (await fetch(`${server.url}/v1/default/image/${name}`, { headers })).arrayBuffer())
}

type Uploaded = { data: { imageUrl: string; imageKey: string } }

function upload(bytes: Buffer) {
  const body = new FormData()
  body.append("file", new Blob([new Uint8Array(bytes)], { type: "image/png" }), "x.png")
  return call<Uploaded & { code: number; msg: string }>(server, "/api/upload-image-image", { body })
}

const edit = (image: unknown, more = {}) =>
  call<Generation & Failure>(server, "/v1/generations", {
    json: { model: "openai/gpt-image-2", input: { prompt: "a mill", image, ...more }, wait: 60 },
    key,
  })

/** What a page behind a link has, without a network. */
function serve(bytes: Buffer) {
  server.atelier.app.fetchUrl = async (url) => ({
    ...{ status: 200, headers: {}, url: new URL(url), body: Readable.from([bytes]) },
  })
}

const marksOf = async (table: "images" | "generations", id: string): Promise<string[]> => {
  const rows = server.atelier.app.database.query.selectFrom(table).select("input_marks_json").where("id", "=", id)
  return JSON.parse((await rows.executeTakeFirstOrThrow()).input_marks_json) as string[]
}

describe("a picture of a caller", () => {
  it("is kept as it came where there is nothing in it but the picture", async () => {
    for (const bytes of [png, jpeg, await sharp(png).webp().toBuffer()]) {
      assert.equal((await put("bare", bytes)).status, 200)
      assert.ok((await get("bare")).equals(bytes))
    }
  })

  it("is turned upright, and tells nobody where it was made and by whom", async () => {
    assert.equal((await put("photo", photo())).status, 200)
    await checkClean(await get("photo"))
    const { body } = await upload(photo())
    await checkClean(await download(body.data.imageUrl))
    assert.deepEqual(await marksOf("images", body.data.imageKey), ["c2pa", "xmp:trainedAlgorithmicMedia"])
  })

  it("reaches a vendor clean, however it was given, and what it came with is noted", async () => {
    const ofForm = async () => {
      const body = new FormData()
      body.append("model", "gpt-image-2")
      body.append("prompt", "a mill")
      body.append("image", new Blob([new Uint8Array(photo())], { type: "image/jpeg" }), "x.jpg")
      return call<Failure>(server, "/v1/images/edits", { body, key })
    }
    serve(photo())
    const { imageKey } = (await upload(photo())).body.data
    const ways = {
      base64: () => edit(photo().toString("base64")),
      "a data URL": () => edit(`data:image/png;base64,${photo().toString("base64")}`),
      "a link": () => edit("https://pictures.example/photo.jpg"),
      "an id": () => edit(imageKey),
      "a form": ofForm,
    }
    for (const [name, ask] of Object.entries(ways)) {
      vendor.bodies.length = 0
      const { status, body, text: said } = await ask()
      assert.equal(status, 200, `${name}: ${said}`)
      const [sent] = vendor.bodies
      const start = sent!.indexOf(text("\xff\xd8\xff"))
      assert.ok(start > 0, name)
      await checkClean(sent!.subarray(start, sent!.indexOf(text("\xff\xd9"), start) + 2))
      for (const secret of secrets) assert.ok(!sent!.includes(text(secret)), `${name}: ${secret}`)
      if (name === "a form") continue
      const { id, images } = body as unknown as Generation
      assert.deepEqual(await marksOf("generations", id), ["c2pa", "xmp:trainedAlgorithmicMedia"], name)
      assert.deepEqual(await marksOf("images", images[0]!.id), ["c2pa", "xmp:trainedAlgorithmicMedia"], name)
    }
  })

  it("made by a vendor is not touched, neither kept nor sent on", async () => {
    const made = withChunks(
      png,
      { name: "caBX", content: manifest },
      { name: "tEXt", content: text("Author\0A vendor") },
    )
    vendor.answer = () => ({ status: 200, json: { data: [{ b64_json: made.toString("base64") }] } })
    const { images } = (await edit(png.toString("base64"))).body
    assert.ok((await download(images[0]!.url)).equals(made))
    vendor.bodies.length = 0
    const again = (await edit(images[0]!.id)).body
    assert.ok(vendor.bodies[0]!.includes(made))
    assert.deepEqual(await marksOf("images", again.images[0]!.id), ["c2pa"])
  })

  it("as a mask keeps its transparency to the pixel", async () => {
    const alpha = Buffer.from(Array.from({ length: 48 * 32 * 4 }, (_, index) => (index * 37) & 255))
    const mask = await sharp(alpha, { raw: { width: 48, height: 32, channels: 4 } })
      .png()
      .toBuffer()
    const marked = withChunks(mask, { name: "tEXt", content: text("Author\0Made by Jane Doe") })
    vendor.bodies.length = 0
    const more = { mask: marked.toString("base64") }
    assert.equal((await edit(png.toString("base64"), more)).body.status, "succeeded")
    assert.ok(vendor.bodies[0]!.includes(mask))
  })
})

type Case = { bytes: () => Buffer | Promise<Buffer>; code: "image_type_not_allowed" | "image_invalid"; why: RegExp }

const kinds = /must be a PNG, JPEG or WebP picture/
const cases: Record<string, Case> = {
  "a GIF": { bytes: () => text("GIF89a\x01\0\x01\0"), code: "image_type_not_allowed", why: kinds },
  "a GIF with a JPEG in it": {
    bytes: () => Buffer.concat([text("GIF89a"), jpeg]),
    ...{ code: "image_type_not_allowed", why: kinds },
  },
  "an SVG": {
    bytes: () => text("<svg xmlns='http://www.w3.org/2000/svg'/>"),
    code: "image_type_not_allowed",
    why: kinds,
  },
  "an SVG after a PNG's name": { bytes: () => text("\x89PNG<svg/>"), code: "image_type_not_allowed", why: kinds },
  "a page": { bytes: () => text("<!doctype html><script>1</script>"), code: "image_type_not_allowed", why: kinds },
  "a PDF with a JPEG in it": {
    bytes: () => Buffer.concat([text("%PDF-1.7\n"), jpeg]),
    ...{ code: "image_type_not_allowed", why: kinds },
  },
  "a BMP": { bytes: () => text("BM\x36\0\0\0"), code: "image_type_not_allowed", why: kinds },
  "an AVIF": { bytes: () => text("\0\0\0\x20ftypavif"), code: "image_type_not_allowed", why: kinds },
  "a TIFF": { bytes: () => text("II*\0\x08\0\0\0"), code: "image_type_not_allowed", why: kinds },
  "a PNG of 60,000 by 60,000": { bytes: () => packedPng(60_000, 60_000), code: "image_invalid", why: /60000x60000/ },
  "a PNG of 51 megapixels": { bytes: () => packedPng(8_500, 6_000), code: "image_invalid", why: /50 million/ },
  "a PNG cut off": { bytes: () => png.subarray(0, -20), code: "image_invalid", why: /cut off/ },
  "a JPEG cut off": { bytes: () => jpeg.subarray(0, -20), code: "image_invalid", why: /cut off/ },
  "a WebP of 101 frames": {
    bytes: async () => animatedWebp(await sharp(png).webp().toBuffer(), 48, 32, 101),
    ...{ code: "image_invalid", why: /101 frames/ },
  },
  "a PNG without pixels": { bytes: () => pngOf([]), code: "image_invalid", why: /cut off/ },
}

describe("a picture of a caller that is", () => {
  for (const [name, { bytes, code, why }] of Object.entries(cases))
    it(`${name}: is refused, wherever it is given`, async () => {
      const status = code === "image_invalid" ? 422 : 415
      const file = await bytes()
      const ofPut = await put("refused", file)
      assert.deepEqual([ofPut.status, ofPut.body.code], [status, code], ofPut.text)
      assert.match(ofPut.body.message, why)
      const ofForm = await upload(file)
      assert.match(ofForm.body.msg, why)
      const ofJson = await edit(file.toString("base64"))
      assert.deepEqual([ofJson.status, ofJson.body.error.code, ofJson.body.error.param], [status, code, "image"])
      assert.match(ofJson.body.error.message, why)
      serve(file)
      const { body } = await edit("https://pictures.example/x.png")
      assert.deepEqual([body.status, body.error.code], ["failed", code])
      assert.equal((await call(server, "/v1/default/image/refused")).status, 404)
    })

  it("too large by its header costs no decoding, and starts no process", async () => {
    const { inspector } = server.atelier.app
    const never = () => assert.fail("it went on to be decoded")
    server.atelier.app.inspector = { ...inspector, inspect: never }
    for (const bytes of [packedPng(60_000, 60_000), packedPng(16_385, 1), packedPng(16_384, 16_384)])
      assert.equal((await put("bomb", bytes)).status, 422)
    server.atelier.app.inspector = inspector
  })
})

/** The processes that this one started, as Linux lists them. */
function children(): number[] {
  const parent = (pid: string) => {
    try {
      return Number(readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").pop()!.split(" ")[1])
    } catch {
      return 0
    }
  }
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name))
  return pids.filter((pid) => parent(pid) === process.pid).map(Number)
}

describe("the server", { skip: process.platform === "linux" ? false : "only Linux lists processes" }, () => {
  it("lives on when the processes that check pictures are killed", async () => {
    await put("warm", png)
    let over = false
    const killing = (async () => {
      while (!over) {
        for (const pid of children()) process.kill(pid, "SIGKILL")
        await new Promise((resolve) => setTimeout(resolve, 40))
      }
    })()
    const replies = await Promise.all(Array.from({ length: 12 }, () => put("killed", png)))
    over = true
    await killing
    for (const { status, text: said } of replies) assert.ok([200, 422, 503].includes(status), said)
    assert.equal((await put("after", png)).status, 200)
    assert.ok((await get("after")).equals(png))
  })
})
