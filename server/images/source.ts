// How a picture was made, in the words of IPTC, and what its own file says of that.
import type { App } from "../app.ts"
import { GatewayError } from "../errors.ts"
import type { Image } from "./images.ts"
import { readMarks } from "./marks.ts"
import type { FoundMarks, Mark } from "./marks.ts"

/** Of IPTC's NewsCodes for digital sources: made by a model, or by a model from pictures that it was given. */
export type DigitalSource = "trainedAlgorithmicMedia" | "compositeWithTrainedAlgorithmicMedia"

export const digitalSourceUri = (source: DigitalSource): string =>
  `http://cv.iptc.org/newscodes/digitalsourcetype/${source}`

/** The marks in the stored bytes. They never change, so that nobody has to note them. Throws `not_found`. */
export async function marksOf(app: Pick<App, "storage">, { sha256, bytes }: Image): Promise<FoundMarks> {
  const object = await app.storage.open(sha256)
  if (!object) throw new GatewayError({ code: "not_found", detail: "The picture's bytes are no longer here." })
  try {
    return await readMarks(object, bytes)
  } finally {
    await object.close()
  }
}

/** Undefined for an upload whose file did not say that a model made it, when it came or now. */
export async function digitalSourceOf(
  app: Pick<App, "database">,
  { generationId, inputMarks }: Image,
  marks: Mark[],
): Promise<DigitalSource | undefined> {
  if (generationId === null) {
    const said = [...marks, ...inputMarks]
    if (said.includes("xmp:compositeWithTrainedAlgorithmicMedia")) return "compositeWithTrainedAlgorithmicMedia"
    return said.includes("xmp:trainedAlgorithmicMedia") ? "trainedAlgorithmicMedia" : undefined
  }
  const generation = app.database.query
    .selectFrom("generations")
    .select("references_json")
    .where("id", "=", generationId)
  const { references_json } = await generation.executeTakeFirstOrThrow()
  const references = JSON.parse(references_json) as unknown[]
  return references.length > 0 ? "compositeWithTrainedAlgorithmicMedia" : "trainedAlgorithmicMedia"
}
