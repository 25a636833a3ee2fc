// Keeps a picture that a caller sent: checked and cleaned, under an id of ours, without a generation.
import type { App } from "../app.ts"
import type { Queries } from "../database/database.ts"
import type { Sealed } from "../storage/storage.ts"
import { admitPicture } from "./admit.ts"
import type { AdmittedPicture, Admission, Admitting } from "./admit.ts"
import { insertImage } from "./images.ts"
import type { Image } from "./images.ts"

export type Upload = Admission & { projectId: string; sealed: Sealed; now: number }

/** Throws as `admitPicture` does: the bytes decide what a picture is, never what was said of them. */
export async function uploadImage(
  app: Admitting & Pick<App, "database">,
  { projectId, sealed, now, ...admission }: Upload,
): Promise<Image> {
  const picture = await admitPicture(app, sealed, admission)
  return app.database.transaction((tx) => insertUpload(tx, projectId, picture, now))
}

export const insertUpload = (tx: Queries, projectId: string, picture: AdmittedPicture, now: number): Promise<Image> =>
  insertImage(tx, now, {
    ...{ projectId, generationId: null, position: 0, picture, notes: {}, inputMarks: picture.inputMarks },
  })
