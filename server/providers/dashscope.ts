// Alibaba's DashScope (Model Studio): pictures in the manner of a conversation, answered at once with links.
// Reference: https://help.aliyun.com/zh/model-studio/qwen-image-api, for edits qwen-image-edit-api
import { z } from "zod"
import { base64Of } from "../bodies/write.ts"
import { failureOf, readFailure } from "./dashscopeFailures.ts"
import { defineProvider } from "./provider.ts"
import type { AnsweredPicture, Outcome, ProviderRequest, VendorFailure, VendorInput } from "./provider.ts"

type DashscopeParameters = {
  prompt: string
  n: number
  size?: string
  seed?: number
  negative_prompt?: string
  prompt_upsampling?: boolean
  watermark?: boolean
}

// The vendor's own default is 16:9; the documents' is a square.
const square = "1328*1328"
const sizes: Record<string, string> = { auto: square, "1K": square }

/** Of two addresses the one that needs no polling, since both take as long. */
const path = "/services/aigc/multimodal-generation/generation"

function writeRequest(model: string, input: VendorInput<DashscopeParameters>): ProviderRequest {
  const { prompt, images, size = "auto", seed, negative_prompt, prompt_upsampling, watermark } = input
  const pictures = images.map((image) => ({ image: base64Of(image, `data:${image.mediaType};base64,`) }))
  // An edit has neither a size nor a say in how the prompt is treated.
  const drawing = { size: sizes[size] ?? size.replace("x", "*"), prompt_extend: prompt_upsampling }
  const json = {
    model,
    input: { messages: [{ role: "user", content: [...pictures, { text: prompt }] }] },
    parameters: {
      ...(model.endsWith("-edit") ? {} : drawing),
      ...(negative_prompt ? { negative_prompt } : {}),
      ...{ n: 1, seed, watermark },
    },
  }
  return { method: "POST", path, json }
}

const text = z.string().nullish().catch(null)

// What is paid for must not be lost to something beside it that cannot be read.
const Item = z.object({ image: text, url: text, code: text, message: text }).nullable().catch(null)
const Items = z.array(Item).nullish().catch(null)
const Choice = z
  .object({ message: z.object({ content: Items }).nullish().catch(null) })
  .nullable()
  .catch(null)

const Answer = z.object({
  output: z.object({ choices: z.array(Choice).nullish().catch(null), results: Items }).nullish(),
})

/** Links are in the message, or in a list where single pictures may have failed. */
function readResponse(body: unknown): Outcome {
  const { output } = Answer.parse(body)
  const contents = (output?.choices ?? []).flatMap((choice) => choice?.message?.content ?? [])
  const items = [...contents, ...(output?.results ?? [])].filter((item) => item !== null)
  const read = items.map(readItem)
  const pictures = read.flatMap((item) => ("picture" in item ? item.picture : []))
  const missing = read.flatMap((item) => ("missing" in item ? item.missing : []))
  const [first] = missing
  if (pictures.length === 0 && first) return { state: "failed", failure: first }
  return { state: "done", pictures, ...(first ? { missing } : {}) }
}

type Item = NonNullable<z.infer<typeof Item>>

/** A text beside the pictures is neither. */
function readItem({ image, url, code, message }: Item): { picture: AnsweredPicture } | { missing: VendorFailure } | {} {
  const link = image ?? url
  if (link) return { picture: { url: secure(link) } }
  return code ? { missing: failureOf(code, message) } : {}
}

/** Links of the vendor's store have been seen without encryption, which it speaks as well. */
const secure = (url: string): string => url.replace(/^http:(?=\/\/[\w.-]+\.aliyuncs\.com\/)/i, "https:")

export const dashscope = defineProvider<DashscopeParameters>({
  id: "dashscope",
  title: "Alibaba DashScope",
  baseUrl: "https://dashscope.aliyuncs.com/api/v1",
  notes: [
    "A key belongs to one region: with one of Singapore set `DASHSCOPE_BASE_URL=https://dashscope-intl.aliyuncs.com/api/v1`.",
    "Serves Qwen-Image in five sizes and without guidance or steps; other requests need Baidu.",
  ],
  linkHosts: [],
  authorize: (key) => ({ authorization: `Bearer ${key}` }),
  pictureKeys: [],
  limits: { imagesPerCall: () => 1, references: 3, deadlineMs: 600_000 },
  writeRequest,
  readResponse,
  readFailure,
})
