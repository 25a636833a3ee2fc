// What a prediction asks for: the parameters of AIHubMix's documents, whatever the family. It passes the rest on, so
// that only what the documents rule out is refused here.
import { randomUUID } from "node:crypto"
import { z } from "zod"
import { refuseField } from "./aihubmix-errors.ts"
import type { Answer } from "./imitation.ts"
import { inspect, seedOf, shrink } from "./picture.ts"
import type { Format, Size } from "./picture.ts"

export type Order = Size & {
  prompt: string
  n: number
  seed: number
  format: Format
  /** Small copies of the pictures sent along, in base64. */
  inputs: string[]
  mask: string | undefined
  base64: boolean
}

const any = z.unknown().optional()
const Input = z.looseObject({
  ...{ prompt: any, n: any, numberOfImages: any, size: any, aspect_ratio: any, width: any, height: any, seed: any },
  ...{ output_format: any, response_format: any, mask: any, image: any, images: any, input_image: any },
  ...{ refer_image: any, sequential_image_generation: any, sequential_image_generation_options: any },
})
type Input = z.infer<typeof Input>

export async function readInput(given: unknown, fallback: Format): Promise<Order | Answer> {
  const parsed = Input.safeParse((given as { input?: unknown } | null)?.input)
  if (!parsed.success) return refuseField("input", "invalid_request", "input must be an object")
  const input = parsed.data
  const pictures = await readPictures(input)
  if (typeof pictures === "string")
    return refuseField(pictures, "invalid_image", `${pictures} cannot be read as a picture`)
  const prompt = typeof input.prompt === "string" ? input.prompt : ""
  if (prompt === "" && pictures.inputs.length === 0)
    return refuseField("prompt", "prompt_missing", "prompt is required")
  const n = countOf(input)
  if (n === undefined) return refuseField("n", "n_not_within_range", "n must be between 1 and 10")
  const size = sizeOf(input)
  if (!size) return refuseField("size", "size_not_supported", "size is not supported")
  const seed = typeof input.seed === "number" && input.seed >= 0 ? input.seed : seedOf(randomUUID())
  const said = String(input.output_format ?? fallback).replace("jpg", "jpeg")
  const format = (["png", "jpeg", "webp"] as const).find((one) => one === said) ?? fallback
  const base64 = /^(?:base64|b64)_json$/.test(String(input.response_format ?? ""))
  const varied = pictures.texts.length > 0 ? seedOf(String(seed), ...pictures.texts) : seed
  return { ...size, ...pictures, prompt, n, seed: varied, format, base64 }
}

/** A group of Seedream's is as large as it may be, but no test wants to wait for fifteen. */
function countOf(input: Input): number | undefined {
  const n = input.numberOfImages ?? input.n ?? 1
  if (typeof n !== "number" || !Number.isInteger(n) || n < 1 || n > 10) return undefined
  if (input.sequential_image_generation !== "auto") return n
  const { max_images: most } = { max_images: 3, ...(input.sequential_image_generation_options as object | undefined) }
  return Math.min(most, 3)
}

const megapixel = 1024 * 1024

function sizeOf(input: Input): Size | undefined {
  const { size, aspect_ratio: ratio, width, height } = input
  if (typeof width === "number" && typeof height === "number") return { width, height }
  const [across, down] = String(size).split(/[*x]/).map(Number)
  if (across && down) return { width: across, height: down }
  const tier = /^(auto|512|0\.5K|[1-4]K)$/i.test(String(size ?? "auto"))
  if (!tier) return undefined
  const side = Number.parseFloat(String(size)) || 1
  const share = side === 512 ? 0.25 : side ** 2
  const [wide = 1, high = 1] = String(ratio ?? "1:1")
    .split(/[x:/]/)
    .map((part) => Number(part) || 1)
  const ideal = Math.sqrt((share * megapixel * wide) / high)
  return { width: Math.round(ideal / 16) * 16, height: Math.round((ideal * high) / wide / 16) * 16 }
}

type Pictures = { inputs: string[]; texts: string[]; mask: string | undefined }

/** The name of what is no picture, if there is one. */
async function readPictures(input: Input): Promise<Pictures | string> {
  const names = ["image", "images", "input_image", "refer_image"] as const
  const read: Pictures = { inputs: [], texts: [], mask: undefined }
  for (const name of names) {
    for (const item of [input[name] ?? []].flat().filter((one) => one !== "")) {
      // An address is not fetched: it varies what is painted.
      if (typeof item === "string" && /^https?:\/\//i.test(item)) read.texts.push(item)
      else {
        const copy = await copyOf(item)
        if (copy === undefined) return name
        read.inputs.push(copy)
      }
    }
  }
  if (input.mask !== undefined && input.mask !== "") {
    read.mask = await copyOf(input.mask)
    if (read.mask === undefined) return "mask"
  }
  return read
}

async function copyOf(item: unknown): Promise<string | undefined> {
  if (typeof item !== "string") return undefined
  const bytes = Buffer.from(item.replace(/^data:[^,]*,/, ""), "base64")
  return (await inspect(bytes)) ? (await shrink(bytes)).toString("base64") : undefined
}
