// Lists in pages, the newest first. A cursor is the time and the id of the last row of the page before.
import { sql } from "kysely"
import type { RawBuilder } from "kysely"
import { GatewayError } from "../errors.ts"

/** For `where`: what comes after an earlier page. Throws `invalid_request` for what is no cursor. */
export function isAfter(cursor: string | undefined): RawBuilder<boolean> {
  if (cursor === undefined) return sql<boolean>`1 = 1`
  const [time, id] = Buffer.from(cursor, "base64url").toString().split(" ")
  if (/^\d{1,15}$/.test(time ?? "") && id)
    return sql<boolean>`(created_at < ${Number(time)} or (created_at = ${Number(time)} and id < ${id}))`
  const message = "cursor is not one that an earlier page gave"
  throw new GatewayError({ code: "invalid_request", detail: message, problems: [{ param: "cursor", message }] })
}

/** The rows of one page, of which one more than `limit` were asked for, and the cursor of the next. */
export function pageOf<Row extends { created_at: number; id: string }>(rows: Row[], limit: number) {
  const page = rows.slice(0, limit)
  const last = page.at(-1)
  const next = rows.length > limit && last ? `${last.created_at} ${last.id}` : undefined
  return { page, next: next && Buffer.from(next).toString("base64url") }
}
