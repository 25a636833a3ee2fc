// Alibaba's own client in Python against the sandbox: pictures at once, and as tasks that it polls, fetches and cancels.
import assert from "node:assert/strict"
import { after, before, describe, it } from "node:test"
import sharp from "sharp"
import { download, plainPng } from "../calls.ts"
import { pythonWith, runPython } from "./python.ts"
import { serveSandbox } from "./sandbox.ts"
import type { ServedSandbox } from "./sandbox.ts"

const found = await pythonWith("dashscope==1.27.8")

let sandbox: ServedSandbox
before(async () => {
  sandbox = await serveSandbox()
})
after(() => sandbox.end())

async function sidesOf(link: string): Promise<string> {
  const { width, height, format } = await sharp(await download(link)).metadata()
  return `${width}x${height} ${format}`
}

const head = `
import json, os
import dashscope
from dashscope import ImageSynthesis, MultiModalConversation
dashscope.base_http_api_url = os.environ["DASHSCOPE_URL"]
dashscope.api_key = "any"
def converse(model, content, **parameters):
    return MultiModalConversation.call(model=model, messages=[{"role": "user", "content": content}], **parameters)
def links(answer):
    return [part["image"] for part in answer.output.choices[0].message.content]
def refusal(answer):
    return [answer.status_code, answer.code, bool(answer.message), bool(answer.request_id)]
`

describe("Alibaba's client in Python", { skip: "missing" in found ? found.missing : false }, () => {
  const run = <Printed>(script: string, environment: Record<string, string> = {}) =>
    runPython<Printed>("python" in found ? found.python : "", head + script, {
      ...{ DASHSCOPE_URL: `${sandbox.url}/dashscope/api/v1`, ...environment },
    })

  it("makes a picture, and knows what it is billed by", async () => {
    const script = `
answer = converse("qwen-image", [{"text": "a red kite"}], size="928*1664", watermark=False, prompt_extend=False, seed=7)
print(json.dumps([answer.status_code, links(answer), answer.usage["image_count"]]))
`
    const [status, links, count] = await run<[number, string[], number]>(script)
    assert.deepEqual([status, links.length, count], [200, 1, 1])
    assert.equal(await sidesOf(links[0]!), "928x1664 png")
  })

  it("edits pictures, which it sends as they are", async () => {
    const script = `
image = {"image": os.environ["IMAGE"]}
one = converse("qwen-image-edit", [image, {"text": "at night"}], watermark=False)
two = converse("qwen-image-edit-plus", [image, image, {"text": "at night"}], n=2, size="512*512")
print(json.dumps(links(one) + links(two)))
`
    const image = (await plainPng({ width: 512, height: 512 })).toString("base64")
    const links = await run<string[]>(script, { IMAGE: `data:image/png;base64,${image}` })
    const sides = await Promise.all(links.map(sidesOf))
    assert.deepEqual(sides, ["1024x1024 png", "512x512 png", "512x512 png"])
  })

  it("follows a task to its end, and may give one up", async () => {
    const script = `
whole = ImageSynthesis.call(model="qwen-image-plus", prompt="a red kite", n=1, size="1328*1328", watermark=False)
task = ImageSynthesis.async_call(model="qwen-image", prompt="a red kite", size="1328*1328")
end = ImageSynthesis.wait(task)
late = ImageSynthesis.cancel(task)
lost = ImageSynthesis.fetch("0f3a-no-such-task")
failed = ImageSynthesis.call(model="qwen-image", prompt="a kite sandbox:moderation-output", size="1328*1328")
print(json.dumps([whole.output.results[0].url, task.output.task_status, end.output.task_status, refusal(late)[:2],
    lost.output.task_status, failed.output.task_status, failed.output["code"]]))
`
    const [link, ...rest] = await run<[string, ...unknown[]]>(script)
    assert.equal(await sidesOf(link), "1328x1328 png")
    const late = [400, "UnsupportedOperation"]
    assert.deepEqual(rest, ["PENDING", "SUCCEEDED", late, "UNKNOWN", "FAILED", "DataInspectionFailed"])
  })

  it("understands refusals", async () => {
    const script = `
text = [{"text": "a red kite"}]
answers = [
    converse("qwen-image", [{"text": "a kite sandbox:moderation"}]),
    converse("qwen-image", text, size="1024*1024"),
    converse("qwen-image", [{"text": "a kite sandbox:rate-limit"}]),
    converse("qwen-image-9", text),
    converse("qwen-image", text, api_key="an-invalid-key"),
    ImageSynthesis.async_call(model="qwen-image", prompt="a kite sandbox:no-credit"),
]
print(json.dumps([refusal(answer) for answer in answers]))
`
    assert.deepEqual(await run(script), [
      [400, "DataInspectionFailed", true, true],
      [400, "InvalidParameter", true, true],
      [429, "Throttling.RateQuota", true, true],
      [404, "ModelNotFound", true, true],
      [401, "InvalidApiKey", true, true],
      [400, "Arrearage", true, true],
    ])
  })
})
