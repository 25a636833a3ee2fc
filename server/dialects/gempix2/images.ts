// The Gempix2 API: jobs that are begun, asked for, and told of by webhooks.
import { z } from "zod"
import type { App } from "../../app.ts"
import { GatewayError, messageOf, withNames } from "../../errors.ts"
import { findGeneration } from "../../generations/find.ts"
import type { Generation } from "../../generations/generation.ts"
import { progressNow } from "../../generations/progress.ts"
import { generationHeaders } from "../../generations/headers.ts"
import { startGeneration } from "../../generations/start.ts"
import { uploadOnce } from "../../generations/uploads.ts"
import { route } from "../../http/route.ts"
import { signedLink } from "../../images/links.ts"
import { phrase, success } from "./errors.ts"

const ratios = ["auto", "16:9", "9:16", "1:1"] as const

const NewImage = z.strictObject({
  generationType: z.enum(["text_to_image", "image_to_image"]),
  prompt: z.string().min(1),
  aspectRatio: z.enum(ratios).default("auto"),
  imageUrl: z.string().optional().meta({ description: "What image_to_image starts from." }),
  imageKey: z.string().optional().meta({ description: "The key of an uploaded picture, in its place." }),
  model: z.string().optional().meta({ description: "Another model than the one this server is set to." }),
  webhookUrl: z.string().optional().meta({ description: "An address to be told of the end of this one." }),
})

const envelope = (data: z.ZodType) => z.object({ code: z.literal(0), msg: z.string(), data })

const Status = z.enum(["pending", "processing", "completed", "failed"])

const group = "Gempix2"
const shared = { group, access: "key", phrase } as const

// Ours by theirs, for messages.
const names: Record<string, string> = { image: "imageUrl", aspect_ratio: "aspectRatio" }

export const generateImage = route({
  ...shared,
  method: "POST",
  path: "/api/generate-image",
  summary: "Begin a picture",
  counted: true,
  body: NewImage,
  answers: [
    {
      status: 200,
      about: "It is begun.",
      schema: envelope(
        z.object({
          uuid: z.string(),
          status: Status,
          generationType: z.string(),
          prompt: z.string(),
          aspectRatio: z.string(),
          createdAt: z.string(),
        }),
      ),
    },
  ],
  failures: ["invalid_request", "invalid_key", "insufficient_credits", "rate_limited"],
  async handle({ app, caller, body, received, repeat, origin, signal }) {
    const { generationType, prompt, aspectRatio } = body
    const generation = await startGeneration(app, caller, {
      dialect: "gempix2",
      model: body.model ?? app.config.gempix2Model,
      parameters: readParameters(body, origin),
      received,
      repeat,
      signal,
      waited: false,
      ...(body.webhookUrl === undefined ? {} : { webhook: { url: body.webhookUrl, origin } }),
    }).catch((error: unknown) => {
      throw withNames(error, names)
    })
    const { id: uuid, createdAt } = generation
    const facts = { uuid, status: statusOf(generation), generationType, prompt, aspectRatio }
    const json = success("Success", { ...facts, createdAt: new Date(createdAt).toISOString() })
    return { status: 200, headers: generationHeaders(app, origin, generation), json }
  },
})

type Wanted = z.infer<typeof NewImage>

/** A link to a picture that lies here names the picture: nothing is fetched from oneself. */
function idIn(url: string | undefined, origin: string): string | undefined {
  const [, id] = /^\/v1\/images\/(img_\w{1,36})$/.exec(URL.parse(url ?? "")?.pathname ?? "") ?? []
  return id !== undefined && url!.startsWith(`${origin}/`) ? id : url
}

