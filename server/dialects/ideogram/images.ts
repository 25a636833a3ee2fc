// Ideogram's own V3 API, under the path at which AIHubMix passes it on: forms in, links out.
import { z } from "zod"
import type { App } from "../../app.ts"
import { fromText } from "../../catalogue/forms.ts"
import { GatewayError, withNames } from "../../errors.ts"
import { waitForGeneration } from "../../generations/find.ts"
import { throwUnlessSucceeded } from "../../generations/generation.ts"
import type { Generation } from "../../generations/generation.ts"
import { generationHeaders } from "../../generations/headers.ts"
import { findModel } from "../../generations/routes.ts"
import { startGeneration } from "../../generations/start.ts"
import { route } from "../../http/route.ts"
import type { Answer, Call } from "../../http/route.ts"
import { signedLink } from "../../images/links.ts"
import { phrase } from "./errors.ts"

const name = "ideogram/V3"

// Ideogram's names, by ours.
const names: Record<string, string> = { n: "num_images", size: "resolution" }
const ours = Object.fromEntries(Object.entries(names).map(([own, theirs]) => [theirs, own]))

const Fields = z.looseObject({
  prompt: z.string().optional(),
  aspect_ratio: z.string().optional().meta({ description: "`16x9`, as Ideogram writes it." }),
  resolution: z.string().optional(),
  rendering_speed: z.string().optional(),
  num_images: z.int().optional(),
  seed: z.int().optional(),
  image: z.string().optional().meta({ description: "A file, where the operation starts from a picture." }),
  style_reference_images: z.array(z.string()).optional().meta({ description: "Files, for the style." }),
  character_reference_images: z.array(z.string()).optional().meta({ description: "One file, of a character." }),
  mask: z.string().optional(),
})

const Images = z.object({
  created: z.string(),
  data: z.array(
    z.object({
      url: z.string().nullable(),
      prompt: z.string(),
      resolution: z.string(),
      is_image_safe: z.boolean(),
      seed: z.int().optional(),
      style_type: z.unknown().optional(),
    }),
  ),
})

const shared = {
  method: "POST",
  group: "Ideogram",
  access: "key",
  keyHeader: "api-key",
  takesForms: true,
  counted: true,
  checksItself: true,
  phrase,
} as const

const operationRoute = (path: string, operation: string, summary: string) =>
  route({
    ...shared,
    path: `/ideogram/v1/ideogram-v3/${path}`,
    summary,
    body: Fields,
    answers: [{ status: 200, about: "Links to the pictures.", schema: Images }],
    failures: ["invalid_request", "invalid_key", "too_large", "content_refused", "provider_error"],
    handle: (call) => make(call, operation),
  })

export const ideogramGenerate = operationRoute("generate", "generate", "Make pictures")
export const ideogramTransparent = operationRoute(
  "generate-transparent",
  "generate-transparent",
  "Make pictures with a transparent background",
)
export const ideogramRemix = operationRoute("remix", "remix", "Make pictures after a picture")
export const ideogramEdit = operationRoute("edit", "edit", "Paint a part of a picture anew")
export const ideogramInpaint = operationRoute("inpaint", "edit", "Paint a part of a picture anew, under its newer name")
export const ideogramReframe = operationRoute("reframe", "reframe", "Extend a picture to another shape")
export const ideogramBackground = operationRoute("replace-background", "replace-background", "Put another background")

type Making = Pick<Call, "app" | "caller" | "received" | "origin" | "signal" | "body" | "repeat">

async function make(
  { app, caller, received, repeat, origin, signal, body }: Making,
  operation: string,
): Promise<Answer> {
  const parameters = { ...readFields(app, body), operation }
  const wanted = { dialect: "ideogram", model: name, parameters, received, repeat, signal, waited: true }
  const started = await startGeneration(app, caller, wanted).catch((error: unknown) => {
    throw withNames(error, names)
  })
  const waiting = { waitMs: Number.POSITIVE_INFINITY, signal }
  const generation = await waitForGeneration(app, caller, started.id, waiting)
  const headers = generationHeaders(app, origin, generation)
  if (generation.failure?.refused === "picture") return { status: 200, headers, json: writeUnsafe(generation) }
  throwUnlessSucceeded(generation)
  return { status: 200, headers, json: writeImages(app, origin, generation) }
}

/** Pictures that are no source stand after it here, and are told apart by a parameter. */
function readFields(app: Pick<App, "catalogue">, body: Record<string, unknown>): Record<string, unknown> {
  const { image, style_reference_images: styles, character_reference_images: characters, ...rest } = body
  const given = Object.entries(rest).map(([field, value]) => [ours[field] ?? field, value])
  const images = [image, styles, characters].flat().filter((one) => one !== undefined)
  if (styles !== undefined && characters !== undefined) {
    const param = "character_reference_images"
    const message = `${param} cannot be given together with style_reference_images`
    throw new GatewayError({ code: "invalid_request", detail: message, problems: [{ param, message }] })
  }
  return {
    ...fromText(findModel(app, name), Object.fromEntries(given)),
    ...(images.length > 0 ? { image: images } : {}),
    ...(characters === undefined ? {} : { reference_as: "character" }),
  }
}

const createdAt = ({ finishedAt, createdAt: accepted }: Generation): string =>
  new Date(finishedAt ?? accepted).toISOString()

function writeImages(app: Pick<App, "config" | "clock" | "linkSecret">, origin: string, generation: Generation) {
  const { images, input } = generation
  const style = input["style_type"] === undefined ? {} : { style_type: input["style_type"] }
  const data = images.map(({ id, width, height, notes }) => ({
    url: signedLink(app, origin, id),
    prompt: notes.revised_prompt ?? input.prompt ?? "",
    resolution: `${width}x${height}`,
    is_image_safe: true,
    ...(notes.seed === undefined ? {} : { seed: notes.seed }),
    ...style,
  }))
  return { created: createdAt(generation), data }
}

/** Ideogram delivers what its filter held back as a picture without a link. */
const writeUnsafe = (generation: Generation) => ({
  created: createdAt(generation),
  data: [{ url: null, prompt: generation.input.prompt ?? "", resolution: "", is_image_safe: false }],
})

export const ideogramOlder = route({
  ...shared,
  path: "/ideogram/{operation}",
  summary: "Refused: the interface of the versions below V3",
  params: z.object({ operation: z.string() }),
  answers: [],
  failures: ["unknown_model", "invalid_key"],
  handle(): never {
    const detail = "Ideogram's versions below V3 are not served; use /ideogram/v1/ideogram-v3/generate."
    throw new GatewayError({ code: "unknown_model", detail })
  },
})
