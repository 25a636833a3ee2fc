// C2PA through the whole server, judged by two readers that have no code in common: the official one (c2pa-rs, by its
// Python package) and Encypher's. A vendor's manifest leaves as it came; what is drawn anew is signed where there is a key.
import assert from "node:assert/strict"
import { execFileSync } from "node:child_process"
import { createHash } from "node:crypto"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { after, before, describe, it } from "node:test"
import sharp from "sharp"
import { createKey } from "../server/accounts/keys.ts"
import { defaultProject } from "../server/accounts/projects.ts"
import { findMarks } from "../server/images/marks.ts"
import { call, download, generate, uploadPicture } from "./calls.ts"
import type { Generation } from "./calls.ts"
import { keyKinds, makeIdentity } from "./certificates.ts"
import { pythonWith, runPython } from "./clients/python.ts"
import { composeServer, temporaryFolder } from "./harness.ts"
import type { InProcess } from "./harness.ts"
import { scriptVendor } from "./scriptedVendor.ts"
import type { ScriptedVendor } from "./scriptedVendor.ts"

const found = await pythonWith("c2pa-python==0.38.1", "encypher-c2pa==1.7.1", "cryptography==50.0.2")
const python = "python" in found ? found.python : ""
const skip = "missing" in found ? found.missing : false

const signing = `
import c2pa, json, os
chain, key = (open(os.environ[name], "rb").read() for name in ("CERT", "KEY"))
signer = c2pa.Signer.from_info(c2pa.C2paSignerInfo(b"es256", chain, key, None))
made = {"action": "c2pa.created", "digitalSourceType": "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"}
claim = {"claim_generator_info": [{"name": "A vendor", "version": "7"}], "assertions": [{"label": "c2pa.actions.v2", "data": {"actions": [made]}}]}
for kind in ("png", "jpeg", "webp"):
    plain, signed = (os.path.join(os.environ["FOLDER"], f"{name}.{kind}") for name in ("plain", "signed"))
    with open(plain, "rb") as source, open(signed, "w+b") as target:
        c2pa.Builder(json.dumps(claim)).sign(signer, f"image/{kind}", source, target)
print("{}")
`

const reading = `
import c2pa, json, os
from encypher_c2pa import verify
def official(path, kind):
    try:
        with open(path, "rb") as file:
            return json.loads(c2pa.Reader(f"image/{kind}", file).json())
    except Exception as error:
        return {"validation_state": "None", "error": str(error)}
answers = []
for path in json.loads(os.environ["PATHS"]):
    report = verify(path)
    answers.append({"official": official(path, path.split(".")[-1]), "other": {name: report[name] for name in ("present", "integrity", "hard_binding")}})
print(json.dumps(answers))
`

type Manifest = {
  claim_generator_info: { name: string }[]
  ingredients: { relationship: string; active_manifest?: string; validation_results?: Results }[]
  assertions: { label: string; data: { actions?: { action: string }[] } }[]
}
type Results = { activeManifest: { failure: { code: string }[] } }
type Store = { validation_state: string; active_manifest: string; manifests: Record<string, Manifest>; error?: string }
type Judged = { official: Store; other: { present: boolean; integrity: string; hard_binding: string } }

let folder: string
let server: InProcess
let vendor: ScriptedVendor

before(async () => {
  if (skip) return
  folder = temporaryFolder()
  vendor = await scriptVendor()
  const { files } = makeIdentity(folder)
  for (const kind of ["png", "jpeg", "webp"] as const)
    await sharp({ create: { width: 96, height: 64, channels: 3, background: "teal" } })
      .toFormat(kind)
      .toFile(join(folder, `plain.${kind}`))
  await runPython(python, signing, { CERT: files.cert, KEY: files.key, FOLDER: folder })
  server = await serverWith({})
})
after(async () => {
  await server?.end()
  vendor?.end()
})

const serverWith = (more: Record<string, string>) =>
  composeServer({
    ...{ OPENAI_API_KEY: "any", OPENAI_BASE_URL: `${vendor.url}/v1` },
    ...{ IDEOGRAM_API_KEY: "any", IDEOGRAM_BASE_URL: vendor.url },
    ...more,
  })

/** What both readers say of files: those of the folder by their names, bytes in the format that is given. */
async function judge(...files: (string | [Buffer, string])[]): Promise<Judged[]> {
  const paths = files.map((file, index) => {
    if (typeof file === "string") return join(folder, file)
    const path = join(folder, `judged-${index}.${file[1]}`)
    writeFileSync(path, file[0])
    return path
  })
  return runPython<Judged[]>(python, reading, { PATHS: JSON.stringify(paths) })
}

