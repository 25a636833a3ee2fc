// Stability AI, imitated: forms in; bytes out, or JSON with base64, as the caller accepts.
import { randomUUID } from "node:crypto"
import sharp from "sharp"
import { base64Pieces, bytesBody, jsonAnswer, readBody, textBody } from "./bodies.ts"
import type { Answer, Imitation, Tools, VendorRequest } from "./imitation.ts"
import { findMishap, spoilAnswer, spoilBody } from "./mishaps.ts"
import type { Mishap } from "./mishaps.ts"
import { draw, seedOf } from "./picture.ts"
import { addresses, readWish, sizeOf } from "./stability-fields.ts"
import type { Wish } from "./stability-fields.ts"

const apiPath = "/v2beta/stable-image/generate/"
const pictureMs = 1_000
const bodyMaxBytes = 10 * 1024 * 1024
const credits = 10_000

const newId = (): string => randomUUID().replaceAll("-", "")

/** The names of 413, 429 and 5xx are UNVERIFIED. */
const refuse = (status: number, name: string, errors: string[], headers?: Record<string, string>): Answer =>
  jsonAnswer(status, { id: newId(), name, errors }, headers)

export function imitateStability(tools: Tools): Imitation {
  return async (request) => {
    const given = await serve(tools, request)
    return { ...given, headers: { "x-request-id": newId(), ...given.headers } }
  }
}

async function serve(tools: Tools, request: VendorRequest): Promise<Answer> {
  const { method, url, headers } = request
  const address = url.pathname.startsWith(apiPath) ? url.pathname.slice(apiPath.length) : ""
  const isBalance = url.pathname === "/v1/user/balance"
  if (!addresses.has(address) && !isBalance) return refuse(404, "not_found", ["no such path"])
  if (method !== (isBalance ? "GET" : "POST")) return refuse(405, "method_not_allowed", ["method not allowed"])
  const key = (headers.authorization ?? "").replace(/^Bearer\s*/i, "")
  if (key === "" || key.includes("invalid"))
    return refuse(401, "unauthorized", ["authorization: invalid or missing header value"])
  return isBalance ? jsonAnswer(200, { credits }) : servePicture(tools, request, address)
}

type Form = "json" | "bytes"

async function servePicture(tools: Tools, request: VendorRequest, address: string): Promise<Answer> {
  const form = formOf(request.headers.accept)
  if (!form) return refuse(400, "bad_request", ["accept: must be image/* or application/json"])
  const wish = await readOrder(request, address)
  if ("status" in wish) return wish
  const { model, prompt } = wish
  const about = { model, prompt }
  const mishap = findMishap(prompt, tools)
  const refusal = refuseMishap(mishap)
  if (refusal) return { ...refusal, about }
  const made = form === "json" ? await jsonPicture(wish, mishap) : await rawPicture(wish, mishap)
  const given = { ...spoilBody(made, mishap, request.signal), delayMs: tools.pace === "human" ? pictureMs : 0 }
  return { ...spoilAnswer(given, mishap), about }
}

/** UNVERIFIED: that a list of several types is refused; the description knows these values only. */
function formOf(accept = "image/*"): Form | undefined {
  if (accept === "application/json") return "json"
  return accept === "image/*" || accept === "*/*" ? "bytes" : undefined
}

async function readOrder(request: VendorRequest, address: string): Promise<Wish | Answer> {
  const type = request.headers["content-type"] ?? ""
  if (!/^multipart\/form-data\b/i.test(type))
    return refuse(400, "bad_request", ["content-type: must be multipart/form-data"])
  const body = await readBody(request)
  if (body === "too large" || body.length > bodyMaxBytes)
    return refuse(413, "payload_too_large", ["body: must be at most 10MiB"])
  const form = await new Response(body, { headers: { "content-type": type } }).formData().catch(() => undefined)
  if (!form) return refuse(400, "bad_request", ["body: could not be parsed"])
  const wish = await readWish(form, address)
  return Array.isArray(wish) ? refuse(400, "bad_request", wish) : wish
}

function refuseMishap(mishap: Mishap | undefined): Answer | undefined {
  if (mishap === "sandbox:moderation")
    return refuse(403, "content_moderation", [
      "Your request was flagged by our content moderation system, as a result your request was denied and you were not charged.",
    ])
  // UNVERIFIED: that the vendor says how long to wait.
  if (mishap === "sandbox:rate-limit")
    return refuse(429, "rate_limit_exceeded", ["You have exceeded the rate limit."], { "retry-after": "1" })
  if (mishap === "sandbox:no-credit")
    return refuse(402, "payment_required", ["You lack sufficient credits to make this request."])
  if (mishap === "sandbox:error" || mishap === "sandbox:task-error")
    return refuse(500, "internal_error", ["An unexpected server error has occurred, please try again later."])
  if (mishap === "sandbox:overloaded") return refuse(503, "service_unavailable", ["Please try again later."])
  return undefined
}

type Drawn = { bytes: Buffer; seed: number; reason: "SUCCESS" | "CONTENT_FILTERED" }

async function drawWish(wish: Wish, mishap: Mishap | undefined): Promise<Drawn> {
  const { prompt, model, format, image, strength } = wish
  // Without a seed the vendor rolls one, so the same request gives another picture each time.
  const seed = wish.seed === 0 ? seedOf(randomUUID()) : wish.seed
  const inputs = image ? [image.bytes] : []
  // How far the picture may be left changes what is painted.
  const varied = strength === undefined ? seed : seedOf(`${seed} ${strength}`)
  const bytes = await draw({ prompt, seed: varied, model, format, ...sizeOf(wish) }, { inputs })
  if (mishap !== "sandbox:moderation-output") return { bytes, seed, reason: "SUCCESS" }
  // What is filtered comes all the same, blurred.
  return { bytes: await sharp(bytes).blur(40).toBuffer(), seed, reason: "CONTENT_FILTERED" }
}

async function jsonPicture(wish: Wish, mishap: Mishap | undefined): Promise<Answer> {
  const { bytes, seed, reason } = await drawWish(wish, mishap)
  function* pieces() {
    yield "{"
    if (mishap !== "sandbox:no-image") {
      yield `"image":"${mishap === "sandbox:bad-base64" ? "@@not*base64@@" : ""}`
      yield* base64Pieces(bytes)
      yield `",`
    }
    yield `"finish_reason":"${reason}","seed":${seed}}`
  }
  const headers = { "content-type": `application/json; type=image/${wish.format}` }
  return { status: 200, headers, body: textBody(pieces()) }
}

/** Without JSON around it, what is said of the picture stands in headers. */
async function rawPicture(wish: Wish, mishap: Mishap | undefined): Promise<Answer> {
  const { bytes, seed, reason } = await drawWish(wish, mishap)
  const sent = mishap === "sandbox:no-image" ? Buffer.alloc(0) : bytes
  const headers = {
    "content-type": `image/${wish.format}`,
    "content-length": String(sent.length),
    "finish-reason": reason,
    seed: String(seed),
  }
  return { status: 200, headers, body: bytesBody(sent) }
}
