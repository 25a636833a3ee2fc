// Keeps a picture that a caller sent: its bytes as they came, under an id of ours, without a generation.
import type { App } from "../app.ts"
import type { Queries } from "../database/database.ts"
import { GatewayError } from "../errors.ts"
import type { Sealed } from "../storage/storage.ts"
import { insertImage } from "./images.ts"
import type { Image } from "./images.ts"
import { keepPicture } from "./keep.ts"
import type { KeptPicture } from "./keep.ts"

type Needs = Pick<App, "database" | "storage">

/** Throws `image_type_not_allowed`: the bytes decide what a picture is, never what was said of them. */
export async function uploadImage(app: Needs, projectId: string, sealed: Sealed, now: number): Promise<Image> {
  const picture = await keepUpload(app, sealed)
  return app.database.transaction((tx) => insertUpload(tx, projectId, picture, now))
}

export async function keepUpload(app: Pick<App, "storage">, sealed: Sealed): Promise<KeptPicture> {
  const picture = await keepPicture(app, sealed)
  if (!picture) throw new GatewayError({ code: "image_type_not_allowed" })
  return picture
}

export const insertUpload = (tx: Queries, projectId: string, picture: KeptPicture, now: number): Promise<Image> =>
  insertImage(tx, now, { projectId, generationId: null, position: 0, picture, notes: {} })
