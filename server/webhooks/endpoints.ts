// The addresses that a project wants told what becomes of its generations. Every query names the project.
import type { App } from "../app.ts"
import type { Queries } from "../database/database.ts"
import { prepare } from "../database/prepare.ts"
import type { WebhookEndpointRow } from "../database/tables/webhooks.ts"
import { fail, GatewayError } from "../errors.ts"
import { newId } from "../ids.ts"
import { placeOf, seal, unseal } from "../secrets/seal.ts"
import type { WebhookEvent } from "./payload.ts"
import { overlapMs } from "./schedule.ts"
import { derivedSecret, newSecret, writeSecret } from "./sign.ts"

export type Endpoint = {
  id: string
  url: string
  events: WebhookEvent[]
  /** Why nothing is sent to it. */
  disabled: WebhookEndpointRow["disabled"]
  failingSince: number | null
  createdAt: number
}

type Needs = Pick<App, "database" | "clock" | "masterKeys" | "guardedPost">

const placeIn = (id: string, column: "sealed_secret" | "old_sealed_secret"): string =>
  placeOf("webhook_endpoints", [id], column)

const sealFor = (app: Pick<App, "masterKeys">, id: string, secret: string): string =>
  seal(app.masterKeys, placeIn(id, "sealed_secret"), secret)

const endpointsMax = 20

type NewEndpoint = { url: string; events: WebhookEvent[]; origin: string }

/** The id of what the same request has made before, if it is sent again; else `id` is noted as what it makes. */
export type Recall = (tx: Queries, id: string) => Promise<string | undefined>

/** The answer is one of the two times that a secret is seen, and so is the same answer given again. */
export async function createEndpoint(app: Needs, projectId: string, wanted: NewEndpoint, recall?: Recall) {
  await app.guardedPost.check(wanted.url)
  const [id, secret] = [newId("whk"), newSecret()]
  const row: WebhookEndpointRow = {
    ...{ id, project_id: projectId, url: wanted.url, events_json: JSON.stringify(wanted.events) },
    ...{ sealed_secret: sealFor(app, id, secret), old_sealed_secret: null, old_until: null, origin: wanted.origin },
    ...{ disabled: null, failing_since: null, slow_until: null, created_at: app.clock.now() },
  }
  const made = await app.database.transaction(async (tx) => {
    const first = await recall?.(tx, id)
    if (first !== undefined) return endpointRow(tx, projectId, first)
    if ((await endpointRows(tx, projectId)).length >= endpointsMax) throw tooMany()
    await tx.insertInto("webhook_endpoints").values(row).execute()
    return row
  })
  return withSecret(app, made)
}

const withSecret = (app: Pick<App, "masterKeys">, row: WebhookEndpointRow) => ({
  endpoint: readEndpoint(row),
  secret: unseal(app.masterKeys, placeIn(row.id, "sealed_secret"), row.sealed_secret),
})

function tooMany(): GatewayError {
  const message = `url: a project has at most ${endpointsMax} webhooks; delete one first`
  return new GatewayError({ code: "invalid_request", detail: message, problems: [{ param: "url", message }] })
}

export const listEndpoints = async (app: Pick<App, "database">, projectId: string): Promise<Endpoint[]> =>
  (await endpointRows(app.database.query, projectId)).map(readEndpoint)

export async function findEndpoint(app: Pick<App, "database">, projectId: string, id: string): Promise<Endpoint> {
  return readEndpoint(await endpointRow(app.database.query, projectId, id))
}

type Change = { url?: string | undefined; events?: WebhookEvent[] | undefined; enabled?: boolean | undefined }

/** Enabling it again forgets that it failed. */
export async function changeEndpoint(app: Needs, projectId: string, id: string, change: Change): Promise<Endpoint> {
  const { url, events, enabled } = change
  await findEndpoint(app, projectId, id)
  if (url !== undefined) await app.guardedPost.check(url)
  const fresh = { disabled: null, failing_since: null, slow_until: null }
  return app.database.transaction(async (tx) => {
    const row = await endpointRow(tx, projectId, id)
    const changed = {
      url: url ?? row.url,
      events_json: events ? JSON.stringify(events) : row.events_json,
      ...(enabled === true ? fresh : {}),
      ...(enabled === false && row.disabled === null ? { disabled: "by_request" as const } : {}),
    }
    await tx.updateTable("webhook_endpoints").set(changed).where("id", "=", id).execute()
    return readEndpoint({ ...row, ...changed })
  })
}

