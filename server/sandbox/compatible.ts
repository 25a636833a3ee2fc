// A server of one's own that speaks OpenAI's Images API, imitated: what LocalAI, vLLM-Omni, SGLang and
// stable-diffusion.cpp have in common, each failing in the words of one of them. Any name of a model will do.
import { randomUUID } from "node:crypto"
import { join } from "node:path"
import { z } from "zod"
import { detailOf, invalid, plainError } from "./bfl-errors.ts"
import { bytesBody, jsonAnswer, readBody, readJson, textBody } from "./bodies.ts"
import type { Answer, Imitation, Tools, VendorRequest } from "./imitation.ts"
import { findMishap, spoilAnswer, spoilBody } from "./mishaps.ts"
import type { Mishap } from "./mishaps.ts"
import { base64Of, pictureMs, pictureOf, streamAnswer } from "./openai-answers.ts"
import type { Job } from "./openai-answers.ts"
import { isRefusal, newRequestId, refusalAnswer, refuseMishap, refuseModeration } from "./openai-errors.ts"
import { noImages, readFormEdit } from "./openai-images.ts"
import type { Images } from "./openai-images.ts"
import { models } from "./openai-models.ts"
import { draw, seedOf } from "./picture.ts"
import type { Picture } from "./picture.ts"
import { createRecords } from "./records.ts"
import type { Records } from "./records.ts"

export const host = "compatible.sandbox.example"

// Numbers in a form are text, and FastAPI takes such text in JSON as well.
const whole = (min: number, max: number) => z.coerce.number().int().min(min).max(max).nullish()

/** All else is passed over, as these servers do. */
const Fields = z.object({
  prompt: z.string().min(1),
  model: z.string().nullish(),
  n: whole(1, 10),
  size: z
    .string()
    .regex(/^[1-9]\d{0,3}x[1-9]\d{0,3}$/)
    .nullish(),
  response_format: z.enum(["b64_json", "url"]).nullish(),
  seed: whole(0, 2 ** 32 - 1),
  negative_prompt: z.string().nullish(),
  num_inference_steps: whole(1, 200),
  guidance_scale: z.coerce.number().min(0).max(20).nullish(),
  output_format: z.enum(["png", "jpeg", "webp"]).nullish(),
  output_compression: whole(0, 100),
  background: z.string().nullish(),
  stream: z.union([z.boolean(), z.stringbool()]).nullish(),
  partial_images: whole(0, 3),
})

type Needs = Pick<Tools, "pace" | "now" | "isFirstTime"> & { pictures: Records<Picture> }
type Order = { fields: z.infer<typeof Fields>; images: Images }

export function imitateCompatible(tools: Tools): Imitation {
  const folder = tools.folder === undefined ? undefined : join(tools.folder, "compatible")
  const needs = { ...tools, pictures: createRecords<Picture>(tools.now, folder) }
  return async (request) => {
    const { method, url } = request
    if (method === "GET" && url.pathname.startsWith("/generated-images/")) return serveLink(needs, request)
    // Most of them ask for no key.
    if (request.headers.authorization?.includes("invalid")) return jsonAnswer(401, { error: "Unauthorized" })
    if (method === "GET" && url.pathname === "/v1/models")
      return jsonAnswer(200, { data: [{ id: "sd-cpp-local", object: "model", owned_by: "local" }] })
    const isEdit = url.pathname === "/v1/images/edits"
    if (!isEdit && url.pathname !== "/v1/images/generations") return plainError(404, "Not Found")
    return method === "POST" ? serveImages(needs, request, isEdit) : plainError(405, "Method Not Allowed")
  }
}

async function serveLink({ pictures }: Needs, { url }: VendorRequest): Promise<Answer> {
  const picture = await pictures.get(url.pathname.match(/([\w-]+)\.\w+$/)?.[1] ?? "")
  if (!picture) return plainError(404, "Not Found")
  const bytes = await draw(picture)
  return { status: 200, headers: { "content-type": `image/${picture.format}` }, body: bytesBody(bytes) }
}

async function serveImages(needs: Needs, request: VendorRequest, isEdit: boolean): Promise<Answer> {
  const order = isEdit ? await readForm(request) : await readObject(request)
  if ("status" in order) return order
  const { fields } = order
  const about = { prompt: fields.prompt, model: fields.model ?? "the only one" }
  const mishap = findMishap(fields.prompt, needs)
  const refusal = refuse(mishap, about.model)
  if (refusal) return { ...refusal, about }
  const job = jobOf(needs, request, order, mishap)
  return { ...spoilAnswer(await answerWith(needs, request, job, order), mishap), about }
}

