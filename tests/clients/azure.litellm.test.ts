// LiteLLM against the sandbox: FLUX.2 in Microsoft Foundry on the route that our adapter takes, and an edit by Kontext.
// It is large, some 300 MB with all that it needs, and the only client there is that speaks this route.
import assert from "node:assert/strict"
import { after, before, describe, it } from "node:test"
import sharp from "sharp"
import { plainPng } from "../calls.ts"
import { pythonWith, runPython } from "./python.ts"
import { serveSandbox } from "./sandbox.ts"
import type { ServedSandbox } from "./sandbox.ts"

const found = await pythonWith("litellm==1.106.0")
const options = "missing" in found ? { skip: found.missing } : {}

let sandbox: ServedSandbox
before(async () => {
  sandbox = await serveSandbox()
})
after(() => sandbox.end())

const start = `
import base64, json, os
import litellm
litellm.suppress_debug_info = True
access = {"api_base": os.environ["BASE"], "api_key": "any", "api_version": "preview"}
picture = base64.b64decode(os.environ["PICTURE"])
def refusal(**more):
    try:
        litellm.image_generation(**{"model": "azure_ai/FLUX.2-pro", "prompt": "a tram", **access, **more})
        return "a picture"
    except Exception as error:
        return [type(error).__name__, error.status_code]
`

async function run<Printed>(script: string): Promise<Printed> {
  const environment = {
    BASE: `${sandbox.url}/azure`,
    PICTURE: (await plainPng()).toString("base64"),
    // Without it, it fetches its price list from the internet first.
    LITELLM_LOCAL_MODEL_COST_MAP: "True",
  }
  return runPython<Printed>("python" in found ? found.python : "", start + script, environment)
}

async function sizeOf(base64: string): Promise<string> {
  const { width, height, format } = await sharp(Buffer.from(base64, "base64")).metadata()
  return `${width}x${height} ${format}`
}

describe("LiteLLM at an imitated resource of Azure", options, () => {
  it("makes pictures with both FLUX.2 models", async () => {
    const pictures = await run<string[]>(`
more = {"prompt": "a tram in fog", "size": "512x256", "output_format": "png", "seed": 7, **access}
made = [litellm.image_generation(model=f"azure_ai/FLUX.2-{name}", **more) for name in ["pro", "flex"]]
print(json.dumps([one.data[0].b64_json for one in made]))
`)
    assert.deepEqual(await Promise.all(pictures.map(sizeOf)), ["512x256 png", "512x256 png"])
  })

  it("edits pictures with FLUX.2 and with Kontext", async () => {
    const pictures = await run<string[]>(`
two = litellm.image_edit(model="azure_ai/FLUX.2-pro", image=[picture, picture], prompt="winter", size="512x256", **access)
one = litellm.image_edit(model="azure_ai/FLUX.1-Kontext-pro", image=picture, prompt="winter", size="512x256", **access)
print(json.dumps([two.data[0].b64_json, one.data[0].b64_json]))
`)
    assert.deepEqual(await Promise.all(pictures.map(sizeOf)), ["512x256 jpeg", "512x256 png"])
  })

  it("understands refusals by their status", async () => {
    const refusals = await run(`
words = ["moderation", "moderation-output", "rate-limit", "no-credit", "error"]
told = {word: refusal(prompt="a tram sandbox:" + word) for word in words}
print(json.dumps({**told, "key": refusal(api_key="invalid"), "size": refusal(size="100x100")}))
`)
    assert.deepEqual(refusals, {
      moderation: ["BadRequestError", 400],
      "moderation-output": ["BadRequestError", 400],
      "rate-limit": ["RateLimitError", 429],
      "no-credit": ["APIError", 403],
      error: ["InternalServerError", 500],
      key: ["AuthenticationError", 401],
      size: ["BadRequestError", 400],
    })
  })
})
