// Pictures by name. Every look-up names the project, so that another project's picture is like a missing one.
import type { App } from "../app.ts"
import type { Queries } from "../database/database.ts"
import { prepare } from "../database/prepare.ts"
import type { ImageRow } from "../database/tables/images.ts"
import { newId } from "../ids.ts"
import type { KeptPicture } from "./keep.ts"
import type { MediaType } from "./probe.ts"

/** What the vendor told of the picture. */
export type ImageNotes = { seed?: number; revised_prompt?: string; quality?: string; background?: string }

export type Image = {
  id: string
  /** Null for pictures that were uploaded. */
  generationId: string | null
  /** Order among the pictures of the generation. */
  position: number
  sha256: string
  bytes: number
  mediaType: MediaType
  width: number
  height: number
  notes: ImageNotes
  /** Marks of an AI that it came with, or that what it was made from came with. */
  inputMarks: string[]
  createdAt: number
}

export const imageId = (): string => newId("img")

type NewImage = {
  /** A fresh one without it. */
  id?: string
  projectId: string
  /** Null for pictures that were uploaded. */
  generationId: string | null
  position: number
  picture: KeptPicture
  notes: ImageNotes
  inputMarks: string[]
}

export async function insertImage(tx: Queries, now: number, image: NewImage): Promise<Image> {
  const { projectId, generationId, position, picture, notes, inputMarks } = image
  const { sha256, bytes, mediaType, width, height } = picture
  const told = { notes_json: JSON.stringify(notes), input_marks_json: JSON.stringify(inputMarks) }
  const facts = { sha256, bytes, media_type: mediaType, width, height, ...told }
  const names = {
    id: image.id ?? imageId(),
    project_id: projectId,
    generation_id: generationId,
    position,
    created_at: now,
  }
  await insertRow(tx, { ...names, ...facts })
  return { id: names.id, generationId, position, ...picture, notes, inputMarks, createdAt: now }
}

const insertRow = prepare((tx, row: ImageRow) => tx.insertInto("images").values(row))

export function readImage(row: ImageRow): Image {
  const { id, sha256, bytes, width, height } = row
  const mediaType = row.media_type as MediaType
  const notes = JSON.parse(row.notes_json) as ImageNotes
  const inputMarks = JSON.parse(row.input_marks_json) as string[]
  const facts = { sha256, bytes, mediaType, width, height, notes, inputMarks }
  return { id, generationId: row.generation_id, position: row.position, ...facts, createdAt: row.created_at }
}

export async function findImage(app: Pick<App, "database">, projectId: string, id: string): Promise<Image | undefined> {
  const rows = app.database.query
    .selectFrom("images")
    .selectAll()
    .where("id", "=", id)
    .where("project_id", "=", projectId)
  const row = await rows.executeTakeFirst()
  return row && readImage(row)
}

/** For signed links only: the signature has already proved that a caller of the project handed it out. */
export async function findLinkedImage(app: Pick<App, "database">, id: string): Promise<Image | undefined> {
  const row = await app.database.query.selectFrom("images").selectAll().where("id", "=", id).executeTakeFirst()
  return row && readImage(row)
}

export async function imagesOf(queries: Queries, generationIds: string[]): Promise<Map<string, Image[]>> {
  const found = new Map<string, Image[]>()
  if (generationIds.length === 0) return found
  const [first] = generationIds
  const rows =
    generationIds.length === 1
      ? (await selectOfOne(queries, { id: first! })).rows
      : await selectOfAll(queries, generationIds).execute()
  for (const row of rows) {
    const id = row.generation_id!
    found.set(id, [...(found.get(id) ?? []), readImage(row)])
  }
  return found
}

const selectOfAll = (queries: Queries, ids: string[]) =>
  queries.selectFrom("images").selectAll().where("generation_id", "in", ids).orderBy("position")

const selectOfOne = prepare((queries, { id }: { id: string }) => selectOfAll(queries, [id]))
