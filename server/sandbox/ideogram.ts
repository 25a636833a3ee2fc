// Ideogram 3.0, imitated: forms in, signed links out, and the host that the links point to.
import { randomUUID } from "node:crypto"
import { join } from "node:path"
import { jsonAnswer, readBody } from "./bodies.ts"
import { deliver, signLink } from "./delivery.ts"
import { forms, readParts } from "./ideogram-fields.ts"
import type { Fields } from "./ideogram-fields.ts"
import { readImages, sizeOf } from "./ideogram-images.ts"
import type { Images } from "./ideogram-images.ts"
import type { Answer, Imitation, Tools, VendorRequest } from "./imitation.ts"
import { findMishap, spoilAnswer } from "./mishaps.ts"
import type { Mishap } from "./mishaps.ts"
import { seedOf } from "./picture.ts"
import type { Picture } from "./picture.ts"
import { createRecords } from "./records.ts"
import type { Records } from "./records.ts"

export const linkHost = "ideogram.ai"

const apiPath = "/v1/ideogram-v3/"
const pictureMs = 1_000
// UNVERIFIED: others report an hour, the newer API documents a day.
const linkMs = 60 * 60 * 1000
const bodyMaxBytes = 50 * 1024 * 1024
const inFlightMax = 10
const seeds = 2 ** 31

/** A picture as it is kept until it is fetched: the inputs are small copies in base64. */
type Made = { picture: Picture; inputs: string[]; mask: string | null }

/** `busyUntil`: by key, when each of its calls will have been answered. */
type Needs = Tools & { made: Records<Made>; busyUntil: Map<string, number[]> }

export function imitateIdeogram(tools: Tools): Imitation {
  const folder = tools.folder === undefined ? undefined : join(tools.folder, "ideogram")
  const needs: Needs = { ...tools, made: createRecords<Made>(tools.now, folder), busyUntil: new Map() }
  return async (request) => {
    const { method, url, headers } = request
    if (url.hostname === linkHost || url.pathname.startsWith("/api/images/")) return serveLink(needs, request)
    const operation = url.pathname.startsWith(apiPath) ? url.pathname.slice(apiPath.length) : ""
    if (!forms.has(operation)) return refuse(404, "Not Found")
    if (method !== "POST") return refuse(405, "Method Not Allowed")
    const key = headers["api-key"] ?? ""
    // The description gives this operation alone another status for the same.
    if (key === "" || key.includes("invalid")) return refuse(operation === "remix" ? 403 : 401, "Not authorized.")
    return serve(needs, request, operation, key)
  }
}

/** UNVERIFIED: all bodies but that of 422, which the description leaves open; published clients expect this shape. */
const refuse = (status: number, error: string, headers?: Record<string, string>): Answer =>
  jsonAnswer(status, { error }, headers)

async function serve(needs: Needs, request: VendorRequest, operation: string, key: string): Promise<Answer> {
  const order = await readOrder(request, operation)
  if (typeof order === "string") return refuse(400, order)
  const prompt = order.fields.prompt ?? ""
  const about = { model: "ideogram-v3", prompt }
  const mishap = findMishap(prompt, needs)
  const delayMs = needs.pace === "human" ? pictureMs : 0
  const refusal = refuseMishap(mishap) ?? refuseMany(needs, key, delayMs)
  if (refusal) return { ...refusal, about }
  const body = await makePictures(needs, request, { ...order, operation, mishap })
  const given = { ...jsonAnswer(200, body, headersOf(operation)), delayMs }
  return { ...spoilAnswer(given, mishap), about }
}

type Order = { fields: Fields; images: Images }

async function readOrder(request: VendorRequest, operation: string): Promise<Order | string> {
  const type = request.headers["content-type"] ?? ""
  if (!/^multipart\/form-data\b/i.test(type)) return "Content-Type must be multipart/form-data."
  const body = await readBody(request)
  if (body === "too large" || body.length >= bodyMaxBytes) return "The request must stay under 50MB."
  const form = await new Response(body, { headers: { "content-type": type } }).formData().catch(() => undefined)
  if (!form) return "The multipart body could not be parsed."
  const parts = await readParts(form, operation)
  if (typeof parts === "string") return parts
  const images = await readImages(parts.uploads, operation)
  return typeof images === "string" ? images : { fields: parts.fields, images }
}

