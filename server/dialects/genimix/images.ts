// Genimix' API: pictures under ids that the caller chooses, made from a prompt or sent as they are.
import { z } from "zod"
import { asWanted } from "../../derivatives/derive.ts"
import { derivativeQuery } from "../../derivatives/wanted.ts"
import { waitForGeneration } from "../../generations/find.ts"
import { throwUnlessSucceeded } from "../../generations/generation.ts"
import { generationHeaders } from "../../generations/headers.ts"
import { deleteNamedImage, sameWork } from "../../generations/naming.ts"
import { startGeneration } from "../../generations/start.ts"
import { GatewayError } from "../../errors.ts"
import { fingerprintOf } from "../../http/repeat.ts"
import { route } from "../../http/route.ts"
import type { Call } from "../../http/route.ts"
import { findNamedImage, imageNamePattern, uploadNamedImage } from "../../images/names.ts"
import { phrase } from "./errors.ts"
import { checkOnePicture, readModel } from "./request.ts"

const Params = z.object({
  projectId: z.string(),
  imageId: z
    .string()
    .regex(imageNamePattern, "must be 1 to 128 letters, digits, dots, underscores and dashes, and not only dots")
    .meta({ description: "The picture's name, of your choice." }),
})

type Named = { projectId: string; imageId: string }

const Wanted = z.looseObject({
  provider: z
    .string()
    .min(1)
    .meta({ description: "A family of models, such as `google`.", examples: ["google"] }),
  modelId: z
    .string()
    .min(1)
    .meta({ examples: ["imagen-3.0-generate-002"] }),
  prompt: z
    .string()
    .optional()
    .meta({ examples: ["A futuristic city skyline at sunset"] }),
})

const Made = z.object({ success: z.literal(true), message: z.string(), imageUrl: z.string() })
const Deleted = z.object({ success: z.literal(true), deleted: z.string() })

const shared = { group: "Genimix", access: "key", params: Params, phrase } as const
const imagePath = "/v1/{projectId}/image/{imageId}"

/** Another project is like none, and a project without the picture is like both. */
const missing = () => new GatewayError({ code: "not_found", detail: "There is no such image." })

function checkProject({ caller, params }: Pick<Call<Named>, "caller" | "params">) {
  if (params.projectId !== caller.projectId) throw missing()
}

const answerOf = ({ origin, params }: Pick<Call<Named>, "origin" | "params">, message: string) => ({
  success: true,
  message,
  imageUrl: `${origin}/v1/${params.projectId}/image/${params.imageId}`,
})

export const genimixGenerate = route({
  ...shared,
  method: "PUT",
  path: "/v1/{projectId}/generate/{imageId}",
  summary: "Make a picture and keep it under an id of your own",
  about:
    "Further parameters of the model may be given. The same request for the same id is answered with what it made " +
    "before, or waits for it while it is being made; another request replaces the picture, once it has made its own. " +
    "Where several are under way for one id, the one that came last has it. A picture that is deleted while it is " +
    "being made does not get the id; it stays with its generation.",
  counted: true,
  body: Wanted,
  answers: [{ status: 200, about: "Where the picture is.", schema: Made }],
  failures: [
    "invalid_request",
    "invalid_key",
    "insufficient_credits",
    "model_not_allowed",
    "not_found",
    "unknown_model",
    "model_retired",
    "too_large",
    "content_refused",
    "rate_limited",
    "provider_error",
    "provider_unavailable",
  ],
  async handle(call) {
    checkProject(call)
    const { app, caller, origin, signal } = call
    const { id, headers: replayed } = await beginGeneration(call)
    const waiting = { waitMs: Number.POSITIVE_INFINITY, signal }
    const generation = await waitForGeneration(app, caller, id, waiting)
    throwUnlessSucceeded(generation)
    const headers = { ...generationHeaders(app, origin, generation), ...replayed }
    return { status: 200, headers, json: answerOf(call, "Image generated successfully") }
  },
})

type Beginning = Pick<Call<Named>, "app" | "caller" | "params" | "received" | "repeat" | "signal"> & {
  body: z.infer<typeof Wanted>
}

async function beginGeneration(call: Beginning): Promise<{ id: string; headers: Record<string, string> }> {
  const { app, caller, params, body, received, repeat, signal } = call
  const fingerprint = fingerprintOf({ method: "PUT", path: params.imageId, body, received })
  const imageName = { name: params.imageId, fingerprint, mode: caller.mode }
  // Before anything is checked: what was accepted once is not refused later, for its model's end or an empty balance.
  const same = await sameWork(app.database.query, caller.projectId, imageName)
  if (same) return { id: same.id, headers: { "idempotent-replayed": "true" } }
  const { provider, modelId, ...parameters } = body
  const model = readModel(app, provider, modelId)
  checkOnePicture(model, parameters)
  const wanted = { dialect: "genimix", model: model.id, parameters, received, repeat, signal, waited: true, imageName }
  const { id } = await startGeneration(app, caller, wanted)
  return { id, headers: {} }
}

export const genimixUpload = route({
  ...shared,
  method: "PUT",
  path: imagePath,
  summary: "Keep a picture of yours under an id of your own",
  about:
    "Replaces what the id meant before. The bytes decide what type the picture has. They are kept as they come where " +
    "there is nothing in them but the picture; EXIF with its places and makers, texts and thumbnails are taken out, and " +
    "a picture that EXIF says to turn is turned.",
  counted: true,
  takesPicture: true,
  answers: [{ status: 200, about: "Where the picture is.", schema: Made }],
  failures: [
    "invalid_request",
    "invalid_key",
    "not_found",
    "too_large",
    "image_type_not_allowed",
    "image_invalid",
    "rate_limited",
    "unavailable",
  ],
  async handle(call) {
    checkProject(call)
    const { app, caller, params, received, signal } = call
    const [sealed] = received.values()
    await uploadNamedImage(app, params.imageId, {
      ...{ projectId: caller.projectId, sealed: sealed!, now: app.clock.now(), over: signal },
    })
    return { status: 200, json: answerOf(call, "Image uploaded successfully") }
  },
})

export const genimixGet = route({
  ...shared,
  method: "GET",
  path: imagePath,
  summary: "Download a picture by your own id",
  about: "Takes Range, If-None-Match and HEAD. What an id means can change, so a kept copy is to be asked about.",
  query: z.object(derivativeQuery),
  answers: [
    { status: 200, about: "The picture.", type: "image/*" },
    { status: 206, about: "The part of it that was asked for.", type: "image/*" },
    { status: 304, about: "The caller's copy is still good." },
  ],
  failures: ["invalid_request", "invalid_key", "not_found", "image_invalid", "unavailable"],
  async handle(call) {
    checkProject(call)
    const image = await findNamedImage(call.app, call.caller.projectId, call.params.imageId)
    if (!image) throw missing()
    const wanted = await asWanted(call.app, image, call.query, call.signal)
    return { status: 200, image: wanted, cache: "private, no-cache" }
  },
})

export const genimixDelete = route({
  ...shared,
  method: "DELETE",
  path: imagePath,
  summary: "Delete a picture by your own id",
  about: "Also while it is being made. The id is free again, and means nothing until something new is kept under it.",
  answers: [{ status: 200, about: "It is gone.", schema: Deleted }],
  failures: ["invalid_request", "invalid_key", "not_found"],
  async handle(call) {
    checkProject(call)
    if (!(await deleteNamedImage(call.app, call.caller.projectId, call.params.imageId))) throw missing()
    return { status: 200, json: { success: true, deleted: call.params.imageId } }
  },
})