function assertValid({ official, other }: Judged, message: string) {
  assert.equal(official.validation_state, "Valid", `${message}: ${official.error}`)
  assert.deepEqual(other, { present: true, integrity: "valid", hard_binding: "match" }, message)
}

const signedBytes = (kind: string) => readFileSync(join(folder, `signed.${kind}`))

/** Generated with a live key by a vendor that answers these bytes, in its JSON or behind a link. */
async function made(by: InProcess, bytes: Buffer, way: "json" | "link") {
  const data = way === "json" ? { b64_json: bytes.toString("base64") } : { url: `${vendor.url}/a.png` }
  const facts = { prompt: "a mill", resolution: "1024x1024", is_image_safe: true }
  const json = { created: way === "json" ? 1 : "2026-10-02T09:15:04Z", data: [{ ...facts, ...data }] }
  vendor.answer = (path) =>
    path === "/a.png" ? { status: 200, body: bytes, headers: { "content-type": "image/png" } } : { status: 200, json }
  const model = way === "json" ? "openai/gpt-image-2" : "ideogram/V3"
  const key = await createKey(by.atelier.app, defaultProject, "live")
  const asked = { model, input: { prompt: "a mill" }, wait: 30 }
  const { body, text } = await call<Generation>(by, "/v1/generations", { json: asked, key })
  assert.equal(body.status, "succeeded", text)
  return body.images[0]!
}

type Told = {
  marks_found: string[]
  marks_added: string[]
  c2pa: { state: string; generator: string | null; signer: string | null; codes: string[] } | null
}
const provenance = async (of: InProcess, id: string) => (await call<Told>(of, `/v1/images/${id}/provenance`)).body

describe("a vendor's manifest", { skip }, () => {
  for (const kind of ["png", "jpeg", "webp"])
    for (const way of ["json", "link"] as const)
      it(`leaves as it came: ${kind}, ${way}`, async () => {
        const bytes = signedBytes(kind)
        const picture = await made(server, bytes, way)
        const served = await download(picture.url)
        assert.equal(picture.sha256, createHash("sha256").update(bytes).digest("hex"))
        assert.ok(served.equals(bytes))
        const [before, after, spoilt] = await judge(
          `signed.${kind}`,
          [served, kind],
          [Buffer.concat([served, Buffer.from([0])]), kind],
        )
        assertValid(after!, kind)
        assert.deepEqual(after, before)
        // What one byte more does, which shows that the readers look.
        assert.equal(spoilt!.official.validation_state, "Invalid")
        assert.notEqual(spoilt!.other.integrity, "valid")
      })

  it("is found and read for the provenance, and found wanting where a byte was changed", async () => {
    const bytes = signedBytes("jpeg")
    const { marks_found, c2pa } = await provenance(server, (await made(server, bytes, "json")).id)
    assert.deepEqual(marks_found, ["c2pa"])
    // No list of trust has the test's authority.
    const expected = { state: "valid", generator: "A vendor 7", signer: "Test signer" }
    assert.deepEqual(c2pa, { ...expected, codes: ["signingCredential.untrusted"] })
    const spoilt = Buffer.concat([bytes, Buffer.from([0])])
    const told = await provenance(server, (await made(server, spoilt, "json")).id)
    assert.equal(told.c2pa?.state, "invalid")
    assert.ok(told.c2pa.codes.includes("assertion.dataHash.mismatch"))
    const broken = Buffer.from(bytes)
    broken.fill(0xff, broken.indexOf("jumdc2pa") + 40, broken.indexOf("jumdc2pa") + 4000)
    const { c2pa: none } = await provenance(server, (await made(server, broken, "json")).id)
    assert.ok(none && ["unreadable", "invalid"].includes(none.state), JSON.stringify(none))
  })

  it("is not in what is drawn anew, and nothing is claimed in its place, where the operator gives no key", async () => {
    const picture = await made(server, signedBytes("png"), "json")
    const derivative = await download(`${picture.url}&w=48&format=webp`)
    const [judged] = await judge([derivative, "webp"])
    assert.equal(judged!.official.validation_state, "None")
    assert.equal(judged!.other.present, false)
    assert.deepEqual((await provenance(server, picture.id)).marks_added, ["xmp:trainedAlgorithmicMedia"])
  })
})

