// An upload that may be sent again: by its Idempotency-Key the second is the picture of the first.
import type { App } from "../app.ts"
import { fail } from "../errors.ts"
import { admitPicture } from "../images/admit.ts"
import { findImage, imageId } from "../images/images.ts"
import type { Image } from "../images/images.ts"
import { insertUpload } from "../images/upload.ts"
import type { Upload } from "../images/upload.ts"
import { begunBefore } from "./repeats.ts"
import type { Repeat } from "./repeats.ts"

type Needs = Pick<App, "database" | "storage" | "inspector">

/** Throws as `admitPicture` does, and `idempotency_mismatch` where the key was used for another picture. */
export async function uploadOnce(app: Needs, upload: Upload, repeat?: Repeat): Promise<Image> {
  const { projectId, now, sealed, ...admission } = upload
  const picture = await admitPicture(app, sealed, admission)
  const id = imageId()
  const made = await app.database.transaction(async (tx) => {
    const first = await begunBefore(tx, now, projectId, repeat, id)
    return first ?? insertUpload(tx, projectId, picture, now, id)
  })
  if (typeof made !== "string") return made
  repeat?.onReplay()
  return (await findImage(app, projectId, made)) ?? fail("not_found", "The picture of the first request is gone.")
}
