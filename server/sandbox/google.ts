// Google, imitated: the models that draw, on the Gemini API and on Vertex AI, which differ in address, key and a few fields.
import { jsonAnswer, readBody, readJson } from "./bodies.ts"
import { contentAnswer } from "./google-answers.ts"
import type { Delivery } from "./google-answers.ts"
import { readContentWish } from "./google-content.ts"
import {
  isRefusal,
  refusalAnswer,
  refuse,
  refuseKey,
  refuseMishap,
  refusePrompt,
  unknownModel,
} from "./google-errors.ts"
import { imagenAnswer, readImagenWish } from "./google-imagen.ts"
import { describe, describeOnVertex, models } from "./google-models.ts"
import type { Model, Surface } from "./google-models.ts"
import type { Answer, Imitation, Tools, VendorRequest } from "./imitation.ts"
import { findMishap, spoilAnswer, spoilBody } from "./mishaps.ts"

export const geminiHost = "generativelanguage.googleapis.com"
export const vertexHost = "aiplatform.googleapis.com"

/** The global host, those of regions, and those of the European Union and the United States. */
export const isVertexHost = (host: string): boolean =>
  host === vertexHost || host.endsWith(`-${vertexHost}`) || /^aiplatform\.(eu|us)\.rep\.googleapis\.com$/.test(host)

type Target = { surface: Surface; inProject: boolean; name: string | undefined; action: string | undefined }

export function imitateGoogle(tools: Tools): Imitation {
  return async (request) => {
    const target = targetOf(request.url)
    if (!target) return refusalAnswer(refuse("NOT_FOUND", "The requested URL was not found on this server."))
    const key = request.headers.authorization ?? request.headers["x-goog-api-key"] ?? ""
    const refusal = refuseKey(target.surface, key || (request.url.searchParams.get("key") ?? ""), target.inProject)
    if (refusal) return refusalAnswer(refusal, deliveryOf(request, target) === "list")
    return request.method === "POST" ? serveWork(tools, request, target) : serveModels(request, target)
  }
}

const geminiPath = /^\/v1(?:alpha|beta)?\/models(?:\/([^/:]+)(?::(\w+))?)?$/
const vertexPath =
  /^\/v1(?:beta1)?(\/projects\/[^/]+\/locations\/[^/]+)?\/publishers\/google\/models(?:\/([^/:]+)(?::(\w+))?)?$/

function targetOf({ hostname, pathname }: URL): Target | undefined {
  if (hostname === geminiHost) {
    const found = geminiPath.exec(pathname)
    return found ? { surface: "gemini", inProject: false, name: found[1], action: found[2] } : undefined
  }
  const found = vertexPath.exec(pathname)
  return found ? { surface: "vertex", inProject: found[1] !== undefined, name: found[2], action: found[3] } : undefined
}

function serveModels(request: VendorRequest, { surface, name, action }: Target): Answer {
  const show = (model: Model) => (surface === "gemini" ? describe(model) : describeOnVertex(model))
  if (request.method !== "GET" || action !== undefined)
    return refusalAnswer(refuse("NOT_FOUND", "The requested URL was not found on this server."))
  if (name !== undefined) {
    const model = models.get(name)
    return model ? jsonAnswer(200, show(model)) : refusalAnswer(unknownModel(surface, name, "GetModel"))
  }
  const all = [...models.values()]
  const from = Number(request.url.searchParams.get("pageToken") ?? 0) || 0
  const end = from + (Number(request.url.searchParams.get("pageSize")) || 50)
  const list = { [surface === "gemini" ? "models" : "publisherModels"]: all.slice(from, end).map(show) }
  return jsonAnswer(200, { ...list, ...(end < all.length && { nextPageToken: String(end) }) })
}

const deliveryOf = ({ url }: VendorRequest, { action }: Target): Delivery =>
  action !== "streamGenerateContent" ? "whole" : url.searchParams.get("alt") === "sse" ? "events" : "list"

async function serveWork(tools: Tools, request: VendorRequest, target: Target): Promise<Answer> {
  const { surface, name = "", action = "" } = target
  const delivery = deliveryOf(request, target)
  const model = models.get(name)
  const method = action === "streamGenerateContent" ? "generateContent" : action
  if (!model || model.method !== method) return refusalAnswer(unknownModel(surface, name, action), delivery === "list")
  const body = await readBody(request)
  const given = body === "too large" ? undefined : readJson(body)
  if (!given)
    return refusalAnswer(
      refuse("INVALID_ARGUMENT", "Invalid JSON payload received. Unexpected token."),
      delivery === "list",
    )
  const work = { tools, request, surface, model, delivery, given: given.value }
  return model.method === "predict" ? servePredict(work) : serveContent(work)
}

type Work = {
  tools: Tools
  request: VendorRequest
  surface: Surface
  model: Model
  delivery: Delivery
  given: unknown
}

async function serveContent({ tools, request, surface, model, delivery, given }: Work): Promise<Answer> {
  const inList = delivery === "list"
  const wish = await readContentWish(given, model, surface)
  if (isRefusal(wish)) return refusalAnswer(wish, inList)
  const about = { model: model.id, prompt: wish.prompt }
  const mishap = findMishap(wish.prompt, tools)
  const refusal = refuseMishap(mishap, model.id)
  if (refusal) return { ...refusalAnswer(refusal, inList), about }
  const answer = contentAnswer({ wish, model, mishap, pace: tools.pace }, delivery)
  return { ...spoilAnswer(spoilBody(answer, mishap, request.signal), mishap), about }
}

function servePredict({ tools, request, surface, model, given }: Work): Answer {
  const wish = readImagenWish(given, model, surface)
  if (isRefusal(wish)) return refusalAnswer(wish)
  const about = { model: model.id, prompt: wish.prompt }
  const mishap = findMishap(wish.prompt, tools)
  const refusal = mishap === "sandbox:moderation" ? refusePrompt() : refuseMishap(mishap, model.id)
  if (refusal) return { ...refusalAnswer(refusal), about }
  const answer = imagenAnswer({ wish, model, mishap, pace: tools.pace })
  return { ...spoilAnswer(spoilBody(answer, mishap, request.signal), mishap), about }
}
