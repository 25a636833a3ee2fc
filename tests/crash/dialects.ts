// How a wish is said in each dialect, and what its answer tells.
import { call } from "../calls.ts"
import type { Reply } from "../calls.ts"
import { promptOf } from "./wishes.ts"
import type { Wish } from "./wishes.ts"

export type Target = { url: string; key: string; project: string }

export type Told = {
  status: number
  /** The generation that the answer names. */
  generation: string | null
  /** How it has ended, where the answer says that it has. */
  ended: string | null
  code: string | null
}

type Body = {
  id?: string
  status?: string
  error?: { code?: string; generation_id?: string }
  code?: string | number
  data?: { uuid?: string; error?: string } | { url: string }[]
  output?: { taskId?: string }[]
}

type Request = { path: string; method?: string; json: unknown }

// Small pictures: what is tested is not how they are drawn.
const looks: Record<string, object> = {
  openai: { size: "1024x1024", quality: "low", output_format: "jpeg", output_compression: 20 },
  bfl: { width: 256, height: 256 },
  google: {},
}

function parametersOf(wish: Wish): Record<string, unknown> {
  const [family = ""] = wish.model.split("/")
  return { prompt: promptOf(wish), ...(wish.pictures > 1 ? { n: wish.pictures } : {}), ...looks[family] }
}

function write(wish: Wish, project: string): Request {
  const { dialect, model, number } = wish
  const parameters = parametersOf(wish)
  switch (dialect) {
    case "native":
      return { path: "/v1/generations", json: { model, input: parameters } }
    case "native, waiting":
      return { path: "/v1/generations", json: { model, input: parameters, wait: 30 } }
    case "openai":
      return { path: "/v1/images/generations", json: { model, ...parameters } }
    case "gempix2":
      return { path: "/api/generate-image", json: { generationType: "text_to_image", prompt: promptOf(wish) } }
    case "aihubmix":
      return { path: `/v1/models/${model}/predictions`, json: { input: parameters } }
    case "genimix": {
      const [provider, modelId] = model.split("/")
      const path = `/v1/${project}/generate/picture-${number}`
      return { method: "PUT", path, json: { provider, modelId, ...parameters } }
    }
  }
}

export async function ask(target: Target, wish: Wish, signal: AbortSignal): Promise<Told> {
  const { path, ...request } = write(wish, target.project)
  const headers = wish.known === "by key" ? { "idempotency-key": `key-${wish.number}` } : {}
  const { url, key } = target
  return read(wish, await call<Body>({ url, testKey: key }, path, { ...request, headers, signal }))
}

function read({ dialect }: Wish, { status, headers, body }: Reply<Body>): Told {
  const { error, data, output } = body
  const uuid = Array.isArray(data) ? undefined : data?.uuid
  const named = headers.get("atelier-generation") ?? error?.generation_id ?? body.id ?? uuid ?? output?.[0]?.taskId
  const isNative = dialect === "native" || dialect === "native, waiting"
  const isWhole = status === 200 && (dialect === "openai" || dialect === "genimix")
  const ended = isNative && isOver(body.status) ? body.status : isWhole ? "succeeded" : null
  const code = error?.code ?? (Array.isArray(data) ? undefined : data?.error) ?? body.code
  return { status, generation: named ?? null, ended, code: code === undefined || code === 0 ? null : String(code) }
}

const isOver = (status: string | undefined): status is string =>
  status === "succeeded" || status === "failed" || status === "canceled"

export async function cancel({ url, key }: Target, generation: string, signal: AbortSignal): Promise<Told> {
  const path = `/v1/generations/${generation}/cancel`
  const { status, body } = await call<Body>({ url, testKey: key }, path, { method: "POST", signal })
  return { status, generation, ended: isOver(body.status) ? body.status : null, code: body.error?.code ?? null }
}
