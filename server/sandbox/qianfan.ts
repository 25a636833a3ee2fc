// Baidu Qianfan, imitated: pictures and edits answered at once, and the store that the links point to.
import { randomUUID } from "node:crypto"
import { join } from "node:path"
import { jsonAnswer, readBody, readJson } from "./bodies.ts"
import { deliver, signLink } from "./delivery.ts"
import type { Answer, Imitation, Tools, VendorRequest } from "./imitation.ts"
import { findMishap, spoilAnswer } from "./mishaps.ts"
import type { Mishap } from "./mishaps.ts"
import { seedOf } from "./picture.ts"
import type { Picture } from "./picture.ts"
import {
  invalid,
  isRefusal,
  malformed,
  newId,
  refusalAnswer,
  refuseIssue,
  refuseMishap,
  unauthenticated,
  unknownModel,
  wrongMethod,
} from "./qianfan-errors.ts"
import type { Refusal } from "./qianfan-errors.ts"
import { readImages } from "./qianfan-images.ts"
import type { Images } from "./qianfan-images.ts"
import { faultInFields, Fields, findModel, sizeOf } from "./qianfan-models.ts"
import { createRecords } from "./records.ts"
import type { Records } from "./records.ts"

export const host = "qianfan.baidubce.com"

export const isQianfanHost = (name: string): boolean => name === host || name.endsWith(".bcebos.com")

const bucket = "qianfan-model.bj.bcebos.com"
const api = "/v2/images/"
const pictureMs = 1_000
const linkMs = 24 * 60 * 60 * 1000

/** A picture behind a link, with small copies of what it starts from, in base64. */
type Made = { picture: Picture; inputs: string[]; mask: string | null }

type Needs = Tools & { made: Records<Made> }

export function imitateQianfan(tools: Tools): Imitation {
  const folder = tools.folder === undefined ? undefined : join(tools.folder, "qianfan")
  const needs: Needs = { ...tools, made: createRecords<Made>(tools.now, folder) }
  return async (request) => {
    const { method, url } = request
    if (url.hostname !== host || (method === "GET" && url.pathname.startsWith("/img/")))
      return serveLink(needs, request)
    const endpoint = url.pathname.startsWith(api) ? url.pathname.slice(api.length) : ""
    const isServed = method === "POST" && (endpoint === "generations" || endpoint === "edits")
    const key = (request.headers["authorization"] ?? "").replace(/^Bearer\s*/i, "")
    if (key === "" || key.includes("invalid")) return refusalAnswer(unauthenticated)
    return isServed ? serve(needs, request, endpoint === "edits") : refusalAnswer(wrongMethod)
  }
}

/** The store takes a key that comes along for one of its own, and misses the rest of its signature. */
async function serveLink({ made, now }: Needs, request: VendorRequest): Promise<Answer> {
  if (request.headers["authorization"] !== undefined) {
    const message = "The date header is missing in the request."
    return jsonAnswer(400, { code: "MissingDateHeader", message, requestId: randomUUID() })
  }
  return deliver(request, now(), async (id) => {
    const found = await made.get(id)
    if (!found) return undefined
    const { picture, inputs, mask } = found
    return { picture, references: { inputs: inputs.map(fromBase64), ...(mask && { mask: fromBase64(mask) }) } }
  })
}

const fromBase64 = (text: string): Buffer => Buffer.from(text, "base64")

async function serve(needs: Needs, request: VendorRequest, edits: boolean): Promise<Answer> {
  const order = await readOrder(request, edits)
  if (isRefusal(order)) return refusalAnswer(order)
  const prompt = order.fields.prompt ?? ""
  const about = { model: order.fields.model, prompt }
  const mishap = findMishap(prompt, needs)
  const refusal = refuseMishap(mishap)
  if (refusal) return { ...refusalAnswer(refusal), about }
  const given = jsonAnswer(200, await makePictures(needs, request, { ...order, mishap }))
  return { ...spoilAnswer({ ...given, delayMs: needs.pace === "human" ? pictureMs : 0 }, mishap), about }
}

type Order = { fields: Fields; images: Images }

async function readOrder(request: VendorRequest, edits: boolean): Promise<Order | Refusal> {
  const body = await readBody(request)
  if (body === "too large") return invalid("the request is too large")
  const value = readJson(body)?.value
  if (typeof value !== "object" || value === null || Array.isArray(value)) return malformed
  if (!("model" in value)) return unknownModel("")
  const parsed = Fields.safeParse(value, { reportInput: true })
  if (!parsed.success) return refuseIssue(parsed.error.issues[0]!)
  const fields = parsed.data
  const model = findModel(fields, edits)
  if (isRefusal(model)) return model
  const fault = faultInFields(model, fields)
  if (fault) return fault
  const images = await readImages(fields, model)
  return isRefusal(images) ? images : { fields, images }
}

type Work = Order & { mishap: Mishap | undefined }

async function makePictures(needs: Needs, request: VendorRequest, { fields, images, mishap }: Work) {
  const id = newId()
  const count = mishap === "sandbox:no-image" ? 0 : (fields.n ?? 1)
  // Without a seed the vendor rolls one, so that the same request gives other pictures each time.
  const seed = fields.seed ?? seedOf(id)
  const { inputs, mask, texts } = images
  const like = { prompt: fields.prompt ?? "", model: fields.model, ...sizeOf(fields, images.first) }
  const kept = { inputs: inputs.map(asBase64), mask: mask ? asBase64(mask) : null }
  const data = await Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const own = index === 0 && texts.length === 0 ? seed : seedOf(String(seed), String(index), ...texts)
      return { url: await linkTo(needs, request, { picture: { ...like, seed: own, format: "png" }, ...kept }) }
    }),
  )
  return { id, created: Math.floor(needs.now() / 1000), data }
}

const asBase64 = (bytes: Buffer): string => bytes.toString("base64")

/** Without encryption, as the vendor often hands them out. UNVERIFIED: how they are signed. */
async function linkTo({ made, now }: Needs, request: VendorRequest, picture: Made): Promise<string> {
  const id = randomUUID()
  await made.put(id, picture)
  const day = new Date(now()).toISOString().slice(0, 10).replace("-", "/").replace("-", "")
  return request.link(signLink(`http://${bucket}/img/${day}/${id}.png`, "png", now() + linkMs))
}
