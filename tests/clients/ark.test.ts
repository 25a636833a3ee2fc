// Volcengine's own client in Python, and OpenAI's, which many point at Ark: both against the sandbox over HTTP.
import assert from "node:assert/strict"
import { after, before, describe, it } from "node:test"
import OpenAI, { APIError } from "openai"
import sharp from "sharp"
import { download, plainPng } from "../calls.ts"
import { pythonWith, runPython } from "./python.ts"
import { serveSandbox } from "./sandbox.ts"
import type { ServedSandbox } from "./sandbox.ts"

// The vendor's package for all of its services is many times as large; this is the part of it for Ark.
const found = await pythonWith("volcengine-ark-runtime==5.0.54")

let sandbox: ServedSandbox
let openai: OpenAI

before(async () => {
  sandbox = await serveSandbox()
  openai = new OpenAI({ baseURL: `${sandbox.url}/ark/api/v3`, apiKey: "any", maxRetries: 0 })
})
after(() => sandbox.end())

const model = "doubao-seedream-4-0-250828"
const small = { model, prompt: "a red kite", size: "1280x720" as never }

async function sidesOf(bytes: Buffer): Promise<string> {
  const { width, height, format } = await sharp(bytes).metadata()
  return `${width}x${height} ${format}`
}

const fromBase64 = (text = ""): Buffer => Buffer.from(text, "base64")

describe("OpenAI's client at Ark", () => {
  it("makes a picture, behind a link or in the answer", async () => {
    const linked = await openai.images.generate({ ...small, response_format: "url" })
    assert.equal(await sidesOf(await download(linked.data?.[0]?.url ?? "")), "1280x720 jpeg")
    const inline = await openai.images.generate({ ...small, response_format: "b64_json" })
    assert.equal(await sidesOf(fromBase64(inline.data?.[0]?.b64_json)), "1280x720 jpeg")
    assert.equal(inline.usage?.output_tokens, 3600)
  })

  it("edits one by fields that it does not know itself", async () => {
    const image = `data:image/png;base64,${(await plainPng()).toString("base64")}`
    const extra = { ...small, seed: 7, watermark: false, response_format: "b64_json" as const }
    const draw = async (more: object) => (await openai.images.generate({ ...extra, ...more })).data?.[0]?.b64_json
    assert.notEqual(await draw({ image }), await draw({}))
    assert.equal(await draw({ image: [image, image] }), await draw({ image: [image, image] }))
  })

  it("follows a group as it is drawn", async () => {
    const body = {
      ...small,
      response_format: "b64_json" as const,
      sequential_image_generation: "auto",
      sequential_image_generation_options: { max_images: 2 },
      stream: true as const,
    }
    const types: string[] = []
    for await (const event of await openai.images.generate(body)) {
      types.push(event.type)
      if ("b64_json" in event) assert.equal(await sidesOf(fromBase64(event.b64_json)), "1280x720 jpeg")
    }
    const one = "image_generation.partial_succeeded"
    assert.deepEqual(types, [one, one, "image_generation.completed"])
  })

  it("understands refusals", async () => {
    const refusalOf = async (more: object) => {
      const error: unknown = await openai.images.generate({ ...small, ...more }).catch((reason: unknown) => reason)
      assert.ok(error instanceof APIError)
      return [error.status, error.code, error.param]
    }
    const filtered = await refusalOf({ prompt: "a kite sandbox:moderation" })
    assert.deepEqual(filtered, [400, "InputTextSensitiveContentDetected", ""])
    assert.deepEqual(await refusalOf({ size: "64x64" }), [400, "InvalidParameter", "size"])
    assert.deepEqual(await refusalOf({ model: "gpt-image-1" }), [404, "InvalidEndpointOrModel.NotFound", ""])
  })
})

const head = `
import base64, json, os
from volcenginesdkarkruntime import Ark
from volcenginesdkarkruntime.types.images import SequentialImageGenerationOptions
ark = Ark(base_url=os.environ["ARK_URL"], api_key="any", max_retries=0)
model, size = "${model}", "1280x720"
`

