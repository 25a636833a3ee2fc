// What became of a generation, told once when it has ended: in one line of the log, to the metrics, and to a trace.
import type { App } from "../app.ts"
import { microsPerCredit } from "../catalogue/price.ts"
import type { AttemptRow, GenerationRow } from "../database/tables/generations.ts"
import type { Failure } from "../errors.ts"
import { allAttempts } from "./attempts.ts"
import type { AttemptPicture } from "./attempts.ts"
import { generationRow, hasEnded } from "./generation.ts"

type Needs = Pick<App, "database" | "log" | "metrics">

/** After the transaction that ended it. A server that dies in between leaves the line out. */
export const tellEnd = (app: Needs, id: string): Promise<void> =>
  tell(app, id).catch((error: unknown) => app.log.warn({ err: error, generation: id }, "an end could not be told"))

async function tell(app: Needs, id: string): Promise<void> {
  const row = await generationRow(app.database.query, id)
  if (!row || !hasEnded(row.status)) return
  const attempts = await allAttempts(app.database.query, id)
  const { status, model, mode } = row
  const code = row.failure_json === null ? undefined : (JSON.parse(row.failure_json) as Failure).code
  const pictures = status === "succeeded" ? attempts.flatMap(picturesOf) : []
  const [images, bytes] = [pictures.length, pictures.reduce((sum, { picture }) => sum + picture.bytes, 0)]
  const made = { images, bytes, credits: row.charged_micros / microsPerCredit }
  const prompt = await promptOf(app, row)
  app.log.info(
    {
      ...{ generation: id, project: row.project_id, key: row.key_id, mode, dialect: row.dialect, model, status },
      ...(code === undefined ? {} : { code }),
      ...(row.request_id === null ? {} : { request: row.request_id }),
      ...{ ...made, ...timesOf(row), calls: attempts.map(callOf) },
      ...(prompt === undefined ? {} : { prompt }),
    },
    "a generation ended",
  )
  const seconds = ((row.finished_at ?? row.created_at) - row.created_at) / 1000
  app.metrics.ended({ model, mode, outcome: code ?? status, seconds, ...made })
}

const picturesOf = ({ state, pictures_json }: AttemptRow): AttemptPicture[] =>
  state === "stored" ? (JSON.parse(pictures_json ?? "[]") as AttemptPicture[]) : []

/** How long it waited for its turn, and how long it was worked on. */
function timesOf({ created_at, started_at, finished_at }: GenerationRow) {
  const end = finished_at ?? created_at
  return { queued_ms: (started_at ?? end) - created_at, ran_ms: started_at === null ? 0 : end - started_at }
}

function callOf({ provider, vendor_model, state, failure_json, sent_at, finished_at }: AttemptRow) {
  const failure = state === "failed" && failure_json !== null ? (JSON.parse(failure_json) as Failure).code : undefined
  return {
    ...{ vendor: provider, model: vendor_model, outcome: failure ?? state },
    ...(finished_at === null ? {} : { ms: finished_at - sent_at }),
  }
}

/** Only of projects that agreed to have theirs in the log. */
async function promptOf({ database }: Needs, row: GenerationRow): Promise<string | undefined> {
  const project = database.query.selectFrom("projects").select("logs_prompts").where("id", "=", row.project_id)
  if ((await project.executeTakeFirst())?.logs_prompts !== 1) return undefined
  const { prompt } = JSON.parse(row.input_json) as { prompt?: unknown }
  return typeof prompt === "string" ? prompt : undefined
}