async function readObject(request: VendorRequest): Promise<Order | Answer> {
  const body = await readBody(request)
  const given = body === "too large" ? undefined : readJson(body)
  if (!given) return invalid([{ loc: ["body", 0], msg: "JSON decode error", type: "json_invalid" }])
  return read(given.value, noImages)
}

async function readForm(request: VendorRequest): Promise<Order | Answer> {
  const body = await readBody(request)
  const headers = { "content-type": request.headers["content-type"] ?? "" }
  const form =
    body === "too large" ? undefined : await new Response(body, { headers }).formData().catch(() => undefined)
  if (!form) return plainError(400, "There was an error parsing the body")
  const edit = await readFormEdit(form)
  return isRefusal(edit) ? refusalAnswer(edit) : read(edit.fields, edit.images)
}

function read(given: unknown, images: Images): Order | Answer {
  const parsed = Fields.safeParse(given, { reportInput: true })
  return parsed.success ? { fields: parsed.data, images } : invalid(parsed.error.issues.map(detailOf))
}

/** Moderation and money are those of a vendor behind such a server; all else is a server's own. */
function refuse(mishap: Mishap | undefined, model: string): Answer | undefined {
  if (mishap === "sandbox:moderation" || mishap === "sandbox:moderation-output")
    return refusalAnswer(refuseModeration(newRequestId(), false))
  if (mishap === "sandbox:rate-limit") return jsonAnswer(429, { error: "job queue is full" }, { "retry-after": "1" })
  if (mishap === "sandbox:error") return jsonAnswer(500, { error: "server_error", message: "out of memory" })
  if (mishap === "sandbox:task-error")
    return jsonAnswer(500, { error: { code: 500, message: "rpc error: the backend has died", type: "" } })
  if (mishap === "sandbox:overloaded") return plainError(503, "Diffusion engine not initialized.")
  const refusal = refuseMishap(mishap, model)
  return refusal && refusalAnswer(refusal)
}

function jobOf(needs: Needs, { signal }: VendorRequest, { fields, images }: Order, mishap: Mishap | undefined): Job {
  const [width = 512, height = 512] = (fields.size ?? "").split("x").filter(Boolean).map(Number)
  const wish = {
    ...{ width, height, prompt: fields.prompt, n: fields.n ?? 1, format: fields.output_format ?? ("png" as const) },
    ...{ quality: "high", compression: fields.output_compression ?? 100, asLink: false },
    ...{ transparent: fields.background === "transparent", stream: fields.stream ?? false },
    partials: fields.partial_images ?? 0,
    model: { ...models.get("gpt-image-2")!, id: fields.model ?? "the only one" },
    seed: fields.seed ?? seedOf(randomUUID()),
  }
  return { wish, images, at: needs.now(), pace: needs.pace, mishap, requestId: newRequestId(), signal }
}

async function answerWith(needs: Needs, request: VendorRequest, job: Job, { fields, images }: Order): Promise<Answer> {
  const isEdit = images.inputs.length > 0
  if (fields.response_format === "url" && !isEdit) return linkAnswer(needs, request, job)
  const kind = isEdit ? "image_edit" : "image_generation"
  return spoilBody(job.wish.stream ? streamAnswer(job, kind) : bodyAnswer(job), job.mishap, request.signal)
}

const delayOf = ({ pace, wish }: Job): number => (pace === "human" ? pictureMs * wish.n : 0)
const createdOf = ({ at }: Job): number => Math.floor(at / 1000)

function bodyAnswer(job: Job): Answer {
  const count = job.mishap === "sandbox:no-image" ? 0 : job.wish.n
  async function* pieces() {
    yield `{"id":"${job.requestId}","created":${createdOf(job)},"data":[`
    for (let index = 0; index < count; index++) {
      yield `${index ? "," : ""}{"b64_json":"`
      yield* base64Of(job, index)
      yield `","url":null,"revised_prompt":null}`
    }
    yield `],"usage":{"input_tokens":0,"output_tokens":0,"total_tokens":0}}`
  }
  const headers = { "content-type": "application/json" }
  return { status: 200, headers, body: textBody(pieces()), delayMs: delayOf(job) }
}

/** LocalAI's way, unless it is asked for base64: links on the server itself. */
async function linkAnswer({ pictures }: Needs, { link }: VendorRequest, job: Job): Promise<Answer> {
  const data: { url: string }[] = []
  for (let index = 0; index < job.wish.n; index++) {
    const id = randomUUID()
    const picture = pictureOf(job, index)
    await pictures.put(id, picture)
    data.push({ url: link(`https://${host}/generated-images/${id}.${picture.format}`) })
  }
  return { ...jsonAnswer(200, { created: createdOf(job), data }), delayMs: delayOf(job) }
}
