// Other people's clients of Stability AI against its imitation: stability-ai for Node, and LiteLLM for Python.
import assert from "node:assert/strict"
import { readFile, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { after, before, describe, it } from "node:test"
import sharp from "sharp"
import stabilityAi from "stability-ai"
import address from "stability-ai/dist/util.js"
import { plainPng } from "../calls.ts"
import { temporaryFolder } from "../harness.ts"
import { pythonWith, runPython } from "./python.ts"
import { serveSandbox } from "./sandbox.ts"
import type { ServedSandbox } from "./sandbox.ts"

const python = await pythonWith("litellm==1.106.0")

let sandbox: ServedSandbox
before(async () => {
  sandbox = await serveSandbox()
})
after(() => sandbox.end())

type Client = InstanceType<typeof stabilityAi.default>

/** The client has no option for its address: the one function that writes it is given another. */
function clientOf({ url }: ServedSandbox, key = "sk-any"): Client {
  const makeUrl: typeof address.makeUrl = (version, resource, endpoint) =>
    `${url}/stability/${version}/${resource}${endpoint === "" ? "" : `/${endpoint}`}`
  Object.assign(address, { makeUrl })
  return new stabilityAi.default(key)
}

describe("stability-ai for Node", () => {
  async function readMade({ filepath }: { filepath: string }) {
    const { width, height, format } = await sharp(await readFile(filepath)).metadata()
    await rm(filepath)
    return `${width}x${height} ${format}`
  }

  it("makes pictures with each of the addresses that it knows", async () => {
    const { generate } = clientOf(sandbox).v2beta.stableImage
    const ultra = await generate.ultra("a tin robot", { aspectRatio: "16:9", outputFormat: "webp", seed: 9 })
    assert.deepEqual([ultra.seed, ultra.contentFiltered, await readMade(ultra)], [9, false, "1344x768 webp"])
    const core = await generate.core("a tin robot", { negativePrompt: "rust", outputFormat: "jpeg" })
    assert.equal(await readMade(core), "1280x1280 jpeg")
    const sd3 = await generate.sd3("a tin robot", { mode: "text-to-image", aspectRatio: "9:21" })
    assert.equal(await readMade(sd3), "640x1536 png")
  })

  it("starts from a picture", async () => {
    const image = join(temporaryFolder(), "start.png")
    await writeFile(image, await plainPng({ width: 192, height: 128 }))
    const { generate } = clientOf(sandbox).v2beta.stableImage
    const made = await generate.sd3("a tin robot", { mode: "image-to-image", image, strength: 0.6 })
    assert.equal(await readMade(made), "192x128 png")
  })

  it("understands a refused prompt, a filtered picture, a wrong key and a wrong request", async () => {
    const { generate } = clientOf(sandbox).v2beta.stableImage
    await assert.rejects(generate.core("sandbox:moderation"), { name: "StabilityAIContentModerationError" })
    const filtered = await generate.core("sandbox:moderation-output")
    assert.equal(filtered.contentFiltered, true)
    await rm(filtered.filepath)
    await assert.rejects(generate.core(""), { name: "StabilityAIInvalidRequestError" })
    const stranger = clientOf(sandbox, "sk-invalid")
    await assert.rejects(stranger.v2beta.stableImage.generate.core("x"), { name: "StabilityAIUnauthorizedError" })
  })

  it("reads the balance", async () => {
    assert.deepEqual(await clientOf(sandbox).v1.user.balance(), { credits: 10_000 })
  })
})

const script = `
import base64, json, os, uuid, litellm
litellm.suppress_debug_info = True
def keep(image):
    path = os.path.join(os.environ["FOLDER"], uuid.uuid4().hex)
    with open(path, "wb") as file:
        file.write(base64.b64decode(image.b64_json))
    return path
def make(prompt, model="stability/sd3.5-large", **more):
    try:
        made = litellm.image_generation(
            model=model, prompt=prompt, api_base=os.environ["SANDBOX"], api_key="sk-any", **more)
        return {"images": [keep(image) for image in made.data]}
    except Exception as error:
        return {"status": getattr(error, "status_code", None), "error": str(error)}
print(json.dumps({
    "plain": make("a tin robot", size="1792x1024"),
    "ultra": make("a tin robot", model="stability/stable-image-ultra", aspect_ratio="3:2", seed=5, output_format="webp"),
    "core": make("a tin robot", model="stability/stable-image-core"),
    "refused": make("sandbox:moderation"),
    "filtered": make("sandbox:moderation-output"),
    "wrong": make("a tin robot", aspect_ratio="7:5"),
}))
`

type Made = { images?: string[]; status?: number; error?: string }

describe("LiteLLM for Python", { skip: "missing" in python && python.missing }, () => {
  it("makes pictures with each address, and understands refusals", async () => {
    const environment = {
      FOLDER: temporaryFolder(),
      SANDBOX: `${sandbox.url}/stability`,
      LITELLM_LOCAL_MODEL_COST_MAP: "True",
    }
    const path = "python" in python ? python.python : ""
    const made = await runPython<Record<string, Made>>(path, script, environment)
    const sizes = await Promise.all(
      ["plain", "ultra", "core"].map(async (name) => {
        const { images, error } = made[name]!
        assert.equal(images?.length, 1, error ?? "")
        const { width, height, format } = await sharp(images[0]!).metadata()
        return `${width}x${height} ${format}`
      }),
    )
    assert.deepEqual(sizes, ["1344x768 png", "1280x832 webp", "1280x1280 png"])
    assert.match(made["refused"]?.error ?? "", /flagged by our content moderation system/)
    assert.match(made["filtered"]?.error ?? "", /Content was filtered/)
    assert.match(made["wrong"]?.error ?? "", /aspect_ratio: must be one of/)
  })
})
