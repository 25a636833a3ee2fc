// How clients of AIHubMix read its answers, written anew from the description in shared research: which keys each
// looks at, in which order, and what it takes for a failure. Each function answers the pictures its client would show.
import assert from "node:assert/strict"
import { setTimeout as sleep } from "node:timers/promises"
import { call, download, kindOf } from "./calls.ts"

export type Prediction = {
  output: Record<string, unknown> | Record<string, unknown>[]
  usage?: Record<string, unknown>
}

type Fields = Record<string, unknown>

const isFields = (value: unknown): value is Fields => typeof value === "object" && value !== null

function decoded(base64: unknown): Buffer {
  const bytes = Buffer.from(String(base64), "base64")
  assert.ok(kindOf(bytes), "the base64 is a picture")
  return bytes
}

const items = (value: unknown): Fields[] => (Array.isArray(value) ? value.filter(isFields) : [])

/** Dify's plugin: one family reads the object, the others a list with url, then b64_json. */
export async function picturesAsDifyReads(model: string, { output }: Prediction): Promise<Buffer[]> {
  if (model.startsWith("openai/gpt-image"))
    return items((output as Fields)["b64_json"]).map(({ bytesBase64 }) => decoded(bytesBase64))
  const pictures = items(output).map(({ url, b64_json }) =>
    typeof url === "string" ? download(url) : decoded(b64_json),
  )
  return Promise.all(pictures)
}

/** The vendor's own MCP server tries four forms in turn; it follows polling_url with the key. */
export async function picturesAsMcpReads({ output }: Prediction, key: string): Promise<Buffer[]> {
  const objects = items((output as Fields)["b64_json"])
  if (objects.length > 0) return objects.map(({ bytesBase64 }) => decoded(bytesBase64))
  const list = items(output)
  if (list.some(({ bytesBase64 }) => bytesBase64 !== undefined))
    return list.map(({ bytesBase64 }) => decoded(bytesBase64))
  const address = list[0]?.["polling_url"]
  if (typeof address === "string") return [await polled(address, key)]
  const urls = (output as Fields)["urls"]
  return Promise.all(Array.isArray(urls) ? urls.map((url) => download(String(url))) : [])
}

async function polled(address: string, key: string): Promise<Buffer> {
  for (let count = 0; count < 30; count++) {
    const { status, body } = await call<Fields>({ url: "", testKey: key }, address)
    assert.equal(status, 200)
    const word = String(body["status"])
    if (["succeeded", "completed", "Ready"].includes(word))
      return download(String((body["result"] as { sample: string }).sample))
    assert.notEqual(word, "failed")
    await sleep(100)
  }
  return assert.fail("never ready")
}

/** nanobot searches output and data all the way down and takes every picture it meets. */
export async function picturesAsNanobotReads(body: Prediction): Promise<Buffer[]> {
  const found: Promise<Buffer>[] = []
  const search = (value: unknown) => {
    if (typeof value === "string" && /^https?:/.test(value)) found.push(download(value))
    else if (Array.isArray(value)) for (const item of value) search(item)
    else if (isFields(value)) {
      const base64 = value["b64_json"] ?? value["bytesBase64"]
      if (typeof base64 === "string") found.push(Promise.resolve(decoded(base64)))
      if (typeof value["url"] === "string") search(value["url"])
      for (const [key, inner] of Object.entries(value)) if (key !== "url" && typeof inner === "object") search(inner)
    }
  }
  search(body.output)
  search((body as { data?: unknown }).data)
  return Promise.all(found)
}

const pendingWords = ["Pending"]
const failedWords = ["Error", "Request Moderated", "Content Moderated", "Task not found"]

/** Cherry Studio 2 asks for the task under the address it is configured with, and knows six words. */
export async function taskAsCherryReads({ output }: Prediction, url: string, key: string): Promise<Buffer[]> {
  const { taskId } = items(output)[0] as { taskId: string }
  for (let count = 0; count < 60; count++, await sleep(100)) {
    const { body } = await call<Fields>({ url, testKey: key }, `/v1/tasks/${taskId}`)
    const word = String(body["status"])
    assert.ok(!failedWords.includes(word), word)
    if (pendingWords.includes(word)) continue
    assert.equal(word, "Ready", "any other word is a failure")
    const { sample, samples } = body["result"] as { sample?: string; samples?: string[] }
    return Promise.all((samples ?? [sample!]).map(download))
  }
  return assert.fail("never ready")
}

/** Cherry Studio 2 looks for Qwen's pictures under data alone, and wants at least one. */
export async function picturesAsCherryReadsData(body: Prediction): Promise<Buffer[]> {
  const data = items((body as { data?: unknown }).data)
  assert.ok(data.length >= 1)
  return Promise.all(
    data.map(({ url, b64_json, base64_json }) =>
      typeof url === "string" ? download(url) : decoded(b64_json ?? base64_json),
    ),
  )
}

/** The Halo plugin takes output and data, links and base64 and plain texts, and adds up what it finds. */
export async function picturesAsHaloReads(body: Prediction): Promise<Buffer[]> {
  const { output, data } = body as { output: unknown; data?: unknown }
  const all = [...(Array.isArray(output) ? (output as unknown[]) : []), ...items(data)]
  return Promise.all(
    all.map((item) => {
      if (typeof item === "string") return download(item)
      const { url, b64_json, base64, image_base64 } = item as Fields
      return typeof url === "string" ? download(url) : decoded(b64_json ?? base64 ?? image_base64)
    }),
  )
}
