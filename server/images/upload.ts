// Keeps a picture that a caller sent: checked and cleaned, under an id of ours, without a generation.
import type { App } from "../app.ts"
import type { Queries } from "../database/database.ts"
import type { Sealed } from "../storage/storage.ts"
import { admitPicture } from "./admit.ts"
import type { AdmittedPicture, Admitting } from "./admit.ts"
import { insertImage } from "./images.ts"
import type { Image } from "./images.ts"

type Upload = {
  projectId: string
  sealed: Sealed
  now: number
  /** What the picture is called in the request. */ param?: string
}

/** Throws as `admitPicture` does: the bytes decide what a picture is, never what was said of them. */
export async function uploadImage(
  app: Admitting & Pick<App, "database">,
  { projectId, sealed, now, param }: Upload,
): Promise<Image> {
  const picture = await admitPicture(app, sealed, param)
  return app.database.transaction((tx) => insertUpload(tx, projectId, picture, now))
}

export const insertUpload = (tx: Queries, projectId: string, picture: AdmittedPicture, now: number): Promise<Image> =>
  insertImage(tx, now, {
    ...{ projectId, generationId: null, position: 0, picture, notes: {}, inputMarks: picture.inputMarks },
  })
