// Alibaba's DashScope, imitated: pictures at once or as tasks, and the store that the links point to.
import { randomUUID } from "node:crypto"
import { join } from "node:path"
import type { z } from "zod"
import { jsonAnswer, readBody, readJson } from "./bodies.ts"
import {
  failed,
  inputRefused,
  invalid,
  isRefusal,
  notPending,
  outputRefused,
  refusalAnswer,
  refuseIssue,
  refuseMishap,
  unauthenticated,
  unknownModel,
  wrongManner,
} from "./dashscope-errors.ts"
import type { Refusal } from "./dashscope-errors.ts"
import { promptOf, readImages } from "./dashscope-images.ts"
import type { Images } from "./dashscope-images.ts"
import { Conversation, faultInParameters, models, sizeOf, Synthesis } from "./dashscope-models.ts"
import type { Model, Parameters } from "./dashscope-models.ts"
import { describeTask, isPending, unknownTask } from "./dashscope-tasks.ts"
import type { Task } from "./dashscope-tasks.ts"
import { deliver, signLink } from "./delivery.ts"
import type { Answer, Imitation, Tools, VendorRequest } from "./imitation.ts"
import { findMishap, slowMs, spoilAnswer } from "./mishaps.ts"
import type { Mishap } from "./mishaps.ts"
import { seedOf } from "./picture.ts"
import type { Picture } from "./picture.ts"
import { createRecords } from "./records.ts"
import type { Records } from "./records.ts"

export const host = "dashscope.aliyuncs.com"
const store = "dashscope-result-bj.oss-cn-beijing.aliyuncs.com"

export const isDashscopeHost = (name: string): boolean => name === host || name === store

const api = "/api/v1/"
const atOnce = "services/aigc/multimodal-generation/generation"
const asTask = "services/aigc/text2image/image-synthesis"
const pictureMs = 1_000
const linkMs = 24 * 60 * 60 * 1000

/** A picture behind a link, with small copies of what it starts from, in base64. */
type Made = { picture: Picture; inputs: string[] }

type Needs = Tools & { made: Records<Made>; tasks: Records<Task> }

export function imitateDashscope(tools: Tools): Imitation {
  const folder = tools.folder === undefined ? undefined : join(tools.folder, "dashscope")
  const records = <T>(name: string): Records<T> => createRecords<T>(tools.now, folder && join(folder, name))
  const needs: Needs = { ...tools, made: records<Made>("pictures"), tasks: records<Task>("tasks") }
  return async (request) => {
    const { method, url, headers } = request
    if (method === "GET" && !url.pathname.startsWith(api)) return serveLink(needs, request)
    const key = (headers["authorization"] ?? "").replace(/^Bearer\s*/i, "")
    if (key === "" || key.includes("invalid")) return refusalAnswer(unauthenticated(key !== ""))
    const [, taskId, act] = url.pathname.slice(api.length).match(/^tasks\/([^/]+)(\/cancel)?$/) ?? []
    if (taskId !== undefined && method === (act ? "POST" : "GET"))
      return act ? cancel(needs, taskId) : look(needs, request, taskId)
    return method === "POST" ? serve(needs, request) : notFound()
  }
}

// UNVERIFIED: the words.
const notFound = (): Answer => refusalAnswer({ status: 404, code: "NotFound", message: "The address is not served." })

async function serveLink({ made, now }: Needs, request: VendorRequest): Promise<Answer> {
  return deliver(request, now(), async (id) => {
    const found = await made.get(id)
    return found && { picture: found.picture, references: { inputs: found.inputs.map(fromBase64) } }
  })
}

const fromBase64 = (text: string): Buffer => Buffer.from(text, "base64")

async function look({ tasks, now }: Needs, request: VendorRequest, id: string): Promise<Answer> {
  const task = await tasks.get(id)
  const told = task ? describeTask(task, now(), request.link) : unknownTask(id)
  return jsonAnswer(200, { request_id: randomUUID(), ...told })
}

async function cancel({ tasks, now }: Needs, id: string): Promise<Answer> {
  const task = await tasks.get(id)
  if (!task || !isPending(task, now())) return refusalAnswer(notPending)
  await tasks.put(id, { ...task, isCanceled: true })
  return jsonAnswer(200, { request_id: randomUUID() })
}

type Order = { name: string; model: Model; prompt: string; parameters: Parameters; images: Images }
type Work = Order & { mishap: Mishap | undefined }

