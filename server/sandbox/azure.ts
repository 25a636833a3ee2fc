// FLUX in Microsoft Foundry, imitated: Black Forest Labs' API behind Microsoft's door, answered at once, and for two of
// the models the Images API of OpenAI.
import { notFound, noDeployment, badRequest, refuseMishap, unauthenticated } from "./azure-errors.ts"
import { deployments, readFields, readImagesCall } from "./azure-models.ts"
import type { Deployment, Wish } from "./azure-models.ts"
import { base64Pieces, readBody, readJson, textBody } from "./bodies.ts"
import type { Answer, Imitation, Tools, VendorRequest } from "./imitation.ts"
import { findMishap, spoilAnswer, spoilBody } from "./mishaps.ts"
import type { Mishap } from "./mishaps.ts"
import { draw, inspect } from "./picture.ts"

/** A customer's resource; every customer has one of his own. */
export const host = "atelier.services.ai.azure.com"

const domains = [".services.ai.azure.com", ".api.cognitive.microsoft.com", ".cognitiveservices.azure.com"]

export const isAzureHost = (name: string): boolean => domains.some((domain) => name.endsWith(domain))

const pictureMs = 1_000

export function imitateAzure(tools: Tools): Imitation {
  return async (request) => {
    const refusal = refuseCall(request)
    if (refusal) return refusal
    const { pathname } = request.url
    const [, path] = pathname.match(/^\/providers\/blackforestlabs\/v1\/([^/]+)$/) ?? []
    if (path !== undefined) return serveProvider(tools, request, deployments.get(path))
    const [, id, kind] = pathname.match(/^\/openai\/deployments\/([^/]+)\/images\/(generations|edits)$/) ?? []
    if (id === undefined) return notFound()
    const wanted = [...deployments.values()].find((one) => one.id === decodeURIComponent(id))
    if (!wanted) return noDeployment()
    return serveImages(tools, request, wanted, kind as "generations" | "edits")
  }
}

/** A key of the resource is taken in either header. */
function refuseCall({ method, url, headers }: VendorRequest): Answer | undefined {
  const key = headers["api-key"] ?? headers["authorization"]?.replace(/^Bearer\s*/i, "") ?? ""
  if (key === "" || key.includes("invalid")) return unauthenticated()
  return method === "POST" && url.searchParams.has("api-version") ? undefined : notFound()
}

async function serveProvider(tools: Tools, request: VendorRequest, wanted: Deployment | undefined): Promise<Answer> {
  const given = wanted && (await readObject(request))
  if (!given) return wanted ? badRequest("The body is not valid JSON.") : notFound()
  const wish = await readFields(wanted, given)
  return "deployment" in wish ? serve(tools, request, wish, 1) : wish
}

async function serveImages(
  tools: Tools,
  request: VendorRequest,
  wanted: Deployment,
  kind: "generations" | "edits",
): Promise<Answer> {
  if (!wanted.imageApi.includes(kind)) return notFound()
  const read = kind === "edits" ? await readEdit(request) : { fields: await readObject(request), inputs: [] }
  if (!read?.fields) return badRequest("The body could not be read.")
  if (kind === "edits" && read.inputs.length !== 1) return badRequest("Exactly one 'image' is expected.")
  const order = readImagesCall(wanted, read.fields, read.inputs)
  return "wish" in order ? serve(tools, request, order.wish, order.n) : order
}

async function readObject(request: VendorRequest): Promise<Record<string, unknown> | undefined> {
  const body = await readBody(request)
  const value = body === "too large" ? undefined : readJson(body)?.value
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined
}

/** A form with one file, which has to say that it is a picture. */
async function readEdit(request: VendorRequest) {
  const body = await readBody(request)
  if (body === "too large") return undefined
  const type = request.headers["content-type"] ?? ""
  const form = await new Response(body, { headers: { "content-type": type } }).formData().catch(() => undefined)
  if (!form) return undefined
  const fields: Record<string, unknown> = {}
  const inputs: Buffer[] = []
  for (const [name, value] of form) {
    if (typeof value === "string") fields[name] = name === "n" ? Number(value) : value
    else if (/^image(\[\])?$/.test(name) && value.type.startsWith("image/")) {
      const bytes = Buffer.from(await value.arrayBuffer())
      if (bytes.length > 0 && (await inspect(bytes))) inputs.push(bytes)
    }
  }
  return { fields, inputs }
}

function serve(tools: Tools, request: VendorRequest, wish: Wish, count: number): Answer {
  const about = { model: wish.deployment.id, prompt: wish.prompt }
  const mishap = findMishap(wish.prompt, tools)
  const refusal = refuseMishap(mishap)
  if (refusal) return { ...refusal, about }
  const body = textBody(pieces(wish, mishap === "sandbox:no-image" ? 0 : count, tools.now(), mishap))
  const delayMs = tools.pace === "human" ? pictureMs * count : 0
  const given = { status: 200, headers: { "content-type": "application/json" }, body, delayMs }
  return { ...spoilAnswer(spoilBody(given, mishap, request.signal), mishap), about }
}

const safe = { filtered: false, severity: "safe" }
const beside = { content_filter_results: { hate: safe, self_harm: safe, sexual: safe, violence: safe } }

async function* pieces(wish: Wish, count: number, now: number, mishap: Mishap | undefined): AsyncGenerator<string> {
  const { deployment, inputs, ...picture } = wish
  yield `{"created":${Math.floor(now / 1000)},"data":[`
  for (let index = 0; index < count; index++) {
    const bytes = await draw({ ...picture, model: deployment.id, seed: picture.seed + index }, { inputs })
    yield `${index ? "," : ""}{"b64_json":"${mishap === "sandbox:bad-base64" ? "@@not*base64@@" : ""}`
    yield* base64Pieces(bytes)
    yield `",${JSON.stringify({ revised_prompt: picture.prompt, ...beside }).slice(1)}`
  }
  yield "]}"
}