function readParameters({ generationType, prompt, aspectRatio, imageUrl, imageKey }: Wanted, origin: string) {
  const wrong = (param: string, message: string) =>
    new GatewayError({ code: "invalid_request", detail: message, problems: [{ param, message }] })
  const starts = generationType === "image_to_image"
  if (starts && imageUrl === undefined && imageKey === undefined)
    throw wrong("imageUrl", "imageUrl is missing: image_to_image starts from it, or from imageKey")
  if (!starts && (imageUrl ?? imageKey) !== undefined)
    throw wrong("imageUrl", "imageUrl and imageKey belong to generationType image_to_image")
  return {
    prompt,
    // An uploaded picture goes before its link, which names the same one.
    ...(starts ? { image: imageKey ?? idIn(imageUrl, origin) } : {}),
    ...(aspectRatio === "auto" ? {} : { aspect_ratio: aspectRatio }),
  }
}

const statusOf = ({ status }: Generation): z.infer<typeof Status> => {
  if (status === "queued") return "pending"
  if (status === "running") return "processing"
  return status === "succeeded" ? "completed" : "failed"
}

const statusRoute = (path: string) =>
  route({
    ...shared,
    method: "GET",
    path,
    summary: "Read how far a picture is",
    params: z.object({ uuid: z.string() }),
    answers: [
      {
        status: 200,
        about: "As it is now.",
        schema: envelope(
          z.object({
            uuid: z.string(),
            status: Status,
            imageUrl: z.string().optional(),
            progress: z.int(),
            estimatedTime: z.int().meta({ description: "Seconds that are likely left." }),
            error: z.object({ code: z.string(), message: z.string() }).optional(),
          }),
        ),
      },
    ],
    failures: ["invalid_key", "not_found"],
    async handle({ app, caller, params, origin }) {
      const generation = await findGeneration(app, caller, params.uuid)
      return { status: 200, json: success("Success", await writeStatus(app, origin, generation)) }
    },
  })

export const imageStatus = statusRoute("/api/image-status/{uuid}")

// As the same document is printed in Chinese.
export const imagesStatus = statusRoute("/api/images-status/{uuid}")

type Writing = Pick<App, "config" | "clock" | "linkSecret" | "database">

async function writeStatus(app: Writing, origin: string, generation: Generation) {
  const { id: uuid, images, failure, status } = generation
  const { progress, estimatedSeconds } = await progressNow(app, generation)
  const failed = status === "failed" || status === "canceled"
  const code = failure?.code ?? "canceled"
  return {
    ...{ uuid, status: statusOf(generation) },
    ...(images[0] ? { imageUrl: signedLink(app, origin, images[0].id) } : {}),
    ...{ progress, estimatedTime: estimatedSeconds },
    ...(failed ? { error: { code, message: messageOf(failure ?? { code: "canceled" }) } } : {}),
  }
}

export const uploadPicture = route({
  ...shared,
  method: "POST",
  path: "/api/upload-image-image",
  summary: "Upload a picture to start from",
  counted: true,
  takesForms: true,
  body: z.looseObject({ file: z.string().meta({ description: "The picture: JPEG, PNG or WebP." }) }),
  answers: [
    {
      status: 200,
      about: "Where it is, and by which key it is named.",
      schema: envelope(z.object({ imageUrl: z.string(), imageKey: z.string() })),
    },
  ],
  failures: [
    "invalid_request",
    "invalid_key",
    "image_type_not_allowed",
    "image_invalid",
    "too_large",
    "rate_limited",
    "unavailable",
  ],
  async handle({ app, caller, body, received, repeat, origin, signal }) {
    const sealed = received.get(body.file)
    if (!sealed) {
      const message = "file must be a picture, sent as a file of the form"
      throw new GatewayError({ code: "invalid_request", detail: message, problems: [{ param: "file", message }] })
    }
    const upload = { projectId: caller.projectId, sealed, now: app.clock.now(), param: "file", over: signal }
    const image = await uploadOnce(app, upload, repeat)
    const json = success("Upload successful", { imageUrl: signedLink(app, origin, image.id), imageKey: image.id })
    return { status: 200, json }
  },
})
