// AIHubMix, imitated: predictions for the models of many vendors, the tasks of FLUX, and OpenAI's Images API.
import { join } from "node:path"
import {
  describeTask,
  linkHost,
  linksAnswer,
  listAnswer,
  objectAnswer,
  referencesOf,
  taskAnswer,
  urlsAnswer,
} from "./aihubmix-answers.ts"
import type { Job, Kept, Task } from "./aihubmix-answers.ts"
import { refuse, refuseKey, refuseMishap, unknownAddress, unknownModel } from "./aihubmix-errors.ts"
import { readInput } from "./aihubmix-input.ts"
import { jsonAnswer, readBody, readJson } from "./bodies.ts"
import { deliver } from "./delivery.ts"
import type { Answer, Imitation, Tools, VendorRequest } from "./imitation.ts"
import { findMishap, spoilAnswer, spoilBody } from "./mishaps.ts"
import { imitateOpenAI, linkHost as openAiLinkHost } from "./openai.ts"
import type { Format } from "./picture.ts"
import { createRecords } from "./records.ts"
import type { Records } from "./records.ts"

export const host = "aihubmix.com"

/** The same gateway stands behind all of them. */
export const isAihubmixHost = (name: string): boolean =>
  name === host || name.endsWith(`.${host}`) || name === "api.inferera.com"

type Form = "object" | "list" | "links" | "urls" | "task"
type Family = { models: RegExp; form: Form; format: Format }

// By the paths that are documented, the older ones too: without a provider, and with OpenAI misspelt. The forms are
// UNVERIFIED for DALL·E 3, Imagen, Gemini, Ideogram and Stability. An older document says that Gemini is not served here.
const families: Family[] = [
  { models: /^op(?:en|an)ai\/(?:gpt-image-|glm-image)/, form: "object", format: "jpeg" },
  { models: /^op(?:en|an)ai\/(?:dall-e-3$|chatgpt-image-latest$)/, form: "links", format: "png" },
  { models: /^(?:google\/)?(?:imagen|gemini)-/, form: "list", format: "png" },
  { models: /^(?:bfl\/)?flux-/i, form: "task", format: "jpeg" },
  { models: /^(?:doubao|qianfan|bailian|stability)\/[\w.-]+$/, form: "links", format: "png" },
  { models: /^ideogram\/V3/i, form: "urls", format: "png" },
]

type Needs = Tools & { pictures: Records<Kept>; tasks: Records<Task>; openai: Imitation }

export function imitateAihubmix(tools: Tools): Imitation {
  const folder = tools.folder === undefined ? undefined : join(tools.folder, "aihubmix")
  const below = (name: string) => (folder === undefined ? undefined : join(folder, name))
  const needs: Needs = {
    ...tools,
    pictures: createRecords<Kept>(tools.now, below("pictures")),
    tasks: createRecords<Task>(tools.now, below("tasks")),
    openai: imitateOpenAI({ ...tools, ...(folder !== undefined && { folder }) }),
  }
  return async (request) => {
    const { method, url } = request
    if (method === "GET" && url.pathname.startsWith("/private/")) return needs.openai(request)
    // By the path, since over HTTP all hosts are one.
    if (method === "GET" && /^\/[\w-]{36}\.\w+$/.test(url.pathname)) return serveLink(needs, request)
    return refuseKey(request.headers.authorization) ?? serveApi(needs, request)
  }
}

async function serveLink({ pictures, now }: Needs, request: VendorRequest): Promise<Answer> {
  return deliver(request, now(), async (id) => {
    const kept = await pictures.get(id)
    return kept && { picture: kept.picture, references: referencesOf(kept) }
  })
}

async function serveApi(needs: Needs, request: VendorRequest): Promise<Answer> {
  const { method, url } = request
  const route = `${method} ${url.pathname}`
  const [, path] = route.match(/^POST \/v1\/models\/(.+)\/predictions$/) ?? []
  if (path !== undefined) return predict(needs, request, decodeURIComponent(path))
  const [, taskId] = route.match(/^GET \/v1\/tasks\/([^/]+)$/) ?? []
  if (taskId !== undefined) return describeTask(decodeURIComponent(taskId), { ...needs, request, now: needs.now() })
  if (/^POST \/v1\/images\/(?:generations|edits)$/.test(route)) return asOpenAI(needs, request)
  if (route === "GET /v1/models") return jsonAnswer(200, { object: "list", data: [] })
  return unknownAddress(method, url.pathname)
}

async function predict(needs: Needs, request: VendorRequest, path: string): Promise<Answer> {
  const family = families.find(({ models }) => models.test(path))
  if (!family) return unknownModel(path)
  const body = await readBody(request)
  if (body === "too large") return refuse(413, "request body too large")
  const order = await readInput(readJson(body)?.value, family.format)
  if ("status" in order) return order
  const about = { model: path, prompt: order.prompt }
  const mishap = findMishap(order.prompt, needs)
  const refusal = refuseMishap(mishap, family.form === "task")
  if (refusal) return { ...refusal, about }
  const job: Job = { ...needs, order, model: path, mishap, at: needs.now(), request }
  // A slow picture is a task that takes longer; its submission is as quick as ever.
  const spoilt = family.form === "task" && mishap === "sandbox:slow" ? undefined : mishap
  return { ...spoilAnswer(await answerWith(job, family.form), spoilt), about }
}

async function answerWith(job: Job, form: Form): Promise<Answer> {
  if (form === "task") return taskAnswer(job)
  if (form === "urls") return urlsAnswer(job)
  if (form === "links" && !job.order.base64) return linksAnswer(job)
  const given = form === "object" ? objectAnswer(job) : listAnswer(job)
  return spoilBody(given, job.mishap, job.request.signal)
}

/** OpenAI's own models alone. Its GPT models refuse to be asked for base64, which AIHubMix's own client always does. */
async function asOpenAI({ openai }: Needs, request: VendorRequest): Promise<Answer> {
  const body = await readBody(request)
  if (body === "too large") return refuse(413, "request body too large")
  const given = readJson(body)?.value as Record<string, unknown> | null | undefined
  const { response_format, ...rest } = given ?? {}
  const isGpt = response_format !== undefined && /^(?:gpt|chatgpt)-image/.test(String(rest["model"]))
  const bytes = isGpt ? Buffer.from(JSON.stringify(rest)) : body
  const read = async function* () {
    yield bytes
  }
  const link = (address: string) => request.link(address.replace(openAiLinkHost, linkHost))
  return openai({ ...request, body: read, link })
}
