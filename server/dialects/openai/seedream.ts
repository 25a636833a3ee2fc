// How Volcengine streams the pictures of Seedream over OpenAI's route: each whole picture is a "partial" success.
import type { App } from "../../app.ts"
import { base64Of } from "../../bodies/write.ts"
import { waitForGeneration } from "../../generations/find.ts"
import { throwUnlessSucceeded } from "../../generations/generation.ts"
import type { Caller } from "../../generations/generation.ts"
import type { ServerEvent } from "../../http/route.ts"
import { signedLink } from "../../images/links.ts"
import { storedBytes } from "../../images/stored.ts"
import type { Format } from "./answers.ts"

export const isSeedream = (model: string): boolean => model.startsWith("doubao/")

type Streaming = { app: App; caller: Caller; id: string; origin: string; format: Format; signal: AbortSignal }

export async function* streamSeedream(streaming: Streaming): AsyncGenerator<ServerEvent> {
  const { app, caller, id, origin, format, signal } = streaming
  const generation = await waitForGeneration(app, caller, id, { waitMs: Number.POSITIVE_INFINITY, signal })
  throwUnlessSucceeded(generation)
  const { images, usage, finishedAt = 0 } = generation
  const shared = { model: generation.model.slice("doubao/".length), created: Math.floor(finishedAt / 1000) }
  for (const [image_index, image] of images.entries()) {
    const type = "image_generation.partial_succeeded"
    const picture =
      format === "url"
        ? { url: signedLink(app, origin, image.id) }
        : { b64_json: base64Of(storedBytes(app, image.sha256, image.bytes)) }
    const size = `${image.width}x${image.height}`
    yield { event: type, data: { type, ...shared, image_index, ...picture, size } }
  }
  const type = "image_generation.completed"
  const tokens = { output_tokens: usage?.output_tokens ?? 0, total_tokens: usage?.total_tokens ?? 0 }
  yield { event: type, data: { type, ...shared, usage: { generated_images: images.length, ...tokens } } }
}
