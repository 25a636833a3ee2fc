// Where a picture comes from: who made it with what, and the marks that its file carries.
import type { App } from "../app.ts"
import type { Input } from "../catalogue/model.ts"
import type { Mode } from "../egress/send.ts"
import { GatewayError } from "../errors.ts"
import { findImage } from "../images/images.ts"
import type { Image } from "../images/images.ts"
import type { Mark } from "../images/marks.ts"
import { digitalSourceOf, marksOf } from "../images/source.ts"
import type { DigitalSource } from "../images/source.ts"
import { allProviders } from "../providers/all.ts"
import { latestAttempts } from "./attempts.ts"
import { generationRow } from "./generation.ts"

/** The call that a picture came from. */
type Making = {
  generationId: string
  mode: Mode
  model: string
  vendor: { id: string; title: string; model: string }
  /** What was asked of the vendor's own watermark; undefined where the model has none to ask for. */
  watermark: boolean | undefined
}

export type Provenance = {
  image: Image
  /** Undefined for pictures that were uploaded. */
  making: Making | undefined
  source: DigitalSource | undefined
  marks: Mark[]
  /** The text of the label of China's GB 45438-2025, where there is one. */
  aigc: string | undefined
}

/** Throws `not_found`, also where the picture is another project's. */
export async function findProvenance(
  app: Pick<App, "database" | "storage">,
  projectId: string,
  id: string,
): Promise<Provenance> {
  const image = await findImage(app, projectId, id)
  if (!image) throw new GatewayError({ code: "not_found", detail: "There is no such picture." })
  const { marks, aigc } = await marksOf(app, image)
  const source = await digitalSourceOf(app, image, marks)
  return { image, making: await makingOf(app, image), source, marks, aigc }
}

async function makingOf(app: Pick<App, "database">, image: Image): Promise<Making | undefined> {
  const row = image.generationId === null ? undefined : await generationRow(app.database.query, image.generationId)
  if (!row) return undefined
  const attempts = [...(await latestAttempts(app.database.query, row.id)).values()].sort((a, b) => a.part - b.part)
  // Pictures stand in the order of the parts that brought them.
  const makers = attempts.flatMap((attempt) => (attempt.state === "stored" ? attempt.pictures.map(() => attempt) : []))
  const { provider: id, vendorModel } = makers[image.position]!
  const { watermark } = JSON.parse(row.input_json) as Input
  return {
    ...{ generationId: row.id, mode: row.mode, model: row.model },
    vendor: { id, title: allProviders.find((one) => one.id === id)?.title ?? id, model: vendorModel },
    watermark: typeof watermark === "boolean" ? watermark : undefined,
  }
}
