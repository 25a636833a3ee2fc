// Takes in a picture that a caller gave: checked as a whole and cleaned before anything is done with it.
import type { App } from "../app.ts"
import { GatewayError } from "../errors.ts"
import type { FailureCode } from "../errors.ts"
import { piecesOf } from "../storage/pieces.ts"
import type { Sealed, StoredObject } from "../storage/storage.ts"
import { keepPicture } from "./keep.ts"
import type { KeptPicture } from "./keep.ts"
import { faultOf } from "./limits.ts"
import { isKnownKind, probe } from "./probe.ts"

export type AdmittedPicture = KeptPicture & {
  /** The marks of an AI that it came with. */
  inputMarks: string[]
}

/** `over`: aborted when nobody waits for it any more; then it gives up its place among those that are to be checked. */
export type Admission = { param?: string | undefined; over?: AbortSignal | undefined }

export type Admitting = Pick<App, "storage" | "inspector">

/**
 * Keeps the picture, without what is not needed to show it: EXIF with its places and makers, texts, thumbnails, what
 * stands behind its end. Throws `image_type_not_allowed`, `image_invalid` or `unavailable`; of the picture's own
 * faults in the name of `param`, where it has one.
 */
export async function admitPicture(
  app: Admitting,
  sealed: Sealed,
  { param, over }: Admission = {},
): Promise<AdmittedPicture> {
  if (!isKnownKind(sealed.head)) throw refusal("image_type_not_allowed", "must be a PNG, JPEG or WebP picture", param)
  const object = await sealed.open()
  try {
    await checkHeader(object, param)
    const whole = { start: 0, end: sealed.bytes }
    const picture = { bytes: sealed.bytes, read: () => piecesOf(object, whole, "steps") }
    const found = await app.inspector.inspect(picture, app.storage.draft, over)
    if ("refused" in found) throw refusal("image_invalid", found.refused, param)
    const kept = await keepPicture(app, found.cleaned ?? sealed)
    if (!kept) throw refusal("image_invalid", "cannot be read", param)
    return { ...kept, inputMarks: found.marks }
  } finally {
    await object.close()
  }
}

/** What is too large by its own word is refused before anything of it is decoded. */
async function checkHeader(object: StoredObject, param: string | undefined): Promise<void> {
  const probed = await probe(async (position, length) => {
    const buffer = Buffer.alloc(length)
    return buffer.subarray(0, await object.read(buffer, position, length))
  })
  const fault = probed ? faultOf(probed) : "has no size, or is cut off"
  if (fault !== undefined) throw refusal("image_invalid", fault, param)
}

function refusal(code: FailureCode, fault: string, param: string | undefined): GatewayError {
  const message = `${param ?? "The picture"} ${fault}`
  return new GatewayError(
    param === undefined ? { code, detail: `${message}.` } : { code, detail: message, problems: [{ param, message }] },
  )
}
