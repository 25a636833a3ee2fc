// The pictures a caller gave: kept when the request is accepted, fetched and handed to the vendor when it runs.
import type { App } from "../app.ts"
import type { ReadInput } from "../catalogue/read.ts"
import { GatewayError } from "../errors.ts"
import type { Problem } from "../errors.ts"
import { admitPicture } from "../images/admit.ts"
import type { Admitting } from "../images/admit.ts"
import { findImage } from "../images/images.ts"
import type { KeptPicture } from "../images/keep.ts"
import { findMarks } from "../images/marks.ts"
import { storedBytes } from "../images/stored.ts"
import type { References, ReferencePicture } from "../providers/provider.ts"
import type { Sealed } from "../storage/storage.ts"
import type { Reference } from "./generation.ts"

/** Pictures that came with the request, by the mark that stands for them in its body. */
export type Received = ReadonlyMap<string, Sealed>

type Needs = Admitting & Pick<App, "database">

type Sent = { received: Received; /** Aborted when the caller hangs up. */ signal?: AbortSignal }

type Kept = { references: Reference[]; /** Of an AI, that any of them came with. */ marks: string[] }

/** Keeps what was sent and notes what is behind links; throws a refusal that names the parameter. */
export async function keepReferences(
  app: Needs,
  projectId: string,
  read: Pick<ReadInput, "images" | "mask">,
  sent: Sent,
): Promise<Kept> {
  const wanted = read.images.map((given) => ({ role: "image" as const, given }))
  const masks = read.mask === undefined ? [] : [{ role: "mask" as const, given: read.mask }]
  const references: Reference[] = []
  const found: string[] = []
  for (const { role, given } of [...wanted, ...masks]) {
    const { inputMarks, ...reference } = await keepReference(app, projectId, role, given, sent)
    references.push({ role, ...reference })
    found.push(...inputMarks)
  }
  checkMask(references)
  return { references, marks: [...new Set(found)] }
}

/** A mask marks the place by its transparency, pixel for pixel; what is behind links is for the vendor to check. */
function checkMask(references: Reference[]) {
  const [image] = references
  const mask = references.find(({ role }) => role === "mask")
  if (mask?.kind !== "stored") return
  if (mask.mediaType !== "image/png") throw refused({ param: "mask", message: "mask must be a PNG picture" })
  if (image?.kind === "stored" && (image.width !== mask.width || image.height !== mask.height))
    throw refused({
      param: "mask",
      message: `mask must be as large as the first picture: ${image.width}x${image.height}, not ${mask.width}x${mask.height}`,
    })
}

async function keepReference(app: Needs, projectId: string, param: string, given: string, sent: Sent) {
  const sealed = sent.received.get(given)
  if (sealed) return { kind: "stored" as const, ...(await admitPicture(app, sealed, { param, over: sent.signal })) }
  if (/^https?:\/\//i.test(given) && URL.canParse(given)) return { kind: "url" as const, url: given, inputMarks: [] }
  const image = /^img_\w{1,36}$/.test(given) ? await findOwn(app, projectId, given) : undefined
  if (image) return { kind: "stored" as const, ...image }
  const message = `${param} must be an http(s) URL, a data URL, base64, or the id of one of your pictures`
  throw refused({ param, message })
}

const refused = (problem: Problem) =>
  new GatewayError({ code: "invalid_request", detail: problem.message, problems: [problem] })

/** A picture of the house's goes out as it is: an upload was cleaned when it came, and a vendor's is never changed. */
async function findOwn(app: Needs, projectId: string, id: string) {
  const image = await findImage(app, projectId, id)
  if (!image) return undefined
  const { sha256, bytes, mediaType, width, height, inputMarks } = image
  return { sha256, bytes, mediaType, width, height, inputMarks: [...inputMarks, ...(await marksIn(app, sha256))] }
}

async function marksIn(app: Pick<App, "storage">, sha256: string): Promise<string[]> {
  const object = await app.storage.open(sha256)
  if (!object) return []
  try {
    return await findMarks(object, object.bytes)
  } finally {
    await object.close()
  }
}

type Loading = Admitting & Pick<App, "config" | "fetchUrl">

/** `marks`: of an AI, that pictures behind links came with. */
type Loaded = { references: References; marks: string[] }

/** The references as an adapter takes them. Links are downloaded now, through the guarded door. */
export async function loadReferences(app: Loading, references: Reference[], signal: AbortSignal): Promise<Loaded> {
  const found: string[] = []
  const load = async (reference: Reference): Promise<ReferencePicture> => {
    if (reference.kind === "stored") return ready(app, reference)
    const { inputMarks, ...picture } = await fetchReference(app, reference, signal)
    found.push(...inputMarks)
    return ready(app, picture)
  }
  const loaded = await Promise.all(references.map(load))
  const images = loaded.filter((_, index) => references[index]!.role === "image")
  const mask = loaded.find((_, index) => references[index]!.role === "mask")
  return { references: { images, ...(mask ? { mask } : {}) }, marks: [...new Set(found)] }
}

const ready = (app: Pick<App, "storage">, { sha256, bytes, mediaType }: KeptPicture): ReferencePicture => ({
  mediaType,
  ...storedBytes(app, sha256, bytes),
})

async function fetchReference(app: Loading, { role, url }: Reference & { kind: "url" }, signal: AbortSignal) {
  const draft = await app.storage.draft()
  try {
    const answer = await app.fetchUrl(url, { signal, maxBytes: app.config.uploadMaxMb * 1_000_000 })
    for await (const chunk of answer.body) await draft.write(chunk as Buffer)
    return await admitPicture(app, await draft.seal(), { param: role })
  } finally {
    // Where it was kept as it came, there is nothing left to discard.
    await draft.discard()
  }
}
