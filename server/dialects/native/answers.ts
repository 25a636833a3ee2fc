// A generation in Atelier's own words.
import { z } from "zod"
import type { App } from "../../app.ts"
import { messageOf, meaningOf } from "../../errors.ts"
import type { Generation, Reference } from "../../generations/generation.ts"
import type { Image } from "../../images/images.ts"
import { signedLink } from "../../images/links.ts"

const time = z.iso.datetime()

const ImageAnswer = z.object({
  id: z.string(),
  url: z
    .string()
    .meta({ description: "Works without a key, for as long as the server is set to (24 hours by default)." }),
  media_type: z.enum(["image/png", "image/jpeg", "image/webp"]),
  width: z.int(),
  height: z.int(),
  bytes: z.int(),
  sha256: z.string(),
  seed: z.int().optional(),
  revised_prompt: z.string().optional(),
  quality: z.string().optional(),
  background: z.string().optional(),
})

export const GenerationAnswer = z.object({
  id: z.string(),
  status: z.enum(["queued", "running", "succeeded", "failed", "canceled"]),
  model: z.string(),
  mode: z.enum(["live", "test"]),
  input: z.record(z.string(), z.unknown()),
  images: z.array(ImageAnswer),
  error: z.object({ code: z.string(), message: z.string(), retry: z.boolean() }).nullable(),
  warnings: z.array(z.string()),
  usage: z.record(z.string(), z.unknown()).nullable(),
  created_at: time,
  started_at: time.nullable(),
  finished_at: time.nullable(),
})

type Needs = Pick<App, "config" | "clock" | "linkSecret">

const iso = (milliseconds: number | undefined): string | null =>
  milliseconds === undefined ? null : new Date(milliseconds).toISOString()

export function writeGeneration(app: Needs, origin: string, generation: Generation) {
  const { id, status, model, mode, failure, warnings } = generation
  return {
    ...{ id, status, model, mode },
    input: writeInput(generation),
    images: generation.images.map((image) => writeImage(app, origin, image)),
    error: failure ? { code: failure.code, message: messageOf(failure), retry: meaningOf(failure.code).retry } : null,
    warnings,
    usage: generation.usage ?? null,
    created_at: iso(generation.createdAt),
    started_at: iso(generation.startedAt),
    finished_at: iso(generation.finishedAt),
  }
}

const writeReference = (reference: Reference): unknown =>
  reference.kind === "url"
    ? reference.url
    : { sha256: reference.sha256, bytes: reference.bytes, media_type: reference.mediaType }

function writeInput({ input, references }: Generation) {
  const images = references.filter(({ role }) => role === "image").map(writeReference)
  const mask = references.find(({ role }) => role === "mask")
  return { ...input, ...(images.length > 0 ? { image: images } : {}), ...(mask ? { mask: writeReference(mask) } : {}) }
}

function writeImage(app: Needs, origin: string, image: Image) {
  const { id, width, height, bytes, sha256, notes } = image
  return { id, url: signedLink(app, origin, id), media_type: image.mediaType, width, height, bytes, sha256, ...notes }
}
