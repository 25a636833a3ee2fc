// A picture that a caller sent, without a generation: checked and cleaned before it gets its row.
import type { Queries } from "../database/database.ts"
import type { Sealed } from "../storage/storage.ts"
import type { AdmittedPicture, Admission } from "./admit.ts"
import { insertImage } from "./images.ts"
import type { Image } from "./images.ts"

export type Upload = Admission & { projectId: string; sealed: Sealed; now: number }

export const insertUpload = (
  tx: Queries,
  projectId: string,
  picture: AdmittedPicture,
  now: number,
  id?: string,
): Promise<Image> =>
  insertImage(tx, now, {
    ...{ projectId, generationId: null, position: 0, picture, notes: {}, inputMarks: picture.inputMarks },
    ...(id === undefined ? {} : { id }),
  })
