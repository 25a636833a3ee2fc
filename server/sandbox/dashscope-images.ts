// What a call to DashScope says and shows: the text of its one message, and the pictures sent along with it.
import type { z } from "zod"
import { invalid, tooSmall, unreachable } from "./dashscope-errors.ts"
import type { Refusal } from "./dashscope-errors.ts"
import type { Conversation, Model } from "./dashscope-models.ts"
import { inspect, shrink } from "./picture.ts"
import type { Size } from "./picture.ts"

export type Images = {
  /** Small copies. */
  inputs: Buffer[]
  /** The last of them as it came. */
  last?: Size
  /** Addresses, which nobody fetches: they only vary what is painted. */
  texts: string[]
}

type Message = z.infer<typeof Conversation>["input"]["messages"][number]

export function promptOf({ content }: Message): string | Refusal {
  const [first, ...others] = content.flatMap(({ text }) => text ?? [])
  return first === undefined || others.length > 0 ? invalid("content must have exactly one text") : first
}

/** `isResolved`: whether links into the vendor's own store are followed. */
export async function readImages(
  { content }: Message,
  { images: { min, max } }: Model,
  isResolved: boolean,
): Promise<Images | Refusal> {
  const given = content.flatMap(({ image }) => image ?? [])
  if (given.length < min || given.length > max)
    return invalid(max === 0 ? "image is not supported by this model" : `image: ${min} to ${max} are needed`)
  const images: Images = { inputs: [], texts: [] }
  for (const image of given) {
    if (/^https?:\/\//i.test(image) || (isResolved && image.startsWith("oss://"))) images.texts.push(image)
    else {
      const bytes = Buffer.from(/^data:image\/[a-z]+;base64,(.+)$/s.exec(image)?.[1] ?? "", "base64")
      const found = bytes.length > 0 && bytes.length <= imageMaxBytes ? await inspect(bytes) : undefined
      if (!found) return unreachable
      if (found.width <= 10 || found.height <= 10) return tooSmall
      images.last = found
      images.inputs.push(await shrink(bytes))
    }
  }
  return images
}

const imageMaxBytes = 10 * 1024 * 1024