describe("Volcengine's client in Python", { skip: "missing" in found ? found.missing : false }, () => {
  const run = <Printed>(script: string, environment: Record<string, string> = {}) =>
    runPython<Printed>("python" in found ? found.python : "", head + script, {
      ...{ ARK_URL: `${sandbox.url}/ark/api/v3`, ...environment },
    })

  it("makes a picture, behind a link or in the answer, and knows what it used", async () => {
    const [url, base64, size, ...counts] = await run<[string, string, string, number, number]>(`
linked = ark.images.generate(model=model, prompt="a red kite", size=size, watermark=False)
inline = ark.images.generate(model=model, prompt="a red kite", size=size, response_format="b64_json", seed=7)
usage = inline.usage
print(json.dumps([linked.data[0].url, inline.data[0].b64_json, inline.data[0].size, usage.generated_images, usage.output_tokens]))
`)
    assert.equal(await sidesOf(await download(url)), "1280x720 jpeg")
    assert.deepEqual([await sidesOf(fromBase64(base64)), size, ...counts], ["1280x720 jpeg", "1280x720", 1, 3600])
  })

  it("edits pictures", async () => {
    const image = `data:image/png;base64,${(await plainPng()).toString("base64")}`
    const script = `
def draw(image):
    answer = ark.images.generate(model=model, prompt="a red kite", size=size, response_format="b64_json", seed=7, image=image)
    return answer.data[0].b64_json
image = os.environ["IMAGE"]
print(json.dumps([draw(None) != draw(image), draw(image) != draw([image, image]), draw(image) == draw(image)]))
`
    assert.deepEqual(await run(script, { IMAGE: image }), [true, true, true])
  })

  it("follows a group as it is drawn, and takes one in which a picture failed", async () => {
    const script = `
from volcenginesdkarkruntime._exceptions import ArkAPIError
def group(prompt, **more):
    return ark.images.generate(model=model, prompt=prompt, size=size, response_format="b64_json",
        sequential_image_generation="auto",
        sequential_image_generation_options=SequentialImageGenerationOptions(max_images=3), **more)
def follow(prompt):
    events = []
    try:
        for event in group(prompt, stream=True):
            usage = getattr(event, "usage", None)
            events.append([event.type, usage["generated_images"] if usage else len(base64.b64decode(event.b64_json)) > 1000])
    except ArkAPIError as error:
        events.append(error.body["code"])
    return events
items = [item.error["code"] if item.b64_json is None else item.size for item in group("kites sandbox:moderation-output").data]
print(json.dumps([items, follow("2 kites"), follow("kites sandbox:moderation-output")]))
`
    const refused = "OutputImageSensitiveContentDetected"
    const one = ["image_generation.partial_succeeded", true]
    assert.deepEqual(await run(script), [
      ["1280x720", refused, "1280x720"],
      [one, one, ["image_generation.completed", 2]],
      // This client takes the failure of one picture for the end of the stream.
      [one, refused],
    ])
  })

  it("understands refusals", async () => {
    const script = `
from volcenginesdkarkruntime._exceptions import ArkAPIError
def refusal(**more):
    try:
        ark.images.generate(**{"model": model, "prompt": "a red kite", "size": size, **more})
    except ArkAPIError as error:
        return [type(error).__name__, error.status_code, error.code, error.param, bool(error.request_id)]
print(json.dumps([
    refusal(prompt="a kite sandbox:moderation"),
    refusal(size="64x64"),
    refusal(prompt="a kite sandbox:rate-limit"),
    refusal(model="doubao-seedream-4-0"),
]))
`
    assert.deepEqual(await run(script), [
      ["ArkBadRequestError", 400, "InputTextSensitiveContentDetected", "", true],
      ["ArkBadRequestError", 400, "InvalidParameter", "size", true],
      ["ArkRateLimitError", 429, "RateLimitExceeded", "", true],
      ["ArkNotFoundError", 404, "InvalidEndpointOrModel.NotFound", "", true],
    ])
  })
})
