// What a webhook says. The first four fields are those of Gempix2's document, in its order and spelling.
import type { App } from "../app.ts"
import type { GenerationRow } from "../database/tables/generations.ts"
import { messageOf } from "../errors.ts"
import type { Failure } from "../errors.ts"
import type { Image } from "../images/images.ts"
import { signedLink } from "../images/links.ts"

export const webhookEvents = ["images.completed", "images.failed"] as const

export type WebhookEvent = (typeof webhookEvents)[number]

type Needs = Pick<App, "config" | "clock" | "linkSecret">

// With ten pictures, the most that any model makes, this keeps the whole below 20 kB.
const messageMaxLength = 1_000

/** `origin` is where the receiver's owner reaches this server; a public address of the operator's goes before it. */
export function writePayload(
  app: Needs,
  { row, images, event, origin, now }: Ended & { event: WebhookEvent; origin: string; now: number },
): string {
  const base = app.config.publicUrl === "" ? origin : app.config.publicUrl.replace(/\/+$/, "")
  const pictures = images.map(({ id, width, height, mediaType }) => ({
    url: signedLink(app, base, id),
    ...{ width, height, media_type: mediaType },
  }))
  return JSON.stringify({
    event,
    uuid: row.id,
    imageUrl: pictures[0]?.url ?? null,
    timestamp: new Date(now).toISOString().replace(/\.\d+Z$/, "Z"),
    generation_id: row.id,
    status: row.status,
    model: row.model,
    images: pictures,
    ...(event === "images.failed" ? { error: errorOf(row) } : {}),
  })
}

/** A generation that has just ended, and its pictures. */
export type Ended = { row: GenerationRow; images: Image[] }

function errorOf({ failure_json }: GenerationRow) {
  const failure: Failure = failure_json === null ? { code: "canceled" } : (JSON.parse(failure_json) as Failure)
  return { code: failure.code, message: messageOf(failure).slice(0, messageMaxLength) }
}
