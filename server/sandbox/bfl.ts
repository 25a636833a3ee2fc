// Black Forest Labs, imitated: tasks are submitted, polled on the cluster that took them, and fetched by a signed link.
import { randomUUID } from "node:crypto"
import { join } from "node:path"
import { costOf, faultInSize, megapixelsOf, models, sizeOf } from "./bfl-models.ts"
import type { Fields, Model } from "./bfl-models.ts"
import { detailOf, invalid, plainError, refuseMishap, tooManyTasks, unauthenticated } from "./bfl-errors.ts"
import type { Detail } from "./bfl-errors.ts"
import { describeTask, isActive, unknownTask } from "./bfl-tasks.ts"
import type { Task } from "./bfl-tasks.ts"
import { jsonAnswer, readBody, readJson } from "./bodies.ts"
import { deliver } from "./delivery.ts"
import type { Answer, Imitation, Tools, VendorRequest } from "./imitation.ts"
import { findMishap, slowMs, spoilAnswer } from "./mishaps.ts"
import type { Mishap } from "./mishaps.ts"
import { inspect, seedOf, shrink } from "./picture.ts"
import type { Size } from "./picture.ts"
import { createRecords } from "./records.ts"
import type { Records } from "./records.ts"

const pictureMs = 1_000
const credits = 10_000

type Active = { key: string; model: string; at: number; durationMs: number }
type Needs = Tools & { tasks: Records<Task>; active: Set<Active> }

