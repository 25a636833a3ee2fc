// One accepted request and its whole life, as the rest of the house sees it.
import type { Input } from "../catalogue/model.ts"
import type { Queries } from "../database/database.ts"
import { prepare } from "../database/prepare.ts"
import type { GenerationRow, GenerationStatus } from "../database/tables/generations.ts"
import type { Mode } from "../egress/send.ts"
import { GatewayError } from "../errors.ts"
import type { Failure } from "../errors.ts"
import type { Image } from "../images/images.ts"
import type { KeptPicture } from "../images/keep.ts"
import type { Usage } from "../providers/provider.ts"

/** Who asks: the key decides the project and whether vendors or the sandbox do the work. */
export type Caller = {
  projectId: string
  keyId: string
  mode: Mode
  plan: string
  /** The models that the key may use; null for all of the plan. */
  models: string[] | null
  /** By which request, and its place in a trace; absent where no request asked. */
  request?: { id: string; traceparent: string | undefined }
}

/** A picture the caller gave to start from. */
export type Reference = { role: "image" | "mask" } & (({ kind: "stored" } & KeptPicture) | { kind: "url"; url: string })

export type Generation = {
  id: string
  projectId: string
  mode: Mode
  dialect: string
  model: string
  input: Input
  references: Reference[]
  /** Marks of an AI that those came with; of what is behind links, once they were fetched. */
  inputMarks: string[]
  status: GenerationStatus
  images: Image[]
  failure: Failure | undefined
  usage: Usage | undefined
  warnings: string[]
  /** Its place in a trace. */
  traceparent: string | undefined
  createdAt: number
  startedAt: number | undefined
  finishedAt: number | undefined
}

export const hasEnded = (status: GenerationStatus): boolean => status !== "queued" && status !== "running"

/** For answers that are nothing but pictures: throws why there are none, or that they are not there yet. */
export function throwUnlessSucceeded({ id, status, failure }: Generation): void {
  if (status === "succeeded") return
  if (status === "failed") throw new GatewayError({ ...(failure ?? { code: "internal" }), generationId: id })
  if (status === "canceled") throw new GatewayError({ code: "canceled", generationId: id })
  const detail = `The server is stopping. The generation goes on: GET /v1/generations/${id} has it later.`
  throw new GatewayError({ code: "unavailable", detail, generationId: id })
}

const parsed = <T>(json: string | null): T | undefined => (json === null ? undefined : (JSON.parse(json) as T))

export function readGeneration(row: GenerationRow, images: Image[]): Generation {
  const { id, mode, dialect, model, status } = row
  return {
    ...{ id, mode, dialect, model, status, images },
    projectId: row.project_id,
    input: JSON.parse(row.input_json) as Input,
    references: JSON.parse(row.references_json) as Reference[],
    inputMarks: JSON.parse(row.input_marks_json) as string[],
    failure: parsed<Failure>(row.failure_json),
    usage: parsed<Usage>(row.usage_json),
    warnings: JSON.parse(row.warnings_json) as string[],
    traceparent: row.traceparent ?? undefined,
    createdAt: row.created_at,
    startedAt: row.started_at ?? undefined,
    finishedAt: row.finished_at ?? undefined,
  }
}

/** The row of a generation, for those who work on it. */
export const generationRow = async (queries: Queries, id: string): Promise<GenerationRow | undefined> =>
  (await selectGeneration(queries, { id })).rows[0]

const selectGeneration = prepare((queries, { id }: { id: string }) =>
  queries.selectFrom("generations").selectAll().where("id", "=", id),
)