/** With everything that was sent to it, or should have been. */
export async function deleteEndpoint(app: Pick<App, "database">, projectId: string, id: string): Promise<void> {
  await app.database.transaction(async (tx) => {
    await endpointRow(tx, projectId, id)
    const deliveries = tx.selectFrom("webhook_deliveries").select("id").where("endpoint_id", "=", id)
    await tx.deleteFrom("webhook_attempts").where("delivery_id", "in", deliveries).execute()
    await tx.deleteFrom("webhook_deliveries").where("endpoint_id", "=", id).execute()
    await tx.deleteFrom("webhook_endpoints").where("id", "=", id).execute()
  })
}

/** For a day the secret before this one signs as well. */
export async function rotateSecret(app: Needs, projectId: string, id: string, recall?: Recall) {
  const rotated = await app.database.transaction(async (tx) => {
    const row = await endpointRow(tx, projectId, id)
    if ((await recall?.(tx, id)) !== undefined) return row
    const before = unseal(app.masterKeys, placeIn(id, "sealed_secret"), row.sealed_secret)
    const sealedBefore = seal(app.masterKeys, placeIn(id, "old_sealed_secret"), before)
    const old = { old_sealed_secret: sealedBefore, old_until: app.clock.now() + overlapMs }
    const changed = { ...old, sealed_secret: sealFor(app, id, newSecret()) }
    await tx.updateTable("webhook_endpoints").set(changed).where("id", "=", id).execute()
    return { ...row, ...changed }
  })
  return withSecret(app, rotated)
}

/** Those that sign what is sent to it now, the newest first. */
export function secretsOf(app: Pick<App, "masterKeys">, row: WebhookEndpointRow, now: number): string[] {
  const { id, sealed_secret, old_sealed_secret, old_until } = row
  const open = (column: "sealed_secret" | "old_sealed_secret", sealed: string) =>
    unseal(app.masterKeys, placeIn(id, column), sealed)
  const isOldGood = old_sealed_secret !== null && now < (old_until ?? 0)
  return [open("sealed_secret", sealed_secret), ...(isOldGood ? [open("old_sealed_secret", old_sealed_secret)] : [])]
}

/** Signs what goes to URLs that requests name themselves. It can be asked for at any time. */
export const requestSecret = (app: Pick<App, "webhookKey">, projectId: string): string =>
  writeSecret(derivedSecret(app.webhookKey, `webhooks of requests of ${projectId}`))

export const endpointRows = async (queries: Queries, projectId: string): Promise<WebhookEndpointRow[]> =>
  (await selectEndpoints(queries, { projectId })).rows

const selectEndpoints = prepare((queries, { projectId }: { projectId: string }) =>
  queries
    .selectFrom("webhook_endpoints")
    .selectAll()
    .where("project_id", "=", projectId)
    .orderBy("created_at")
    .orderBy("id"),
)

/** Another project's endpoint is like a missing one. */
export async function endpointRow(queries: Queries, projectId: string, id: string): Promise<WebhookEndpointRow> {
  const found = queries.selectFrom("webhook_endpoints").selectAll().where("project_id", "=", projectId)
  return (await found.where("id", "=", id).executeTakeFirst()) ?? fail("not_found", "There is no such webhook.")
}

export const eventsOf = ({ events_json }: WebhookEndpointRow): WebhookEvent[] =>
  JSON.parse(events_json) as WebhookEvent[]

function readEndpoint(row: WebhookEndpointRow): Endpoint {
  const { id, url, disabled, failing_since: failingSince, created_at: createdAt } = row
  return { id, url, events: eventsOf(row), disabled, failingSince, createdAt }
}