export function imitateBfl(tools: Tools): Imitation {
  const folder = tools.folder === undefined ? undefined : join(tools.folder, "bfl")
  // Active tasks are counted in memory: they are over a second after a crash.
  const needs: Needs = { ...tools, tasks: createRecords<Task>(tools.now, folder), active: new Set() }
  return async (request) => {
    const { method, url } = request
    if (method === "GET" && url.pathname.startsWith("/results/")) return serveLink(needs, request)
    if (method === "GET" && url.pathname === "/v1/get_result") return poll(needs, request)
    const model = models.get(url.pathname.replace(/^\/v1\//, ""))
    if (!model && url.pathname !== "/v1/credits") return plainError(404, "Not Found")
    if (method !== (model ? "POST" : "GET")) return plainError(405, "Method Not Allowed")
    const key = request.headers["x-key"] ?? ""
    if (key === "" || key.includes("invalid")) return unauthenticated()
    return model ? submit(needs, request, model) : jsonAnswer(200, { credits })
  }
}

async function submit(needs: Needs, request: VendorRequest, model: Model): Promise<Answer> {
  const order = await readOrder(request, model)
  if (Array.isArray(order)) return invalid(order)
  const name = request.url.pathname.slice("/v1/".length)
  const prompt = order.fields.prompt ?? ""
  const about = { model: name, prompt }
  const mishap = findMishap(prompt, needs)
  const refusal = refuseMishap(mishap) ?? refuseActive(needs, request, model, name)
  if (refusal) return { ...refusal, about }
  const task = await createTask(needs, request, { ...order, model, name, mishap })
  // A slow picture is a task that takes longer; its submission is as quick as ever.
  const spoiled = mishap === "sandbox:slow" ? undefined : mishap
  return { ...spoilAnswer(accepted(task, order, request), spoiled), about }
}

type Input = Size & { bytes?: Buffer; text?: string }
type Order = { fields: Fields; inputs: Input[] }

async function readOrder(request: VendorRequest, model: Model): Promise<Order | Detail[]> {
  const body = await readBody(request)
  if (body === "too large") return [{ loc: ["body"], msg: "Body is too large", type: "value_error" }]
  const given = readJson(body)
  if (!given) return [{ loc: ["body", 0], msg: "JSON decode error", type: "json_invalid" }]
  const parsed = model.fields.safeParse(given.value, { reportInput: true })
  if (!parsed.success) return parsed.error.issues.map(detailOf)
  const fault = faultInSize(model, parsed.data)
  if (fault) return [{ loc: ["body", fault.field], msg: `Value error, ${fault.reason}`, type: "value_error" }]
  const read = await Promise.all(picturesIn(parsed.data).map(([field, value]) => readInput(field, value)))
  const faults = read.filter((input): input is Detail => "loc" in input)
  const inputs = read.filter((input): input is Input => !("loc" in input))
  return faults.length > 0 ? faults : { fields: parsed.data, inputs }
}

const picturesIn = (fields: Fields): [string, string][] =>
  Object.entries(fields).filter(
    (entry): entry is [string, string] => /^(input_image(_\d)?|image_prompt)$/.test(entry[0]) && !!entry[1],
  )

/** An address is not fetched: it varies what is painted, and counts as one megapixel. */
async function readInput(field: string, value: string): Promise<Input | Detail> {
  // A picture to remix can only be sent.
  if (field !== "image_prompt" && /^https?:\/\//i.test(value)) return { text: value, width: 1024, height: 1024 }
  const bytes = Buffer.from(value.replace(/^data:[^,]*,/, ""), "base64")
  const found = bytes.length > 0 ? await inspect(bytes) : undefined
  // UNVERIFIED: whether the vendor refuses at once or fails the task.
  if (!found) return { loc: ["body", field], msg: "Value error, invalid image", type: "value_error" }
  return { bytes, width: found.width, height: found.height }
}

function refuseActive({ active, now }: Needs, request: VendorRequest, model: Model, name: string): Answer | undefined {
  for (const task of active) if (!isActive(task, now())) active.delete(task)
  const key = request.headers["x-key"]
  const mine = [...active].filter((task) => task.key === key)
  const own = model.activeMax < 24 ? mine.filter((task) => task.model === name) : []
  return mine.length >= 24 || own.length >= model.activeMax ? tooManyTasks() : undefined
}

type Work = Order & { model: Model; name: string; mishap: Mishap | undefined }

async function createTask(needs: Needs, request: VendorRequest, work: Work): Promise<Task> {
  const { inputs, model, name, mishap } = work
  const id = randomUUID()
  const at = needs.now()
  const durationMs = (needs.pace === "human" ? pictureMs : 0) + (mishap === "sandbox:slow" ? slowMs : 0)
  needs.active.add({ key: request.headers["x-key"] ?? "", model: name, at, durationMs })
  const copies = await Promise.all(inputs.flatMap(({ bytes }) => (bytes ? [shrink(bytes)] : [])))
  const task: Task = {
    id,
    cluster: /(^|\.)eu\d?\./.test(request.url.hostname) ? "eu1" : "us1",
    at,
    durationMs,
    ...pictureOf(id, work),
    inputs: copies.map((copy) => copy.toString("base64")),
    cost: costOf(model, sizeOf(model, work.fields, inputs[0]), inputs),
    mishap: mishap ?? null,
  }
  await needs.tasks.put(id, task)
  return task
}

/** Without a seed the vendor rolls one, so the same request gives another picture each time. */
function pictureOf(id: string, { fields, inputs, model, name }: Work): Pick<Task, "seed" | "picture"> {
  const prompt = fields.prompt ?? ""
  const seed = fields.seed ?? seedOf(id)
  const texts = inputs.flatMap(({ text }) => text ?? [])
  const { width, height } = sizeOf(model, fields, inputs[0])
  const format = fields.output_format ?? model.defaults.format
  const picture = { prompt, model: name, width, height, format }
  return { seed, picture: { ...picture, seed: texts.length > 0 ? seedOf(String(seed), ...texts) : seed } }
}

function accepted(task: Task, { fields, inputs }: Order, request: VendorRequest): Answer {
  const { id, cluster, cost, picture } = task
  const bill = { cost, input_mp: megapixelsOf(inputs), output_mp: megapixelsOf([picture]) }
  // Nothing calls the webhook: nobody may be sent to an address that a prompt brought along.
  if (fields.webhook_url) return jsonAnswer(200, { id, status: "Pending", webhook_url: fields.webhook_url, ...bill })
  const polling_url = request.link(`https://api.${cluster}.bfl.ai/v1/get_result?id=${id}`)
  return jsonAnswer(200, { id, polling_url, ...bill })
}

/** Needs no key, as the vendor's description has it. The wrong cluster may miss a task; this one always does. */
async function poll({ tasks, now }: Needs, request: VendorRequest): Promise<Answer> {
  const id = request.url.searchParams.get("id")
  if (id === null) return invalid([{ loc: ["query", "id"], msg: "Field required", type: "missing" }])
  const task = await tasks.get(id)
  if (!task || request.url.hostname !== `api.${task.cluster}.bfl.ai`) return jsonAnswer(404, unknownTask(id))
  return jsonAnswer(200, describeTask(task, now(), request.link))
}

async function serveLink({ tasks, now }: Needs, request: VendorRequest): Promise<Answer> {
  return deliver(request, now(), async (id) => {
    const task = await tasks.get(id)
    if (!task) return undefined
    const inputs = task.inputs.map((copy) => Buffer.from(copy, "base64"))
    return { picture: task.picture, references: { inputs } }
  })
}