describe("derivatives signed with the operator's key", { skip }, () => {
  const withKey = async (kind: keyof typeof keyKinds, until?: Date) => {
    const { files } = makeIdentity(folder, kind, until)
    return serverWith({ ATELIER_C2PA_CERT: files.cert, ATELIER_C2PA_KEY: files.key })
  }

  it("hold in every format, name the original as their parent, and are found out when changed", async () => {
    const signed = await withKey("es256")
    try {
      const picture = await made(signed, signedBytes("png"), "json")
      const { marks_added } = await provenance(signed, picture.id)
      assert.deepEqual(marks_added, ["c2pa", "xmp:trainedAlgorithmicMedia"])
      const [parent] = await judge("signed.png")
      for (const format of ["jpeg", "png", "webp", "avif"]) {
        const bytes = await download(`${picture.url}&w=48&h=48&fit=cover&format=${format}`)
        const spoilt = Buffer.from(bytes)
        spoilt[bytes.length - 20]! ^= 1
        const [judged, changed] = await judge([bytes, format], [spoilt, format])
        assertValid(judged!, format)
        const { official: store } = judged!
        const { claim_generator_info, ingredients, assertions } = store.manifests[store.active_manifest]!
        assert.equal(claim_generator_info[0]?.name, "Atelier")
        assert.equal(ingredients.length, 1)
        assert.equal(ingredients[0]!.relationship, "parentOf")
        assert.equal(ingredients[0]!.active_manifest, parent!.official.active_manifest)
        const codes = ingredients[0]!.validation_results!.activeManifest.failure.map(({ code }) => code)
        assert.deepEqual(codes, ["signingCredential.untrusted"])
        const actions = assertions.flatMap(({ data }) => (data.actions ?? []).map(({ action }) => action))
        assert.deepEqual(actions, ["c2pa.opened", "c2pa.cropped", "c2pa.transcoded"])
        assert.notEqual(changed!.official.validation_state, "Valid", format)
        assert.notEqual(changed!.other.integrity, "valid", format)
      }
    } finally {
      await signed.end()
    }
  })

  it("hold as well where the original has no manifest, and keep their other marks", async () => {
    const signed = await withKey("es256")
    try {
      const { body } = await generate(signed, "a barn", { model: "bfl/flux-2-pro", width: 256, height: 256 })
      const bytes = await download(`${body.images[0]!.url}&w=64&format=jpeg`)
      const [judged] = await judge([bytes, "jpeg"])
      assertValid(judged!, "jpeg")
      const read = async (buffer: Buffer, position: number, length: number) =>
        bytes.subarray(position, position + length).copy(buffer)
      assert.deepEqual(await findMarks({ read }, bytes.length), ["c2pa", "xmp:trainedAlgorithmicMedia"])
    } finally {
      await signed.end()
    }
  })

  it("are made without asking an address that the original names for its manifest", async () => {
    const signed = await withKey("es256")
    try {
      const xmp =
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">' +
        '<rdf:Description rdf:about="" xmlns:dcterms="http://purl.org/dc/terms/" ' +
        `dcterms:provenance="${vendor.url}/manifest.c2pa"/></rdf:RDF></x:xmpmeta>`
      const picture = await made(signed, await sharp(join(folder, "plain.jpeg")).withXmp(xmp).jpeg().toBuffer(), "json")
      const [judged] = await judge([await download(`${picture.url}&w=32`), "jpeg"])
      assertValid(judged!, "jpeg")
      assert.deepEqual(
        vendor.calls.filter((one) => one.includes("manifest")),
        [],
      )
    } finally {
      await signed.end()
    }
  })

  for (const kind of ["es384", "es512", "ps256", "ed25519"] as const)
    it(`hold with a key for ${kind}`, async () => {
      const signed = await withKey(kind)
      try {
        const { url } = await uploadPicture(signed, signedBytes("webp"))
        const [judged] = await judge([await download(`${url}&w=32`), "webp"])
        assertValid(judged!, kind)
      } finally {
        await signed.end()
      }
    })

  it("are not made with a certificate that has expired: nothing unsigned is sent in their place", async () => {
    const signed = await withKey("es256", new Date(Date.now() - 60_000))
    try {
      const { url } = await uploadPicture(signed, signedBytes("png"))
      const response = await fetch(`${url}&w=32`)
      assert.equal(response.status, 503)
    } finally {
      await signed.end()
    }
  })
})

const exiftool = (() => {
  try {
    execFileSync("exiftool", ["-ver"])
    return false
  } catch {
    return "exiftool is not installed"
  }
})()

describe("IPTC's mark in a derivative", { skip: skip || exiftool }, () => {
  it("is read by ExifTool in every format", async () => {
    const { body } = await generate(server, "a barn", { model: "bfl/flux-2-pro", width: 256, height: 256 })
    for (const format of ["jpeg", "png", "webp", "avif"]) {
      const path = join(folder, `iptc.${format}`)
      writeFileSync(path, await download(`${body.images[0]!.url}&w=64&format=${format}`))
      const read = execFileSync("exiftool", ["-s3", "-XMP-iptcExt:DigitalSourceType", path]).toString().trim()
      assert.equal(read, "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia", format)
    }
  })
})
