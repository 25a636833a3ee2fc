// Ends a generation, in the same transaction as the last thing that was missing. An end never changes.
import type { App } from "../app.ts"
import type { Queries } from "../database/database.ts"
import { prepare } from "../database/prepare.ts"
import type { GenerationRow } from "../database/tables/generations.ts"
import { failures } from "../errors.ts"
import type { Failure } from "../errors.ts"
import { insertImage } from "../images/images.ts"
import { keepPromise } from "../images/names.ts"
import type { Usage } from "../providers/provider.ts"
import { recordWebhooks } from "../webhooks/deliveries.ts"
import { isFinal, latestAttempts } from "./attempts.ts"
import type { Attempt } from "./attempts.ts"
import { addEvent } from "./events.ts"
import { generationRow, hasEnded } from "./generation.ts"
import { chargeOf, settleDelivered, settleUndelivered } from "./settle.ts"

/** What telling others of the end takes. */
export type Telling = Pick<App, "config" | "clock" | "linkSecret" | "queue" | "wakeAt">

/** Whether the generation has ended, now or before; false while a part is still open, and then does nothing. */
export async function finishIfComplete(
  app: Telling,
  tx: Queries,
  id: string,
  parts: number,
  now: number,
): Promise<"now" | "before" | false> {
  const row = await generationRow(tx, id)
  if (!row || hasEnded(row.status)) return "before"
  const attempts = [...(await latestAttempts(tx, id)).values()].sort((a, b) => a.part - b.part)
  if (attempts.length < parts || !attempts.every(isFinal)) return false
  const made = attempts.flatMap((attempt) => (attempt.state === "stored" ? attempt.pictures : []))
  const failed = attempts.flatMap(failuresOf)
  const source = {
    projectId: row.project_id,
    generationId: id,
    inputMarks: JSON.parse(row.input_marks_json) as string[],
  }
  for (const [position, { picture, notes }] of made.entries()) {
    const image = await insertImage(tx, now, { ...source, position, picture, notes })
    if (position === 0) await keepPromise(tx, now, row, image.id)
  }
  const succeeded = made.length > 0
  const warnings = [...(JSON.parse(row.warnings_json) as string[]), ...(succeeded ? failed.map(partMissing) : [])]
  const usage = sumUsage(attempts)
  const end = {
    id,
    status: succeeded ? ("succeeded" as const) : ("failed" as const),
    failure_json: succeeded ? null : JSON.stringify(forCaller(failed[0]!)),
    usage_json: usage ? JSON.stringify(usage) : null,
    warnings_json: JSON.stringify(warnings),
    charged_micros: chargeOf(row, attempts),
    finished_at: now,
  }
  await writeEnd(tx, end)
  await settleDelivered(tx, now, row, attempts)
  const data = succeeded ? { images: made.length } : { code: failed[0]!.code }
  await addEvent(tx, now, id, { type: succeeded ? "succeeded" : "failed", data })
  await recordWebhooks(app, tx, { ...row, ...end }, now)
  return "now"
}

type End = Pick<
  GenerationRow,
  "id" | "status" | "failure_json" | "usage_json" | "warnings_json" | "charged_micros" | "finished_at"
>

const writeEnd = prepare((tx, { id, ...end }: End) => tx.updateTable("generations").set(end).where("id", "=", id))

const failuresOf = (attempt: Attempt): Failure[] =>
  attempt.state === "failed" ? [attempt.failure] : attempt.state === "stored" ? attempt.missing : []

/** For work that cannot be done at all any more, such as for a model that is gone from the catalogue. */
export async function failGeneration(
  app: Telling,
  tx: Queries,
  id: string,
  failure: Failure,
  now: number,
): Promise<void> {
  const row = await generationRow(tx, id)
  if (!row || hasEnded(row.status)) return
  const end = { status: "failed" as const, failure_json: JSON.stringify(forCaller(failure)), finished_at: now }
  await tx.updateTable("generations").set(end).where("id", "=", id).execute()
  await settleUndelivered(tx, now, row, "given up")
  await addEvent(tx, now, id, { type: "failed", data: { code: failure.code } })
  await recordWebhooks(app, tx, { ...row, ...end }, now)
}

const partMissing = ({ code, detail }: Failure): string =>
  `Part of the pictures could not be made (${code}: ${detail ?? failures[code].message})`

/** What adapters note for the runner is not for the caller. */
function forCaller({ code, detail, problems, refused, retryAfterSeconds }: Failure): Failure {
  return {
    code,
    ...(refused ? { refused } : {}),
    ...(detail === undefined ? {} : { detail }),
    ...(problems ? { problems } : {}),
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  }
}

function sumUsage(attempts: Attempt[]): Usage | undefined {
  const all = attempts.flatMap((attempt) =>
    attempt.state === "stored" && attempt.bill.usage ? [attempt.bill.usage] : [],
  )
  return all.length === 0 ? undefined : all.reduce(addUsage)
}

type Details = Usage["input_tokens_details"]

const addDetails = (a: Details, b: Details): Details =>
  a && b ? { image_tokens: a.image_tokens + b.image_tokens, text_tokens: a.text_tokens + b.text_tokens } : (a ?? b)

function addUsage(a: Usage, b: Usage): Usage {
  const input = addDetails(a.input_tokens_details, b.input_tokens_details)
  const output = addDetails(a.output_tokens_details, b.output_tokens_details)
  return {
    input_tokens: a.input_tokens + b.input_tokens,
    output_tokens: a.output_tokens + b.output_tokens,
    total_tokens: a.total_tokens + b.total_tokens,
    ...(input ? { input_tokens_details: input } : {}),
    ...(output ? { output_tokens_details: output } : {}),
  }
}
