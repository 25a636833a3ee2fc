// OpenAI's Images API, for every model there is. AIHubMix serves the same routes.
import { z } from "zod"
import { generationHeaders } from "../../generations/headers.ts"
import { startGeneration } from "../../generations/start.ts"
import { waitForGeneration } from "../../generations/find.ts"
import { route } from "../../http/route.ts"
import type { Answer, Call } from "../../http/route.ts"
import { GatewayError } from "../../errors.ts"
import { throwUnlessSucceeded } from "../../generations/generation.ts"
import { streamImages, writeImages } from "./answers.ts"
import { phrase } from "./errors.ts"
import { defaultModel, readRequest } from "./request.ts"
import { isSeedream, streamSeedream } from "./seedream.ts"

const common = {
  model: z
    .string()
    .optional()
    .meta({ description: `Any model of \`GET /v1/models\`; ${defaultModel} without it.` }),
  prompt: z.string().meta({ examples: ["a paper boat on a pond"] }),
  response_format: z
    .enum(["url", "b64_json"])
    .optional()
    .meta({ description: "url for dall-e-3 and doubao, else b64_json." }),
  stream: z.boolean().optional().meta({ description: "Answer with server-sent events." }),
  partial_images: z
    .int()
    .min(0)
    .max(3)
    .optional()
    .meta({ description: "Early states to stream, where the model has them." }),
  n: z.int().min(1).max(10).optional(),
  size: z.string().optional(),
  user: z.string().optional(),
}

// Documentation of what all models share. What a model really takes is its own schema, which checks the request.
const Generate = z.looseObject(common)
const picture = z.union([z.string(), z.array(z.string()), z.array(z.object({ image_url: z.string() }))])
const Edit = z.looseObject({
  ...common,
  image: picture
    .optional()
    .meta({ description: "One or more pictures: files in a form; URLs, data URLs or base64 in JSON." }),
  images: picture.optional().meta({ description: "The same, as OpenAI's JSON form of this call names it." }),
  mask: z.union([z.string(), z.object({ image_url: z.string() })]).optional(),
})

const Images = z.object({
  created: z.int(),
  data: z.array(
    z.object({ b64_json: z.string().optional(), url: z.string().optional(), revised_prompt: z.string().optional() }),
  ),
  usage: z.record(z.string(), z.unknown()).optional(),
})

const answers = [
  {
    status: 200,
    about: "The pictures; with `stream`, events `image_generation.*` or `image_edit.*` instead.",
    schema: Images,
  },
]
const failures = [
  "invalid_request",
  "invalid_key",
  "unknown_model",
  "too_large",
  "media_type_not_allowed",
  "content_refused",
  "provider_error",
  "provider_timeout",
  "provider_unavailable",
] as const

const shared = {
  method: "POST",
  group: "OpenAI",
  access: "key",
  takesForms: true,
  counted: true,
  checksItself: true,
  answers,
  failures,
  phrase,
} as const

export const generateImages = route({
  ...shared,
  path: "/v1/images/generations",
  summary: "Make pictures",
  body: Generate,
  handle: (call) => makeImages(call, "image_generation"),
})

export const editImages = route({
  ...shared,
  path: "/v1/images/edits",
  summary: "Change pictures",
  body: Edit,
  handle: (call) => makeImages(call, "image_edit"),
})

// As their vendors answer; all others send bytes.
const linksByDefault = /^(?:openai\/dall-e-3|doubao\/)/

async function makeImages(
  call: Pick<Call, "app" | "caller" | "received" | "signal" | "origin" | "requestId" | "body" | "repeat">,
  kind: "image_generation" | "image_edit",
): Promise<Answer> {
  const { app, caller, received, signal, origin, requestId } = call
  const request = readRequest(app, call.body)
  const { model, parameters, warnings } = request
  if (kind === "image_edit" && parameters["image"] === undefined)
    throw new GatewayError({
      code: "invalid_request",
      detail: "image is missing",
      problems: [{ param: "image", message: "image is missing" }],
    })
  const started = await startGeneration(app, caller, {
    dialect: "openai",
    model,
    parameters,
    warnings,
    received,
    repeat: call.repeat,
    signal,
    waited: true,
  })
  const { id, input } = started
  const headers = generationHeaders(app, origin, started)
  const format = request.format ?? (linksByDefault.test(started.model) ? "url" : "b64_json")
  if (request.stream && isSeedream(started.model))
    return { status: 200, headers, events: streamSeedream({ app, caller, id, origin, format, signal }) }
  if (request.stream)
    return { status: 200, headers, events: streamImages({ app, caller, id, input, requestId, kind, signal }) }
  const generation = await waitForGeneration(app, caller, id, { waitMs: Number.POSITIVE_INFINITY, signal })
  throwUnlessSucceeded(generation)
  return { status: 200, headers, json: writeImages(app, origin, generation, format) }
}
