// A generation as AIHubMix answers it: another shape for each family, as real clients read them.
import type { App } from "../../app.ts"
import { base64Of } from "../../bodies/write.ts"
import type { Model } from "../../catalogue/model.ts"
import { messageOf } from "../../errors.ts"
import type { Generation } from "../../generations/generation.ts"
import type { Image } from "../../images/images.ts"
import { signedLink } from "../../images/links.ts"
import { storedBytes } from "../../images/stored.ts"
import type { Format } from "./request.ts"

type Needs = Pick<App, "config" | "clock" | "linkSecret" | "storage">

type Wish = { format: Format; mirrored: boolean }

type Write = (app: Needs, origin: string, generation: Generation, wish: Wish) => unknown

const link = (app: Needs, origin: string, image: Image): string => signedLink(app, origin, image.id)
const base64 = (app: Needs, image: Image): unknown => base64Of(storedBytes(app, image.sha256, image.bytes))

/** Seen live in June 2026: `output` is an object, and the media type is the bare word. */
const writeObject: Write = (app, origin, { images, usage }, { format }) => {
  const asLinks = format === "url"
  const b64_json = images.map((image) => ({
    bytesBase64: base64(app, image),
    mimeType: image.mediaType.slice("image/".length),
  }))
  const output = asLinks
    ? { b64_json: [], urls: images.map((image) => link(app, origin, image)) }
    : { b64_json, urls: [] }
  return { output, ...(usage ? { usage } : {}) }
}

const writeList =
  (unless: "url" | "b64_json"): Write =>
  (app, origin, { images }, { format = unless, mirrored }) => {
    const asLinks = format === "url"
    const output = images.map((image) =>
      asLinks ? { url: link(app, origin, image) } : { bytesBase64: base64(app, image) },
    )
    if (!mirrored) return { output }
    const data = images.map((image) => (asLinks ? { url: link(app, origin, image) } : { b64_json: base64(app, image) }))
    return { output, data }
  }

/** Made in the background: the caller gets a task to ask for, at an address that works with his own key. */
const writeTask: Write = (_app, origin, { id }) => ({
  output: [{ taskId: id, polling_url: `${origin}/v1/tasks/${id}` }],
})

/**
 * Which shape a model's predictions are answered in. Those of dall-e-3, Imagen, Ideogram and Stability were never seen
 * live: see docs/decisions/0004.
 */
export function answerOf(model: Model): Write {
  if (model.background) return writeTask
  if (model.id.startsWith("openai/gpt-image")) return writeObject
  return writeList(model.id.startsWith("google/") ? "b64_json" : "url")
}

// Clients take any other word for a failure.
const statusOf = ({ status, failure }: Generation): string => {
  if (status === "succeeded") return "Ready"
  if (status === "queued" || status === "running") return "Pending"
  if (failure?.code !== "content_refused") return "Error"
  return failure.refused === "picture" ? "Content Moderated" : "Request Moderated"
}

export function writeTaskState(app: Needs, origin: string, generation: Generation) {
  const { id, images, failure, input } = generation
  const status = statusOf(generation)
  const [first] = images
  if (status === "Pending") return { id, status, result: null }
  if (!first) {
    const detail = failure ? messageOf(failure) : "The generation was canceled."
    return { id, status, result: null, detail, error: { code: failure?.code ?? "canceled", message: detail } }
  }
  const links = images.map((image) => link(app, origin, image))
  const samples = links.length > 1 ? { samples: links } : {}
  const seed = first.notes.seed === undefined ? {} : { seed: first.notes.seed }
  return {
    ...{ id, status },
    result: { sample: links[0], ...samples, prompt: input.prompt ?? "", ...seed },
    output: links.map((url) => ({ url })),
    progress: 1,
  }
}
