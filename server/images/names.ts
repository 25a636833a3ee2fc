// Pictures by the caller's own names. Within a project a name means one picture at a time: the last that was given it.
import type { App } from "../app.ts"
import type { Queries } from "../database/database.ts"
import type { GenerationRow } from "../database/tables/generations.ts"
import type { ImageNameRow } from "../database/tables/images.ts"
import { readImage } from "./images.ts"
import type { Image } from "./images.ts"
import { admitPicture } from "./admit.ts"
import type { Admitting } from "./admit.ts"
import { insertUpload } from "./upload.ts"
import type { Upload } from "./upload.ts"

/** 1 to 128 of letters, digits, dots, underscores and dashes, and not only dots, which mean folders in an address. */
export const imageNamePattern = /^(?!\.+$)[A-Za-z0-9._-]{1,128}$/

export const nameRow = (queries: Queries, projectId: string, name: string): Promise<ImageNameRow | undefined> =>
  queries
    .selectFrom("image_names")
    .selectAll()
    .where("project_id", "=", projectId)
    .where("name", "=", name)
    .executeTakeFirst()

export async function findNamedImage(
  app: Pick<App, "database">,
  projectId: string,
  name: string,
): Promise<Image | undefined> {
  const row = await app.database.query
    .selectFrom("image_names")
    .innerJoin("images", "images.id", "image_names.image_id")
    .selectAll("images")
    .where("image_names.project_id", "=", projectId)
    .where("image_names.name", "=", name)
    .executeTakeFirst()
  return row && readImage(row)
}

/** Makes sure that the name has a row, and keeps others from changing it until the transaction ends. */
export async function holdName(tx: Queries, now: number, projectId: string, name: string): Promise<void> {
  const row = { project_id: projectId, name, image_id: null, generation_id: null, created_at: now, updated_at: now }
  await tx
    .insertInto("image_names")
    .values(row)
    .onConflict((conflict) => conflict.columns(["project_id", "name"]).doUpdateSet({ name }))
    .execute()
}

type Naming = Pick<GenerationRow, "id" | "project_id" | "image_name">

/** From now on only this generation's picture may take the name it wants; what the name means until then stays. */
export async function promiseName(tx: Queries, { id, project_id, image_name }: Naming): Promise<void> {
  if (image_name === null) return
  await tx
    .updateTable("image_names")
    .set({ generation_id: id })
    .where("project_id", "=", project_id)
    .where("name", "=", image_name)
    .execute()
}

/** Does nothing where the name was deleted or promised to something else while the picture was made. */
export async function keepPromise(
  tx: Queries,
  now: number,
  { id, project_id, image_name }: Naming,
  imageId: string,
): Promise<void> {
  if (image_name === null) return
  await tx
    .updateTable("image_names")
    .set({ image_id: imageId, updated_at: now })
    .where("project_id", "=", project_id)
    .where("name", "=", image_name)
    .where("generation_id", "=", id)
    .execute()
}

type Uploading = Admitting & Pick<App, "database">

/** Keeps a picture that was sent, in the place of what the name meant before. Throws as `admitPicture` does. */
export async function uploadNamedImage(
  app: Uploading,
  name: string,
  { projectId, sealed, now, ...admission }: Upload,
): Promise<Image> {
  const picture = await admitPicture(app, sealed, admission)
  return app.database.transaction(async (tx) => {
    await holdName(tx, now, projectId, name)
    const image = await insertUpload(tx, projectId, picture, now)
    await tx
      .updateTable("image_names")
      .set({ image_id: image.id, generation_id: null, updated_at: now })
      .where("project_id", "=", projectId)
      .where("name", "=", name)
      .execute()
    return image
  })
}

/** Forgets the name, and answers what it meant. */
export async function deleteName(tx: Queries, projectId: string, name: string): Promise<ImageNameRow | undefined> {
  const row = await nameRow(tx, projectId, name)
  await tx.deleteFrom("image_names").where("project_id", "=", projectId).where("name", "=", name).execute()
  return row
}
