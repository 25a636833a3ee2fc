// Generations whose picture gets the caller's own name. The name and what was sent are the key of such a request: who
// asks for the very same again is given what there is already.
import type { App } from "../app.ts"
import type { Queries } from "../database/database.ts"
import type { GenerationRow } from "../database/tables/generations.ts"
import type { Mode } from "../egress/send.ts"
import { deleteName, holdName, nameRow } from "../images/names.ts"
import { generationRow, hasEnded } from "./generation.ts"

/** `fingerprint` is the SHA-256 of all that was asked for. A test key's picture is not what a live key asks for. */
export type WantedName = { name: string; fingerprint: string; mode: Mode }

/** The generation that makes this very picture under this name, or has made the one that the name means. */
export async function sameWork(
  queries: Queries,
  projectId: string,
  { name, fingerprint, mode }: WantedName,
): Promise<GenerationRow | undefined> {
  const row = await nameRow(queries, projectId, name)
  const last = row?.generation_id ? await generationRow(queries, row.generation_id) : undefined
  const fruitless = last?.status === "failed" || last?.status === "canceled"
  // Where the last one came to nothing, the name still means what was made before it.
  const current = fruitless && row?.image_id ? await madeBy(queries, row.image_id) : last
  if (!current || current.status === "failed" || current.status === "canceled") return undefined
  return current.image_fingerprint === fingerprint && current.mode === mode ? current : undefined
}

const madeBy = (queries: Queries, imageId: string): Promise<GenerationRow | undefined> =>
  queries
    .selectFrom("generations")
    .innerJoin("images", "images.generation_id", "generations.id")
    .selectAll("generations")
    .where("images.id", "=", imageId)
    .executeTakeFirst()

/** The same, in the transaction that would accept the request: nobody else takes the name before it ends. */
export async function joinSameWork(
  tx: Queries,
  now: number,
  projectId: string,
  wanted: WantedName | undefined,
): Promise<GenerationRow | undefined> {
  if (!wanted) return undefined
  await holdName(tx, now, projectId, wanted.name)
  return sameWork(tx, projectId, wanted)
}

/**
 * Deletes a picture by its name; false where there is none. One that is still being made is finished and stays with its
 * generation, but does not get the name any more.
 */
export function deleteNamedImage(app: Pick<App, "database">, projectId: string, name: string): Promise<boolean> {
  return app.database.transaction(async (tx) => {
    const row = await deleteName(tx, projectId, name)
    if (row?.image_id) return true
    const making = row?.generation_id ? await generationRow(tx, row.generation_id) : undefined
    return making !== undefined && !hasEnded(making.status)
  })
}
