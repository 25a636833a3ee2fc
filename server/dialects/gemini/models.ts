// Google's API for every model there is, under the path at which AIHubMix passes it on.
import { z } from "zod"
import { withNames } from "../../errors.ts"
import { waitForGeneration } from "../../generations/find.ts"
import { throwUnlessSucceeded } from "../../generations/generation.ts"
import type { Generation } from "../../generations/generation.ts"
import { generationHeaders } from "../../generations/headers.ts"
import { startGeneration } from "../../generations/start.ts"
import { route } from "../../http/route.ts"
import type { Answer, Call } from "../../http/route.ts"
import { writeContent, writePredictions, writeRefusedContent, writeRefusedPredictions } from "./answers.ts"
import { phrase } from "./errors.ts"
import { readContent, readPredict } from "./request.ts"
import type { GeminiRequest } from "./request.ts"

const shared = {
  method: "POST",
  group: "Gemini",
  access: "key",
  keyHeader: "x-goog-api-key",
  counted: true,
  checksItself: true,
  params: z.object({ version: z.enum(["v1beta", "v1"]), model: z.string() }),
  failures: ["invalid_request", "invalid_key", "unknown_model", "model_retired", "too_large", "provider_error"],
  phrase,
} as const

const Content = z.looseObject({
  contents: z.array(
    z.looseObject({
      role: z.enum(["user", "model"]).optional(),
      parts: z.array(
        z.looseObject({
          text: z.string().optional(),
          inlineData: z.object({ mimeType: z.string(), data: z.string() }).optional(),
        }),
      ),
    }),
  ),
  generationConfig: z
    .looseObject({
      responseModalities: z.array(z.string()).optional(),
      imageConfig: z.looseObject({ aspectRatio: z.string().optional(), imageSize: z.string().optional() }).optional(),
      seed: z.int().optional(),
      candidateCount: z.int().optional(),
    })
    .optional(),
})

const ContentAnswer = z.looseObject({
  candidates: z.array(z.unknown()).optional(),
  promptFeedback: z.unknown().optional(),
  usageMetadata: z.unknown(),
  modelVersion: z.string(),
  responseId: z.string(),
})

export const generateContent = route({
  ...shared,
  path: "/gemini/{version}/models/{model}:generateContent",
  summary: "Make pictures from contents",
  about:
    "What the filter of a vendor refuses is answered with 200 and `blockReason` or `finishReason`, as Google does.",
  body: Content,
  answers: [{ status: 200, about: "A candidate for each picture.", schema: ContentAnswer }],
  handle: async (call) => {
    const { generation, headers } = await make(call, readContent(call.body))
    return { status: 200, headers, json: contentOf(call, generation) }
  },
})

export const streamGenerateContent = route({
  ...shared,
  path: "/gemini/{version}/models/{model}:streamGenerateContent",
  summary: "Make pictures from contents, answered as a stream",
  about: "With `alt=sse` one server-sent event, without it a JSON array of one chunk: pictures come whole.",
  query: z.looseObject({ alt: z.enum(["sse", "json"]).optional() }),
  body: Content,
  answers: [{ status: 200, about: "The chunks." }],
  handle: async (call) => {
    const { generation, headers } = await make(call, readContent(call.body))
    const chunk = contentOf(call, generation)
    if (call.query.alt !== "sse") return { status: 200, headers, json: [chunk] }
    async function* events() {
      yield { data: chunk }
    }
    return { status: 200, headers, events: events() }
  },
})

export const predict = route({
  ...shared,
  path: "/gemini/{version}/models/{model}:predict",
  summary: "Make pictures from a prompt, as Imagen is asked",
  body: z.looseObject({
    instances: z.array(z.object({ prompt: z.string() })),
    parameters: z.looseObject({ sampleCount: z.int().optional().meta({ description: "1 without it." }) }).optional(),
  }),
  answers: [{ status: 200, about: "The pictures.", schema: z.object({ predictions: z.array(z.unknown()) }) }],
  handle: async (call): Promise<Answer> => {
    const { generation, headers } = await make(call, readPredict(call.body))
    const refused = refusalIn(generation)
    const json = refused ? writeRefusedPredictions(refused) : writePredictions(call.app, generation)
    return { status: 200, headers, json }
  },
})

type Making = Pick<Call, "app" | "caller" | "received" | "origin" | "signal" | "repeat"> & { params: { model: string } }

async function make(call: Making, { parameters, names, warnings }: GeminiRequest) {
  const { app, caller, received, repeat, origin, signal, params } = call
  const { model } = params
  const wanted = { dialect: "gemini", model, parameters, warnings, received, repeat, signal, waited: true }
  const started = await startGeneration(app, caller, wanted).catch((error: unknown) => {
    throw withNames(error, names)
  })
  const waiting = { waitMs: Number.POSITIVE_INFINITY, signal }
  const generation = await waitForGeneration(app, caller, started.id, waiting)
  if (!refusalIn(generation)) throwUnlessSucceeded(generation)
  return { generation, headers: generationHeaders(app, origin, generation) }
}

const refusalIn = ({ failure }: Generation) => (failure?.code === "content_refused" ? failure : undefined)

function contentOf({ app }: Pick<Call, "app">, generation: Generation) {
  const refused = refusalIn(generation)
  return refused ? writeRefusedContent(generation, refused) : writeContent(app, generation)
}
