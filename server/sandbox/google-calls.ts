// Calls to Google imitated, for its tests: requests as short as they can be, and what comes back.
import { text } from "node:stream/consumers"
import sharp from "sharp"
import { createSandbox } from "./sandbox.ts"

export const gemini = "https://generativelanguage.googleapis.com/v1beta"
export const vertex = "https://aiplatform.googleapis.com/v1/publishers/google"
export const project =
  "https://europe-west4-aiplatform.googleapis.com/v1/projects/p/locations/europe-west4/publishers/google"

const sandbox = createSandbox({ pace: "none" })

type Head = { method?: string; headers?: Record<string, string> }

export async function send(
  address: string,
  fields?: object,
  { method, headers = { "x-goog-api-key": "k" } }: Head = {},
) {
  const chunks = async function* () {
    yield Buffer.from(JSON.stringify(fields))
  }
  const {
    status,
    headers: answered,
    body,
  } = await sandbox({
    ...{ method: method ?? (fields ? "POST" : "GET"), url: new URL(address), headers },
    ...(fields && { body: { type: "application/json", chunks } }),
    signal: new AbortController().signal,
  })
  return { status, type: answered["content-type"], text: await text(body) }
}

type Part = {
  text?: string
  thought?: boolean
  inlineData?: { mimeType: string; data: string }
  thoughtSignature?: string
}
export type Content = {
  candidates?: { content?: { parts?: Part[] }; finishReason?: string; finishMessage?: string }[]
  promptFeedback?: { blockReason: string }
  usageMetadata?: Record<string, unknown>
  modelVersion: string
  responseId: string
}
type Prediction = { mimeType?: string; bytesBase64Encoded?: string; prompt?: string; raiFilteredReason?: string }
export type Refusal = { error: { code: number; message: string; status: string; details?: Record<string, unknown>[] } }

export type Wish = { prompt?: string; parts?: object[]; config?: object; more?: object }

export const bodyOf = ({ prompt = "a kite", parts = [], config = {}, more = {} }: Wish) => ({
  contents: [{ role: "user", parts: [{ text: prompt }, ...parts] }],
  generationConfig: { responseModalities: ["IMAGE"], ...config },
  ...more,
})

export const generate = async (model: string, wish: Wish = {}, base = gemini) => {
  const { status, text: answer } = await send(`${base}/models/${model}:generateContent`, bodyOf(wish))
  return { status, body: JSON.parse(answer) as Content & Refusal }
}

export const predict = async (model: string, parameters: object = {}, base = gemini, prompt = "a kite") => {
  const fields = { instances: [{ prompt }], parameters: { sampleCount: 1, ...parameters } }
  const { status, text: answer } = await send(`${base}/models/${model}:predict`, fields)
  return { status, body: JSON.parse(answer) as { predictions?: Prediction[] } & Refusal }
}

export const partsOf = ({ candidates }: Content): Part[] => candidates?.[0]?.content?.parts ?? []
export const pictureIn = (body: Content) =>
  Buffer.from(partsOf(body).find((part) => part.inlineData)?.inlineData?.data ?? "", "base64")
export const about = async (bytes: Buffer) => {
  const { width, height, format } = await sharp(bytes).metadata()
  return `${width}x${height} ${format}`
}
