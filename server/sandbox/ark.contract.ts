// Calls to the imitated Ark, and a picture to send along: what its tests have in common.
import assert from "node:assert/strict"
import { json, text } from "node:stream/consumers"
import sharp from "sharp"
import type { Pace } from "./imitation.ts"
import { createSandbox } from "./sandbox.ts"

export type Fault = { code: string; message: string; param?: string; type?: string }
type Item = { b64_json?: string; url?: string; size?: string; output_format?: string; error?: Fault }
type Usage = { generated_images: number; output_tokens: number; total_tokens: number }
type Body = { model: string; created: number; data: Item[]; usage: Usage; error?: Fault }
export type Event = { type: string; image_index?: number; usage?: Usage; error?: Fault } & Item

export const address = "https://ark.cn-beijing.volces.com/api/v3/images/generations"

export function start(options: { pace?: Pace; folder?: string } = {}) {
  const clock = { time: Date.parse("2026-11-21T12:00:00Z"), now: () => clock.time }
  const sandbox = createSandbox({ pace: "none", clock, ...options })
  const { signal } = new AbortController()
  const send = (fields: unknown, key = "Bearer k", url = address) => {
    const chunks = async function* () {
      yield Buffer.from(JSON.stringify(fields))
    }
    const headers: Record<string, string> = key === "" ? {} : { authorization: key }
    const body = { type: "application/json", chunks }
    return sandbox({ method: "POST", url: new URL(url), headers, body, signal })
  }
  const post = async (fields: unknown, key?: string) => {
    const { status, headers, body } = await send(fields, key)
    return { status, headers, body: (await json(body)) as Body }
  }
  const stream = async (fields: object) => {
    const { headers, body } = await send({ ...small, stream: true, ...fields })
    assert.match(headers["content-type"] ?? "", /^text\/event-stream/)
    return readEvents(await text(body))
  }
  const get = (link: string) => sandbox({ method: "GET", url: new URL(link), headers: {}, signal })
  return { clock, send, post, stream, get }
}

function readEvents(wire: string) {
  const blocks = wire.split("\n\n").filter((block) => block !== "")
  assert.equal(blocks.pop(), "data: [DONE]")
  return blocks.map((block): Event => {
    const [name, data] = block.split("\n")
    const event = JSON.parse(data!.slice("data: ".length)) as Event
    assert.equal(name, `event: ${event.type}`)
    return event
  })
}

export const small = {
  model: "doubao-seedream-4-0-250828",
  prompt: "a red kite",
  size: "1280x720",
  response_format: "b64_json",
}
export const group = { ...small, sequential_image_generation: "auto" }
export const most = (max_images: number) => ({ sequential_image_generation_options: { max_images } })

export const pngOf = async (background: string, width = 96, height = 64) => {
  const create = { width, height, channels: 3 as const, background }
  return `data:image/png;base64,${(await sharp({ create }).png().toBuffer()).toString("base64")}`
}
