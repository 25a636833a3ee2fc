// A generation as OpenAI's Images API answers it, whole or as a stream of events.
import type { App } from "../../app.ts"
import { base64Of } from "../../bodies/write.ts"
import { GatewayError } from "../../errors.ts"
import { followEvents } from "../../generations/events.ts"
import type { PartialImage } from "../../generations/events.ts"
import { findGeneration } from "../../generations/find.ts"
import { throwUnlessSucceeded } from "../../generations/generation.ts"
import type { Caller, Generation } from "../../generations/generation.ts"
import type { ServerEvent } from "../../http/route.ts"
import { signedLink } from "../../images/links.ts"
import { storedBytes } from "../../images/stored.ts"
import type { Image } from "../../images/images.ts"
import type { MediaType } from "../../images/probe.ts"
import type { Input } from "../../catalogue/model.ts"
import { writeError } from "./errors.ts"

type Needs = Pick<App, "config" | "clock" | "linkSecret" | "storage">

export type Format = "url" | "b64_json"

const seconds = (milliseconds: number | undefined): number => Math.floor((milliseconds ?? 0) / 1000)

export function writeImages(app: Needs, origin: string, generation: Generation, format: Format) {
  const data = generation.images.map((image) => {
    const { revised_prompt } = image.notes
    const picture =
      format === "url"
        ? { url: signedLink(app, origin, image.id) }
        : { b64_json: base64Of(storedBytes(app, image.sha256, image.bytes)) }
    return { ...picture, ...(revised_prompt === undefined ? {} : { revised_prompt }) }
  })
  const { usage, finishedAt } = generation
  return {
    created: seconds(finishedAt),
    ...echo(generation.input, generation.images[0]),
    data,
    ...(usage ? { usage } : {}),
  }
}

const fileFormat = (mediaType: string): string => mediaType.slice("image/".length)

/** What was used in the end: size and format are read from the picture itself. */
function echo(input: Input, image: (Pick<Image, "width" | "height" | "mediaType"> & Partial<Image>) | undefined) {
  const { quality = input["quality"], background = input["background"] } = image?.notes ?? {}
  return {
    ...(image ? { size: `${image.width}x${image.height}`, output_format: fileFormat(image.mediaType) } : {}),
    ...(quality === undefined ? {} : { quality }),
    ...(background === undefined ? {} : { background }),
  }
}

type Streaming = {
  app: App
  caller: Caller
  id: string
  input: Input
  requestId: string
  kind: "image_generation" | "image_edit"
  signal: AbortSignal
}

/** Early states as they come, then each picture. A failure before the first of them is thrown; a later one is told. */
export async function* streamImages(streaming: Streaming): AsyncGenerator<ServerEvent> {
  const { app, caller, id, kind, signal, requestId } = streaming
  let told = false
  for await (const event of followEvents(app, id, 0, signal)) {
    if (event.type !== "partial_image") continue
    told = true
    yield writePartial(streaming, event.data as PartialImage, event.createdAt)
  }
  const generation = await findGeneration(app, caller, id)
  try {
    throwUnlessSucceeded(generation)
  } catch (error) {
    if (!told || !(error instanceof GatewayError)) throw error
    yield { event: "error", data: { type: "error", error: writeError(error.failure, requestId) } }
    return
  }
  for (const image of generation.images) {
    const type = `${kind}.completed`
    const b64_json = base64Of(storedBytes(app, image.sha256, image.bytes))
    const usage = generation.usage ? { usage: generation.usage } : {}
    yield {
      event: type,
      data: { type, b64_json, created_at: seconds(generation.finishedAt), ...echo(generation.input, image), ...usage },
    }
  }
}

function writePartial({ app, kind, input }: Streaming, partial: PartialImage, createdAt: number): ServerEvent {
  const type = `${kind}.partial_image`
  const b64_json = base64Of(storedBytes(app, partial.sha256, partial.bytes))
  const { width, height, media_type, index } = partial
  const used = echo(input, { width, height, mediaType: media_type as MediaType })
  return { event: type, data: { type, b64_json, created_at: seconds(createdAt), ...used, partial_image_index: index } }
}