function refuseMishap(mishap: Mishap | undefined): Answer | undefined {
  if (mishap === "sandbox:moderation") return refuse(422, "Prompt failed the safety check.")
  // UNVERIFIED: that the vendor says how long to wait.
  if (mishap === "sandbox:rate-limit") return refuse(429, "Too many requests.", { "retry-after": "1" })
  if (mishap === "sandbox:no-credit") return refuse(402, "Insufficient credits.")
  if (mishap === "sandbox:error" || mishap === "sandbox:task-error") return refuse(500, "Internal server error.")
  if (mishap === "sandbox:overloaded") return refuse(503, "Service unavailable.")
  return undefined
}

/** A key has ten calls in flight, in the vendor's documentation. */
function refuseMany({ busyUntil, now }: Needs, key: string, durationMs: number): Answer | undefined {
  const mine = (busyUntil.get(key) ?? []).filter((until) => until > now())
  if (mine.length >= inFlightMax) return refuse(429, "Too many requests in flight.")
  busyUntil.set(key, [...mine, now() + durationMs])
  return undefined
}

type Work = Order & { operation: string; mishap: Mishap | undefined }

async function makePictures(needs: Needs, request: VendorRequest, work: Work) {
  const { fields, mishap } = work
  const count = mishap === "sandbox:no-image" ? 0 : (fields.num_images ?? 1)
  // Without a seed the vendor rolls one, so the same request gives other pictures each time.
  const first = fields.seed ?? seedOf(randomUUID())
  const data = await Promise.all(
    Array.from({ length: count }, (_, index) => makePicture(needs, request, work, (first + index) % seeds)),
  )
  const created = new Date(needs.now()).toISOString().replace("Z", "000+00:00")
  return { created, data, notice: "A newer version of this endpoint is available." }
}

async function makePicture(needs: Needs, request: VendorRequest, work: Work, seed: number) {
  const { fields, images, operation, mishap } = work
  const { width, height } = sizeOf(fields, operation, images.source)
  const { prompt = "" } = fields
  const isSafe = mishap !== "sandbox:moderation-output"
  const transparent = operation === "generate-transparent"
  const picture: Picture = { prompt, seed, model: "ideogram-v3", width, height, format: "png", transparent }
  return {
    url: isSafe ? await keep(needs, request, picture, images) : null,
    prompt: fields.magic_prompt === "ON" ? `${prompt}, painted offline by the sandbox` : prompt,
    resolution: `${width}x${height}`,
    is_image_safe: isSafe,
    seed,
    style_type: fields.style_type ?? "GENERAL",
  }
}

async function keep({ made, now }: Needs, request: VendorRequest, picture: Picture, images: Images): Promise<string> {
  const id = randomUUID()
  const inputs = images.inputs.map((input) => input.toString("base64"))
  await made.put(id, { picture, inputs, mask: images.mask?.toString("base64") ?? null })
  return request.link(signLink(`https://${linkHost}/api/images/ephemeral/${id}.png`, "png", now() + linkMs))
}

/** What the vendor's older API says of its end; the older name of inpaint is on its way out. */
function headersOf(operation: string): Record<string, string> {
  const name = operation === "edit" ? "inpaint" : operation
  const successor = `<https://api.ideogram.ai/v2/image/${name}/ideogram-3>; rel="successor-version"`
  const isDeprecated = operation === "edit"
  return {
    ...(name === "generate" || name === "inpaint" ? { link: successor } : {}),
    ...(isDeprecated ? { deprecation: `@${Date.parse("2026-04-29") / 1000}` } : {}),
  }
}

async function serveLink({ made, now }: Needs, request: VendorRequest): Promise<Answer> {
  return deliver(request, now(), async (id) => {
    const found = await made.get(id)
    if (!found) return undefined
    const inputs = found.inputs.map((input) => Buffer.from(input, "base64"))
    const mask = found.mask === null ? {} : { mask: Buffer.from(found.mask, "base64") }
    return { picture: found.picture, references: { inputs, ...mask } }
  })
}
