// OpenAI, imitated: the Images API, the list of models, and the host that DALL·E's links point to.
import { randomUUID } from "node:crypto"
import { join } from "node:path"
import { jsonAnswer, readBody, readJson } from "./bodies.ts"
import { deliver, signLink } from "./delivery.ts"
import type { Answer, Imitation, Tools, VendorRequest } from "./imitation.ts"
import { findMishap, spoilAnswer, spoilBody } from "./mishaps.ts"
import { bodyAnswer, pictureMs, pictureOf, revise, streamAnswer } from "./openai-answers.ts"
import type { Job } from "./openai-answers.ts"
import {
  isRefusal,
  newRequestId,
  refusalAnswer,
  refuse,
  refuseMishap,
  refuseModeration,
  unknownModel,
} from "./openai-errors.ts"
import type { Refusal } from "./openai-errors.ts"
import { noImages, readFormEdit, readJsonEdit } from "./openai-images.ts"
import type { Images } from "./openai-images.ts"
import { models } from "./openai-models.ts"
import type { Model } from "./openai-models.ts"
import { readWish } from "./openai-parameters.ts"
import type { Endpoint, Wish } from "./openai-parameters.ts"
import type { Picture } from "./picture.ts"
import { createRecords } from "./records.ts"
import type { Records } from "./records.ts"

export const linkHost = "oaidalleapiprodscus.blob.core.windows.net"

const linkMs = 60 * 60 * 1000

type Needs = Pick<Tools, "pace" | "now" | "isFirstTime"> & { pictures: Records<Picture> }

export function imitateOpenAI(tools: Tools): Imitation {
  const folder = tools.folder === undefined ? undefined : join(tools.folder, "openai")
  const needs = { ...tools, pictures: createRecords<Picture>(tools.now, folder) }
  return async (request) => {
    if (request.url.pathname.startsWith("/private/")) return serveLink(needs, request)
    const requestId = newRequestId()
    const given = await serveApi(needs, request, requestId)
    return { ...given, headers: { ...headersOf(requestId), ...given.headers } }
  }
}

const headersOf = (requestId: string): Record<string, string> => ({
  "x-request-id": requestId,
  "openai-version": "2020-10-01",
  "x-ratelimit-limit-requests": "500",
  "x-ratelimit-remaining-requests": "499",
  "x-ratelimit-reset-requests": "120ms",
  "x-ratelimit-limit-tokens": "800000",
  "x-ratelimit-remaining-tokens": "799976",
  "x-ratelimit-reset-tokens": "1ms",
})

async function serveLink({ pictures, now }: Needs, request: VendorRequest): Promise<Answer> {
  return deliver(request, now(), async (id) => {
    const picture = await pictures.get(id)
    return picture && { picture }
  })
}

async function serveApi(needs: Needs, request: VendorRequest, requestId: string): Promise<Answer> {
  const refusal = refuseKey(request.headers.authorization)
  if (refusal) return refusalAnswer(refusal)
  const { pathname } = request.url
  if (request.method === "POST" && pathname === "/v1/images/generations") return serveImages(needs, request, requestId)
  if (request.method === "POST" && pathname === "/v1/images/edits") return serveImages(needs, request, requestId)
  if (request.method === "GET" && pathname === "/v1/models")
    return jsonAnswer(200, { object: "list", data: [...models.values()].map(describe) })
  if (request.method === "GET" && pathname.startsWith("/v1/models/")) return serveModel(pathname.slice(11))
  return refusalAnswer(refuse(404, `Invalid URL (${request.method} ${pathname})`))
}

function refuseKey(authorization = ""): Refusal | undefined {
  const key = authorization.replace(/^Bearer\s*/i, "")
  if (key === "") return refuse(401, "You didn't provide an API key in an Authorization header.")
  if (!key.includes("invalid")) return undefined
  return refuse(401, `Incorrect API key provided: ${key.slice(0, 3)}***.`, { code: "invalid_api_key" })
}

const describe = ({ id, created }: Model) => ({ id, object: "model", created, owned_by: "system" })

function serveModel(encoded: string): Answer {
  const model = models.get(encoded)
  return model ? jsonAnswer(200, describe(model)) : refusalAnswer(unknownModel(encoded))
}

