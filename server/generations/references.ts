// The pictures a caller gave: kept when the request is accepted, fetched and handed to the vendor when it runs.
import type { App } from "../app.ts"
import type { ReadInput } from "../catalogue/read.ts"
import { GatewayError } from "../errors.ts"
import type { Problem } from "../errors.ts"
import { findImage } from "../images/images.ts"
import { keepPicture } from "../images/keep.ts"
import { storedBytes } from "../images/stored.ts"
import type { References, ReferencePicture } from "../providers/provider.ts"
import type { Sealed } from "../storage/storage.ts"
import type { Reference } from "./generation.ts"

/** Pictures that came with the request, by the mark that stands for them in its body. */
export type Received = ReadonlyMap<string, Sealed>

type Needs = Pick<App, "storage" | "database">

/** Keeps what was sent and notes what is behind links; throws a refusal that names the parameter. */
export async function keepReferences(
  app: Needs,
  projectId: string,
  read: Pick<ReadInput, "images" | "mask">,
  received: Received,
): Promise<Reference[]> {
  const wanted = read.images.map((given) => ({ role: "image" as const, given }))
  const masks = read.mask === undefined ? [] : [{ role: "mask" as const, given: read.mask }]
  const kept: Reference[] = []
  for (const { role, given } of [...wanted, ...masks])
    kept.push({ role, ...(await keepReference(app, projectId, role, given, received)) })
  checkMask(kept)
  return kept
}

/** A mask marks the place by its transparency, pixel for pixel; what is behind links is for the vendor to check. */
function checkMask(references: Reference[]) {
  const [image] = references
  const mask = references.find(({ role }) => role === "mask")
  if (mask?.kind !== "stored") return
  if (mask.mediaType !== "image/png")
    throw refused("invalid_request", { param: "mask", message: "mask must be a PNG picture" })
  if (image?.kind === "stored" && (image.width !== mask.width || image.height !== mask.height))
    throw refused("invalid_request", {
      param: "mask",
      message: `mask must be as large as the first picture: ${image.width}x${image.height}, not ${mask.width}x${mask.height}`,
    })
}

async function keepReference(app: Needs, projectId: string, param: string, given: string, received: Received) {
  const sealed = received.get(given)
  if (sealed) {
    const picture = await keepPicture(app, sealed)
    if (!picture)
      throw refused("image_type_not_allowed", { param, message: `${param} must be a PNG, JPEG or WebP picture` })
    return { kind: "stored" as const, ...picture }
  }
  if (/^https?:\/\//i.test(given) && URL.canParse(given)) return { kind: "url" as const, url: given }
  const image = /^img_\w{1,36}$/.test(given) ? await findOwn(app, projectId, given) : undefined
  if (image) return { kind: "stored" as const, ...image }
  const message = `${param} must be an http(s) URL, a data URL, base64, or the id of one of your pictures`
  throw refused("invalid_request", { param, message })
}

const refused = (code: "invalid_request" | "image_type_not_allowed", problem: Problem) =>
  new GatewayError({ code, detail: problem.message, problems: [problem] })

async function findOwn(app: Needs, projectId: string, id: string) {
  const image = await findImage(app, projectId, id)
  if (!image) return undefined
  const { sha256, bytes, mediaType, width, height } = image
  return { sha256, bytes, mediaType, width, height }
}

/** The references as an adapter takes them. Links are downloaded now, through the guarded door. */
export async function loadReferences(
  app: Pick<App, "storage" | "config" | "fetchUrl">,
  references: Reference[],
  signal: AbortSignal,
): Promise<References> {
  const loaded = await Promise.all(references.map((reference) => load(app, reference, signal)))
  const images = loaded.filter((_, index) => references[index]!.role === "image")
  const mask = loaded.find((_, index) => references[index]!.role === "mask")
  return { images, ...(mask ? { mask } : {}) }
}

type Loading = Pick<App, "storage" | "config" | "fetchUrl">

async function load(app: Loading, reference: Reference, signal: AbortSignal): Promise<ReferencePicture> {
  const { sha256, bytes, mediaType } =
    reference.kind === "stored" ? reference : await fetchReference(app, reference.url, signal)
  return { mediaType, ...storedBytes(app, sha256, bytes) }
}

async function fetchReference(app: Loading, url: string, signal: AbortSignal) {
  const draft = await app.storage.draft()
  try {
    const answer = await app.fetchUrl(url, { signal, maxBytes: app.config.uploadMaxMb * 1_000_000 })
    for await (const chunk of answer.body) await draft.write(chunk as Buffer)
    const picture = await keepPicture(app, await draft.seal())
    if (picture) return picture
    throw refused("image_type_not_allowed", {
      param: "image",
      message: "what is behind the URL is not a PNG, JPEG or WebP picture",
    })
  } catch (error) {
    await draft.discard()
    throw error
  }
}