async function serve(needs: Needs, request: VendorRequest): Promise<Answer> {
  const path = request.url.pathname.slice(api.length)
  const isTask = request.headers["x-dashscope-async"] === "enable"
  if (path !== atOnce && path !== asTask) return notFound()
  if (isTask !== (path === asTask)) return refusalAnswer(wrongManner(isTask ? "asynchronous" : "synchronous"))
  const order = await (isTask ? readSynthesis(request) : readConversation(request))
  if (isRefusal(order)) return refusalAnswer(order)
  const { name, prompt } = order
  const about = { model: name, prompt }
  const mishap = findMishap(prompt, needs)
  const refusal = refuseMishap(mishap) ?? (isTask ? undefined : refuseWork(mishap))
  if (refusal) return { ...refusalAnswer(refusal), about }
  const work = { ...order, mishap }
  return { ...(await (isTask ? submit(needs, work) : answerNow(needs, request, work))), about }
}

/** What only a task can tell later. */
function refuseWork(mishap: Mishap | undefined): Refusal | undefined {
  if (mishap === "sandbox:moderation") return inputRefused
  if (mishap === "sandbox:moderation-output") return outputRefused
  return mishap === "sandbox:task-error" ? failed : undefined
}

async function readAs<Shape extends z.ZodType>(
  request: VendorRequest,
  shape: Shape,
): Promise<z.infer<Shape> | Refusal> {
  const body = await readBody(request)
  if (body === "too large") return invalid("the request is too large")
  const parsed = shape.safeParse(readJson(body)?.value, { reportInput: true })
  return parsed.success ? parsed.data : refuseIssue(parsed.error.issues[0]!)
}

async function readConversation(request: VendorRequest): Promise<Order | Refusal> {
  const given = await readAs(request, Conversation)
  if (isRefusal(given)) return given
  const { model: name, input, parameters } = given
  const model = models.get(name)
  if (!model) return unknownModel
  const [message] = input.messages
  const prompt = promptOf(message!)
  if (typeof prompt !== "string") return prompt
  const isResolved = request.headers["x-dashscope-ossresourceresolve"] === "enable"
  const images = faultInParameters(model, parameters) ?? (await readImages(message!, model, isResolved))
  return isRefusal(images) ? images : { name, model, prompt, parameters, images }
}

async function readSynthesis(request: VendorRequest): Promise<Order | Refusal> {
  const given = await readAs(request, Synthesis)
  if (isRefusal(given)) return given
  const { model: name, input, parameters } = given
  const model = models.get(name)
  if (!model) return unknownModel
  if (!model.hasTasks) return wrongManner("asynchronous")
  const order = { name, model, prompt: input.prompt, parameters, images: { inputs: [], texts: [] } }
  return faultInParameters(model, parameters) ?? order
}

async function answerNow(needs: Needs, request: VendorRequest, work: Work): Promise<Answer> {
  const links = await makePictures(needs, work)
  const content = links.map((address) => ({ image: request.link(address) }))
  const body = {
    output: { choices: [{ finish_reason: "stop", message: { role: "assistant", content } }] },
    usage: { image_count: links.length, ...sizeOf(work.model, work.parameters, work.images.last) },
    request_id: randomUUID(),
  }
  return spoilAnswer({ ...jsonAnswer(200, body), delayMs: needs.pace === "human" ? pictureMs : 0 }, work.mishap)
}

/** A slow picture is a task that takes longer; its submission is as quick as ever. */
async function submit(needs: Needs, work: Work): Promise<Answer> {
  const { mishap, prompt } = work
  const isSlow = mishap === "sandbox:slow"
  const durationMs = (needs.pace === "human" ? pictureMs : 0) + (isSlow ? slowMs : 0)
  const links = await makePictures(needs, work)
  const id = randomUUID()
  const task = { id, at: needs.now(), durationMs, prompt, links, mishap: mishap ?? null, isCanceled: false }
  await needs.tasks.put(id, task)
  const body = { output: { task_id: id, task_status: "PENDING" }, request_id: randomUUID() }
  return spoilAnswer(jsonAnswer(200, body), isSlow ? undefined : mishap)
}

/** Addresses at the vendor's store. UNVERIFIED: how they are signed. */
async function makePictures(needs: Needs, { name, model, prompt, parameters, images, mishap }: Work) {
  const count = mishap === "sandbox:no-image" ? 0 : (parameters.n ?? 1)
  // Without a seed the vendor rolls one, so that the same request gives other pictures each time.
  const seed = parameters.seed ?? seedOf(randomUUID())
  const { inputs, texts, last } = images
  const like = { prompt, model: name, ...sizeOf(model, parameters, last), format: "png" as const }
  const copies = inputs.map((bytes) => bytes.toString("base64"))
  return Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const id = randomUUID()
      const own = index === 0 && texts.length === 0 ? seed : seedOf(String(seed), String(index), ...texts)
      await needs.made.put(id, { picture: { ...like, seed: own }, inputs: copies })
      return signLink(`https://${store}/7d/${id.slice(0, 2)}/${id}.png`, "png", needs.now() + linkMs)
    }),
  )
}