async function serveImages(needs: Needs, request: VendorRequest, requestId: string): Promise<Answer> {
  const order = await readOrder(request)
  if (isRefusal(order)) return refusalAnswer(order)
  const { wish, images, kind } = order
  const about = { model: wish.model.id, prompt: wish.prompt }
  const mishap = findMishap(wish.prompt, needs)
  const at = needs.now()
  const job: Job = { wish, images, at, pace: needs.pace, mishap, requestId, signal: request.signal }
  const refusal = refuseWork(job)
  if (refusal) return { ...refusalAnswer(refusal), about }
  const given = await answerWith(needs, request, job, kind)
  return { ...spoilAnswer(given, mishap), about }
}

/** In a stream the picture is refused where it would have come. */
function refuseWork({ wish, mishap, requestId }: Job): Refusal | undefined {
  const moderated = mishap === "sandbox:moderation" || (mishap === "sandbox:moderation-output" && !wish.stream)
  return moderated ? refuseModeration(requestId, wish.model.family.dalle === true) : refuseMishap(mishap, wish.model.id)
}

type Kind = "image_generation" | "image_edit"

async function answerWith(needs: Needs, request: VendorRequest, job: Job, kind: Kind): Promise<Answer> {
  if (job.wish.asLink && job.mishap !== "sandbox:no-image") return linkAnswer(needs, request, job)
  return spoilBody(job.wish.stream ? streamAnswer(job, kind) : bodyAnswer(job), job.mishap, request.signal)
}

async function linkAnswer({ pictures, pace }: Needs, request: VendorRequest, job: Job): Promise<Answer> {
  const id = randomUUID()
  const picture = pictureOf(job, 0)
  await pictures.put(id, picture)
  const address = `https://${linkHost}/private/org-sandbox/user-sandbox/img-${id}.png`
  const url = request.link(signLink(address, picture.format, job.at + linkMs))
  const data = [{ revised_prompt: revise(job.wish.prompt), url }]
  const given = jsonAnswer(200, { created: Math.floor(job.at / 1000), data })
  return { ...given, delayMs: pace === "human" ? pictureMs : 0 }
}

type Order = { wish: Wish; images: Images; kind: Kind }

async function readOrder(request: VendorRequest): Promise<Order | Refusal> {
  const isEdit = request.url.pathname.endsWith("/edits")
  const type = request.headers["content-type"] ?? ""
  const isForm = isEdit && /^multipart\/form-data\b/i.test(type)
  if (!isForm && !/^application\/json\b/i.test(type)) return refuseMediaType(type, isEdit)
  const body = await readBody(request)
  if (body === "too large") return refuse(413, "Your request is too large.")
  return isForm ? readForm(body, type) : readObject(body, isEdit)
}

const refuseMediaType = (type: string, isEdit: boolean): Refusal =>
  refuse(
    400,
    `Unsupported content type: '${type}'. This API method only accepts ` +
      `${isEdit ? "'multipart/form-data' or 'application/json'" : "'application/json'"} requests.`,
    { code: "unsupported_content_type" },
  )

async function readForm(body: Buffer<ArrayBuffer>, type: string): Promise<Order | Refusal> {
  const response = new Response(body, { headers: { "content-type": type } })
  const form = await response.formData().catch(() => undefined)
  if (!form) return refuse(400, "We could not parse the multipart body of your request.")
  const edit = await readFormEdit(form)
  return isRefusal(edit) ? edit : order("edits as form", edit.fields, edit.images)
}

async function readObject(body: Buffer, isEdit: boolean): Promise<Order | Refusal> {
  const given = readJson(body)?.value
  if (typeof given !== "object" || given === null || Array.isArray(given))
    return refuse(400, "We could not parse the JSON body of your request.")
  if (!isEdit) return order("generations", given as Record<string, unknown>, noImages)
  const edit = await readJsonEdit(given as Record<string, unknown>)
  return isRefusal(edit) ? edit : order("edits as JSON", edit.fields, edit.images)
}

function order(endpoint: Endpoint, fields: Record<string, unknown>, images: Images): Order | Refusal {
  const wish = readWish(fields, endpoint, images.inputs[0])
  if (isRefusal(wish)) return wish
  return { wish, images, kind: endpoint === "generations" ? "image_generation" : "image_edit" }
}
