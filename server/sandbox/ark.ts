// Volcengine Ark, imitated: one address that makes, edits and groups pictures, and the host that its links point to.
import { join } from "node:path"
import { bodyAnswer, linkHost, streamAnswer } from "./ark-answers.ts"
import type { Job, Kept } from "./ark-answers.ts"
import {
  invalid,
  isRefusal,
  newRequestId,
  outputRefused,
  refusalAnswer,
  refuseIssue,
  refuseMishap,
  serviceError,
  unauthenticated,
  unknownModel,
} from "./ark-errors.ts"
import type { Refusal } from "./ark-errors.ts"
import { readImages } from "./ark-images.ts"
import type { Images } from "./ark-images.ts"
import { countOf, faultInFields, Fields, findModel, sizeOf } from "./ark-models.ts"
import type { Model } from "./ark-models.ts"
import { readBody, readJson } from "./bodies.ts"
import { deliver } from "./delivery.ts"
import type { Answer, Imitation, Tools, VendorRequest } from "./imitation.ts"
import { findMishap, spoilAnswer, spoilBody } from "./mishaps.ts"
import { seedOf } from "./picture.ts"
import { createRecords } from "./records.ts"
import type { Records } from "./records.ts"

export const host = "ark.cn-beijing.volces.com"

export const isArkHost = (name: string): boolean => name === host || name === linkHost

type Needs = Tools & { kept: Records<Kept> }

export function imitateArk(tools: Tools): Imitation {
  const folder = tools.folder === undefined ? undefined : join(tools.folder, "ark")
  const needs: Needs = { ...tools, kept: createRecords<Kept>(tools.now, folder) }
  return async (request) => {
    if (request.method === "GET" && !request.url.pathname.startsWith("/api/")) return serveLink(needs, request)
    const requestId = newRequestId(needs.now())
    const given = await serveApi(needs, request, requestId)
    return { ...given, headers: { "x-request-id": requestId, ...given.headers } }
  }
}

async function serveLink({ kept, now }: Needs, request: VendorRequest): Promise<Answer> {
  return deliver(request, now(), async (id) => {
    const found = await kept.get(id)
    return found && { picture: found.picture, references: { inputs: found.inputs.map(fromBase64) } }
  })
}

const fromBase64 = (text: string): Buffer => Buffer.from(text, "base64")

async function serveApi(needs: Needs, request: VendorRequest, requestId: string): Promise<Answer> {
  const { pathname } = request.url
  const key = (request.headers["authorization"] ?? "").replace(/^Bearer\s*/i, "")
  if (key === "" || key.includes("invalid")) return refusalAnswer(unauthenticated, requestId)
  if (request.method !== "POST" || pathname !== "/api/v3/images/generations")
    // UNVERIFIED: the code.
    return refusalAnswer({ status: 404, code: "InvalidAction", message: `${pathname} is not served.` }, requestId)
  const order = await readOrder(request)
  return isRefusal(order) ? refusalAnswer(order, requestId) : serveImages(needs, request, requestId, order)
}

type Order = { fields: Fields; model: Model; images: Images }

async function readOrder(request: VendorRequest): Promise<Order | Refusal> {
  const body = await readBody(request)
  if (body === "too large") return { ...invalid("body", "the request is too large"), status: 413 }
  const parsed = Fields.safeParse(readJson(body)?.value, { reportInput: true })
  if (!parsed.success) return refuseIssue(parsed.error.issues[0]!)
  const fields = parsed.data
  const model = findModel(fields.model)
  if (!model) return unknownModel(fields.model)
  const fault = faultInFields(model, fields)
  if (fault) return fault
  const images = await readImages(fields.image)
  return isRefusal(images) ? images : { fields, model, images }
}

async function serveImages(needs: Needs, request: VendorRequest, requestId: string, order: Order): Promise<Answer> {
  const { fields } = order
  const about = { model: fields.model, prompt: fields.prompt }
  const job = jobOf(needs, request, requestId, order)
  const refusal = refuseWork(job)
  if (refusal) return { ...refusalAnswer(refusal, requestId), about }
  const given = fields.stream ? streamAnswer(job) : bodyAnswer(job)
  // Behind links it is their own bodies that are spoiled.
  const spoiled = job.asLink ? given : spoilBody(given, job.mishap, request.signal)
  return { ...spoilAnswer(spoiled, job.mishap), about }
}

/** Of a group, single pictures fail; a picture that is asked for alone fails as a whole. */
function refuseWork({ mishap, isGroup }: Job): Refusal | undefined {
  if (!isGroup && mishap === "sandbox:moderation-output") return outputRefused
  if (!isGroup && mishap === "sandbox:task-error") return serviceError
  return refuseMishap(mishap)
}

function jobOf(needs: Needs, request: VendorRequest, requestId: string, { fields, model, images }: Order): Job {
  const { prompt, seed = -1 } = fields
  const given = images.inputs.length + images.texts.length
  // UNVERIFIED: that a seed counts. Without one the same request gives another picture each time.
  const own = seed === null || seed < 0 ? seedOf(requestId) : seed
  const picture = {
    prompt,
    seed: images.texts.length > 0 ? seedOf(String(own), ...images.texts) : own,
    model: fields.model,
    ...sizeOf(fields, images.inputs[0]),
    format: model.formats.length > 1 ? (fields.output_format ?? "jpeg") : "jpeg",
  }
  return {
    picture,
    count: countOf(fields, given),
    isGroup: fields.sequential_image_generation === "auto",
    asLink: fields.response_format !== "b64_json",
    tellsFormat: model.formats.length > 1,
    images,
    at: needs.now(),
    pace: needs.pace,
    mishap: findMishap(prompt, needs),
    requestId,
    signal: request.signal,
    kept: needs.kept,
    link: request.link,
  }
}
